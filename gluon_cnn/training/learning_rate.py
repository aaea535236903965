"""The learning-rate range test."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import mxnet as mx
import numpy as np
from gluon_cnn._core.checks import check_float, check_int
from gluon_cnn._core.contexts import contexts_for, split_batch
from gluon_cnn.distributed.workers import Workers
from gluon_cnn.networks import copying  # noqa: F401 (networks can be copied, once it is imported)
from gluon_cnn.training.metrics import NotFiniteError, Tally, scores_and_losses
from gluon_cnn.training.step import backward
from mxnet import autograd, gluon

SMOOTHING = 0.8  # weight of the previous batches in the mean loss
DIVERGED = 4  # times the lowest loss


@dataclass
class RangeTest:
    """The result of :func:`find_learning_rate`: learning rates and the smoothed loss at each."""

    rates: list[float]
    losses: list[float]

    @property
    def suggestion(self) -> float:
        """A tenth of the rate with the lowest loss, rounded to one significant digit."""
        return float(f"{self.rates[int(np.argmin(self.losses))] / 10:.0e}")

    def plot(self, file: str | Path | BinaryIO | None = None) -> None:
        """Plot the loss against the learning rate: show the plot, or write it to a file."""
        from gluon_cnn.plots.curves import plot_range_test  # imported here, so that training works without matplotlib

        plot_range_test(self.rates, self.losses, self.suggestion, file)


def find_learning_rate(
    train_data: Iterable,
    net: gluon.Block,
    loss: gluon.loss.Loss,
    optimizer: str = "sgd",
    optimizer_params: dict[str, Any] | None = None,
    *,
    steps: int = 100,
    lowest: float = 1e-6,
    highest: float = 10.0,
    ctx: mx.Context | Sequence[mx.Context] | None = None,
) -> RangeTest:
    """Train a copy of a network while the learning rate rises, and suggest a rate for training the network.

    The rate rises geometrically from ``lowest`` to ``highest``, by the same factor with each batch. The test ends early
    when the smoothed loss is four times its lowest value. The suggestion is a tenth of the rate at which the
    smoothed loss is lowest: beyond that rate, training diverges.

    Parameters
    ----------
    train_data : iterable of (X, y)
        Batches as for :func:`gluon_cnn.train`; iterated as often as needed.
    net : Block
        The initialized network; it is not changed.
    loss : Loss
        As for :func:`gluon_cnn.train`.
    optimizer, optimizer_params
        As for ``gluon.Trainer``, without a learning rate or a schedule.
    steps : int
        Number of batches.
    lowest, highest : float
        Range of the learning rate.
    ctx : Context or list of Context, optional
        Where to compute. Default: the contexts of the network's parameters.

    References
    ----------
    Smith, Cyclical learning rates for training neural networks, 2017, section 3.3.
    """
    steps, lowest = check_int("steps", steps, 2), check_float("lowest", lowest, 0)
    if not 0 < lowest < check_float("highest", highest, 0):
        raise ValueError(f"lowest must be above 0 and below highest; got {lowest} and {highest}")
    contexts, twin = contexts_for(net, ctx), copy.deepcopy(net)
    trainer = gluon.Trainer(twin.collect_params(), optimizer, {**(optimizer_params or {}), "learning_rate": lowest})
    found, mean = RangeTest([], []), 0.0
    for step, (rate, batch) in enumerate(zip(np.geomspace(lowest, highest, steps), _endless(train_data)), 1):
        parts, tally = split_batch(batch, contexts), Tally()
        with autograd.record():
            outputs, losses = scores_and_losses(twin, loss, parts)
        try:
            tally.add(parts, outputs, losses)
            tally.finish("train_data", Workers())
        except NotFiniteError:
            if step == 1:  # not because of the rate
                raise
            break
        mean = SMOOTHING * mean + (1 - SMOOTHING) * tally.loss
        found.rates.append(float(rate))
        found.losses.append(mean / (1 - SMOOTHING**step))  # without the initial 0
        if found.losses[-1] > DIVERGED * min(found.losses):
            break
        backward(losses, trainer)
        trainer.set_learning_rate(rate)
        trainer.step(tally.count)
    return found


def _endless(data: Iterable) -> Iterator[Any]:
    """Yield batches, epoch after epoch."""
    while True:
        batch = None
        for batch in data:
            yield batch
        if batch is None:
            raise ValueError("train_data yielded no batches: pass something that can be iterated again, e.g. Batches")
