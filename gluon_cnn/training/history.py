"""What a training measured, epoch by epoch."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

FORMER = "loader_seconds"  # in histories of version 0.1.0: it counted as loading what the engine still computed


@dataclass
class History:
    """What :func:`train` measured: one value for each whole epoch in each list."""

    loss: list[float] = field(default_factory=list)  # mean of the training images, while the weights were moving
    train_accuracy: list[float] = field(default_factory=list)  # 0..1, while the weights were moving
    test_accuracy: list[float] = field(default_factory=list)  # 0..1, after the epoch
    pictures: list[int] = field(default_factory=list)  # training images
    images_per_second: list[float] = field(default_factory=list)  # loading, forward, backward and update; not the test
    seconds: list[float] = field(default_factory=list)  # the whole epoch, with the test

    def append(self, **values: float) -> None:
        """Add what was measured in one epoch."""
        for name, value in values.items():
            getattr(self, name).append(value)

    def __len__(self) -> int:
        return len(self.loss)

    def __str__(self) -> str:
        if not self:
            return "no epoch was finished"
        return (
            f"Epoch {len(self)}. Loss: {round(self.loss[-1], 3) + 0.0:.3f}, Train acc {self.train_accuracy[-1]:.2f}, "
            f"Test acc {self.test_accuracy[-1]:.2f}, Time {self.seconds[-1]:.1f} sec"
        )

    def plot(self, file: str | Path | BinaryIO | None = None) -> None:
        """Plot loss and accuracies over the epochs: show them, or write them to a file."""
        from gluon_cnn.plots.curves import plot_history  # training works where nothing is drawn

        plot_history(self.loss, self.train_accuracy, self.test_accuracy, file)


def read_history(values: Any) -> History:
    """Return the history that was written to a file; raise TypeError or ValueError when it is not one."""
    values = {name: column for name, column in dict(values).items() if name != FORMER}
    history = History(**values)
    columns = list(asdict(history).values())
    lengths = {len(column) for column in columns}
    if len(values) < len(columns) or lengths - {0, len(history)}:  # of one that was made by hand, some may be empty
        raise ValueError("a part of the history is missing")
    if not all(isinstance(column, list) and {type(value) for value in column} <= {int, float} for column in columns):
        raise TypeError("a history consists of lists of numbers")
    return history
