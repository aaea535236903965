"""Measurements of a training run, per epoch."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO


@dataclass
class History:
    """Measurements of :func:`train`, lists with one value per completed epoch.

    Without validation data, the two validation lists are empty. With it, ``test_accuracy`` has a single value: the
    accuracy of the best epoch's weights, measured at the end of training.
    """

    loss: list[float] = field(default_factory=list)  # mean per training image, during the epoch
    train_accuracy: list[float] = field(default_factory=list)  # 0..1, during the epoch
    test_accuracy: list[float] = field(default_factory=list)  # 0..1, after the epoch
    images: list[int] = field(default_factory=list)  # number of training images
    images_per_second: list[float] = field(default_factory=list)  # loading, forward, backward, update; no evaluation
    seconds: list[float] = field(default_factory=list)  # the complete epoch, with validation or test
    validation_loss: list[float] = field(default_factory=list)  # mean per image, after the epoch
    validation_accuracy: list[float] = field(default_factory=list)  # 0..1, after the epoch

    def append(self, **values: float) -> None:
        """Add the measurements of one epoch."""
        for name, value in values.items():
            getattr(self, name).append(value)

    def __len__(self) -> int:
        return len(self.loss)

    @property
    def best_epoch(self) -> int:
        """Number, from 1, of the epoch with the highest validation accuracy; ties go to the lowest loss."""
        scores = [(a, -loss) for a, loss in zip(self.validation_accuracy, self.validation_loss)]
        return scores.index(max(scores)) + 1

    def stalled(self, patience: int | None) -> bool:
        """Return whether the validation accuracy has not improved for ``patience`` epochs."""
        return patience is not None and len(self) > 0 and len(self) - self.best_epoch >= patience

    def __str__(self) -> str:
        if not self:
            return "no epoch was completed"
        checked = self.validation_accuracy or self.test_accuracy
        return (
            f"Epoch {len(self)}. Loss: {round(self.loss[-1], 3) + 0.0:.3f}, Train acc {self.train_accuracy[-1]:.2f}, "
            f"{'Validation' if self.validation_accuracy else 'Test'} acc {checked[-1]:.2f}, "
            f"Time {self.seconds[-1]:.1f} sec"
        )

    def plot(self, file: str | Path | BinaryIO | None = None) -> None:
        """Plot loss and accuracies over the epochs: show them, or write them to a file."""
        from gluon_cnn.plots.curves import plot_history  # imported here, so that training works without matplotlib

        validation = (self.validation_loss, self.validation_accuracy)
        plot_history(self.loss, self.train_accuracy, self.test_accuracy, file, *validation)


def read_history(values: Any) -> History:
    """Parse a history from a file; raise TypeError or ValueError if it is invalid."""
    found = dict(values)
    found.pop("loader_seconds", None)  # in files of version 0.1.0; it included the engine's pending computation
    if "pictures" in found:
        found["images"] = found.pop("pictures")  # its name in older files
    history = History(**found)
    columns = asdict(history)
    if not all(
        isinstance(column, list) and {type(value) for value in column} <= {int, float} for column in columns.values()
    ):
        raise TypeError("a history consists of lists of numbers")
    if history.validation_accuracy and len(history.test_accuracy) == 1:
        del columns["test_accuracy"]
    lengths = {len(column) for column in columns.values()}
    missing = columns.keys() - found.keys() - {"validation_loss", "validation_accuracy"}
    if missing or lengths - {0, len(history)}:  # in a history made by hand, some may be empty
        raise ValueError("a part of the history is missing")
    return history
