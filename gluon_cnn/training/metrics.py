"""Loss and accuracy, summed up over batches."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Sequence

import mxnet as mx
import numpy as np
from gluon_cnn._core.contexts import contexts_for, split_batch
from gluon_cnn._core.forward import forward_logits
from gluon_cnn.distributed.workers import Workers
from mxnet import autograd, gluon, nd

# Batches that mxnet's engine may work on while Python prepares the next. Reading a value waits for it, so values are
# read this many batches late; without any wait a fast loader would fill the memory with an epoch of batches.
BATCHES_AHEAD = 2


class NotFinite(ValueError, FloatingPointError):
    """The loss is infinite or no number any more."""


def evaluate_accuracy(data: Iterable, net: gluon.Block, ctx: mx.Context | Sequence[mx.Context] | None = None) -> float:
    """Return the share of right answers of ``net`` on ``data``.

    Parameters
    ----------
    data : iterable of (X, y)
        Batches: X of shape (N, ...), y of shape (N,) with class numbers.
    net : Block
        The network; output (N, classes).
    ctx : Context or list of Context, optional
        Where to compute. Default: where the network's parameters are.

    Returns
    -------
    float
        Accuracy, 0..1.

    Raises
    ------
    ValueError
        When ``data`` gives no batch, an empty one, or labels that are no class of the network's; when the network is
        not initialized on ``ctx``, or ``ctx`` names a context twice or a GPU that is not there.
    TypeError
        When ``data`` does not consist of pairs (X, y) of numbers, or ``net`` or ``ctx`` is something else.
    """
    return accuracy_on(data, net, contexts_for(net, ctx), Workers())


def accuracy_on(data: Iterable, net: gluon.Block, contexts: list[mx.Context], workers: Workers) -> float:
    """Return the share of right answers on the data of all workers."""
    tally = Tally()
    with autograd.pause():  # predict, whatever the caller records
        for batch in data:
            tally.add([(None, labelled_scores(net, X, y), X, y) for X, y in split_batch(batch, contexts)])
    tally.finish("the data to evaluate on", workers)
    return tally.accuracy


def labelled_scores(net: gluon.Block, X: nd.NDArray, labels: nd.NDArray) -> nd.NDArray:
    """Return the network's output when it is one number a picture and class, and the labels are one a picture."""
    output = forward_logits(net, X, wait=False)
    if labels.shape != output.shape[:1]:
        raise ValueError(f"labels must be one number a picture, {output.shape[:1]}; got {labels.shape}")
    return output


class Tally:
    """Sums of loss and right answers, read from the device BATCHES_AHEAD batches late."""

    def __init__(self) -> None:
        self.count = 0
        self._loss_sum = 0.0
        self._hits = 0
        self._batches = 0
        self._pending: deque[list[tuple[nd.NDArray | None, nd.NDArray, nd.NDArray, nd.NDArray]]] = deque()

    @property
    def loss(self) -> float:
        return self._loss_sum / self.count

    @property
    def accuracy(self) -> float:
        return self._hits / self.count

    def add(self, parts: list[tuple[nd.NDArray | None, nd.NDArray, nd.NDArray, nd.NDArray]]) -> None:
        """Take one batch: for each context its losses, if there are any, the network's output, pictures and labels."""
        # in 32 bits: with 16, a sum of finite numbers may be infinite
        totals = [X.astype("float32", copy=False).sum() for _, _, X, _ in parts]
        self._pending.append([(losses, output, total, y) for (losses, output, _, y), total in zip(parts, totals)])
        if len(self._pending) > BATCHES_AHEAD:
            self._read()

    def finish(self, what: str, workers: Workers) -> None:
        """Read what is outstanding and add up what all workers have; refuse to have seen nothing."""
        while self._pending:
            self._read()
        self._loss_sum, hits, count = workers.sum([self._loss_sum, self._hits, self.count])
        self._hits, self.count = int(hits), int(count)
        if not self.count:
            raise ValueError(
                f"{what} gave no batch: pass something that can be iterated in each epoch, such as Batches"
            )

    def _read(self) -> None:
        # In NumPy, while mxnet's engine works on the next batches: for it, such small sums would be a detour.
        for losses, output, total, labels in self._pending.popleft():
            if losses is not None:
                value = losses.asnumpy().sum(dtype=np.float64)
                if not math.isfinite(value):
                    raise NotFinite(
                        f"the loss is {value} in batch {self._batches}: lower the learning rate, or look for NaN and "
                        "infinity in the pictures"
                    )
                self._loss_sum += float(value)
            scores, classes = output.asnumpy(), labels.asnumpy()
            if not math.isfinite(total.asscalar()):  # ReLU makes 0 of NaN: the loss may not show it
                raise NotFinite(f"the pictures of batch {self._batches} hold NaN or infinity")
            if not np.isfinite(scores).all():  # the first class would count as the answer
                raise NotFinite(
                    f"the network's scores are NaN or infinite in batch {self._batches}: look for NaN and infinity in "
                    "its weights and in the pictures, or lower the learning rate"
                )
            if classes.min() < 0 or classes.max() >= scores.shape[1]:  # mxnet takes the nearest class instead
                raise ValueError(
                    f"labels must be 0 to {scores.shape[1] - 1}, as the network has {scores.shape[1]} outputs; "
                    f"got {classes.min()} to {classes.max()} in batch {self._batches}"
                )
            if not (classes == np.floor(classes)).all():
                raise ValueError(f"labels must be whole numbers; batch {self._batches} holds others, or NaN")
            self._hits += int((scores.argmax(axis=1) == classes).sum())
            self.count += len(classes)
        self._batches += 1
