"""What a training measured, epoch by epoch."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

FORMER = "loader_seconds"  # in histories of version 0.1.0: it counted as loading what the engine still computed


@dataclass
class History:
    """What :func:`train` measured: one value for each whole epoch in each list.

    Attributes
    ----------
    loss : list of float
        Mean training loss of a picture, while the weights were moving.
    train_accuracy, test_accuracy : list of float
        Shares of right answers, 0..1; the first while the weights were moving, the second after the epoch.
    pictures : list of int
        Training pictures.
    images_per_second : list of float
        Training pictures a second: forward, backward, update and loading, without the test.
    seconds : list of float
        The whole epoch, with the test.
    """

    loss: list[float] = field(default_factory=list)
    train_accuracy: list[float] = field(default_factory=list)
    test_accuracy: list[float] = field(default_factory=list)
    pictures: list[int] = field(default_factory=list)
    images_per_second: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.loss)

    def __str__(self) -> str:
        if not self:
            return "no epoch was finished"
        return (
            f"Epoch {len(self)}. Loss: {self.loss[-1]:.3f}, Train acc {self.train_accuracy[-1]:.2f}, "
            f"Test acc {self.test_accuracy[-1]:.2f}, Time {self.seconds[-1]:.1f} sec"
        )

    def plot(self, file: str | Path | BinaryIO | None = None) -> None:
        """Plot loss and accuracies over the epochs: show them, or write them to a file."""
        from gluon_cnn.plots.curves import plot_history  # training works where nothing is drawn

        plot_history(self.loss, self.train_accuracy, self.test_accuracy, file)


def read_history(values: Any) -> History:
    """Return the history that was written to a file.

    Raises
    ------
    TypeError, ValueError
        When it is none.
    """
    values = {name: column for name, column in dict(values).items() if name != FORMER}
    history = History(**values)
    columns = list(asdict(history).values())
    lengths = {len(column) for column in columns}
    if len(values) < len(columns) or lengths - {0, len(history)}:  # of one that was made by hand, some may be empty
        raise ValueError("a part of the history is missing")
    if not all(isinstance(column, list) and {type(value) for value in column} <= {int, float} for column in columns):
        raise TypeError("a history consists of lists of numbers")
    return history
