"""What is measured after each epoch: the test data, or validation data that selects the weights."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from gluon_cnn.training.history import History
from gluon_cnn.training.metrics import Tally
from mxnet import gluon, nd


class OnTestData:
    """Measure the accuracy on the test data after each epoch; the last weights remain."""

    def __init__(self, test_data: Iterable, measure: Callable[..., Tally]) -> None:
        self.test_data, self.measure = test_data, measure
        self.best: dict[str, np.ndarray] = {}  # weights of the best epoch: unknown

    def after_epoch(self) -> dict[str, float]:
        """Return this epoch's entries of the history."""
        return {"test_accuracy": self.measure(self.test_data).accuracy}

    def update(self, history: History) -> None:
        """Take note of the epoch that was added to the history."""

    def restore(self) -> None:
        """Load the weights of the best epoch into the network."""

    def finish(self, history: History) -> str:
        """Complete the history after the last epoch, and return a line to print."""
        return ""


class OnValidationData(OnTestData):
    """Measure loss and accuracy on the validation data; at the end, test the weights of the best epoch."""

    def __init__(
        self,
        validation_data: Iterable,
        test_data: Iterable,
        measure: Callable[..., Tally],
        loss: gluon.loss.Loss,
        parameters: dict[str, gluon.Parameter],
    ) -> None:
        super().__init__(test_data, measure)
        self.validation_data, self.loss, self.parameters = validation_data, loss, parameters

    def after_epoch(self) -> dict[str, float]:
        validated = self.measure(self.validation_data, loss=self.loss)
        return {"validation_loss": validated.loss, "validation_accuracy": validated.accuracy}

    def update(self, history: History) -> None:
        if history.best_epoch == len(history):
            nd.waitall()  # MXNet may still be changing weights
            held = {name: p for name, p in self.parameters.items() if p._data is not None}
            self.best = {name: p.list_data()[0].asnumpy() for name, p in held.items()}

    def restore(self) -> None:
        for name, array in self.best.items():
            self.parameters[name].set_data(nd.array(array, dtype=array.dtype))

    def finish(self, history: History) -> str:
        self.restore()
        history.test_accuracy = [self.measure(self.test_data).accuracy]
        return f"Best epoch: {history.best_epoch} of {len(history)}. Test acc {history.test_accuracy[0]:.2f}"
