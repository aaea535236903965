"""The weights of the epoch with the best validation accuracy."""

from __future__ import annotations

import numpy as np
from gluon_cnn.training.history import History
from mxnet import gluon, nd


class BestWeights:
    """A copy of the parameters, updated after each epoch that is the best so far.

    Parameters
    ----------
    parameters : dict of Parameter
        By name. If there are several contexts, the first is copied.
    arrays : dict of numpy.ndarray, optional
        The copy from an interrupted training.
    """

    def __init__(self, parameters: dict[str, gluon.Parameter], arrays: dict[str, np.ndarray] | None = None) -> None:
        self.parameters = parameters
        self.arrays = arrays or {}

    def update(self, history: History) -> None:
        """Copy the parameters if the last epoch is the best."""
        if history.best_epoch == len(history):
            nd.waitall()  # MXNet may still be changing weights
            held = {name: p for name, p in self.parameters.items() if p._data is not None}
            self.arrays = {name: p.list_data()[0].asnumpy() for name, p in held.items()}

    def restore(self) -> None:
        """Load the weights of the best epoch into the network."""
        for name, array in self.arrays.items():
            self.parameters[name].set_data(nd.array(array, dtype=array.dtype))
