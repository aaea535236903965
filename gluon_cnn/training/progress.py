"""Training progress."""

from __future__ import annotations

from collections.abc import Iterable, Sized
from types import TracebackType

from gluon_cnn._core.startup import progress_disabled
from gluon_cnn.training.metrics import Tally
from tqdm.auto import tqdm

FORMAT = "{desc}, {remaining} left |{bar}| {rate_fmt}{postfix}"
UNKNOWN = "{desc}: {n_fmt} batches, {rate_fmt}{postfix}"  # for data without a length


class Progress:
    """A progress bar for all epochs, with the remaining time and lines printed above it."""

    def __init__(self, data: Iterable, num_epochs: int, verbose: bool) -> None:
        self._batches = len(data) if isinstance(data, Sized) else 0
        self._num_epochs, self._verbose = num_epochs, verbose
        self._bar = tqdm(
            total=self._batches * num_epochs or None,
            desc=f"epoch 1 of {num_epochs}",
            unit=" batches",
            leave=False,
            smoothing=0,  # evaluation takes time, too, so the mean over all epochs predicts best
            bar_format=FORMAT if self._batches else UNKNOWN,
            disable=not verbose or progress_disabled(),
        )

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._bar.close()

    def begin_epoch(self, epoch: int) -> None:
        """Show that an epoch, counted from 0, begins; previous ones may have been trained earlier."""
        if epoch and not self._bar.n:
            self._bar.initial = self._bar.n = self._batches * epoch
        self._bar.set_description_str(f"epoch {epoch + 1} of {self._num_epochs}")

    def update(self, tally: Tally) -> None:
        """Count a batch."""
        if tally.count:
            self._bar.set_postfix(loss=f"{tally.loss:.3f}", acc=f"{tally.accuracy:.2f}", refresh=False)
        self._bar.update()

    def print(self, line: object) -> None:
        """Print a line above the bar."""
        if self._verbose:
            tqdm.write(str(line))
