"""Loss and accuracy, accumulated over batches."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Sequence

import mxnet as mx
import numpy as np
from gluon_cnn._core.contexts import contexts_for, split_batch
from gluon_cnn._core.forward import forward_logits
from gluon_cnn.distributed.workers import Workers
from gluon_cnn.training.step import image_losses
from mxnet import autograd, gluon, nd

# Number of batches that MXNet's engine may process while Python prepares the next. Reading a value blocks, so values
# are read this many batches late; without any blocking, a fast loader would fill the memory with batches.
BATCHES_AHEAD = 2


class NotFiniteError(ValueError, FloatingPointError):
    """The loss, the images or the scores contain infinity or NaN."""


def evaluate_accuracy(data: Iterable, net: gluon.Block, ctx: mx.Context | Sequence[mx.Context] | None = None) -> float:
    """Return the accuracy of ``net`` on ``data``, 0..1.

    Parameters
    ----------
    data : iterable of (X, y)
        Batches: X of shape (N, ...), y of shape (N,) with class numbers.
    net : Block
        The network, with output (N, classes).
    ctx : Context or list of Context, optional
        Where to compute. Default: the contexts of the network's parameters.
    """
    return measure(data, net, contexts_for(net, ctx), Workers()).accuracy


def measure(
    data: Iterable,
    net: gluon.Block,
    contexts: list[mx.Context],
    workers: Workers,
    loss: gluon.loss.Loss | None = None,
) -> Tally:
    """Return the accuracy, and with ``loss`` the mean loss, on the data of all workers."""
    tally = Tally()
    with autograd.pause():  # prediction mode, even inside autograd.record()
        for batch in data:
            parts = split_batch(batch, contexts)
            tally.add(parts, *scores_and_losses(net, loss, parts))
    tally.finish("the data to evaluate on", workers)
    return tally


def scores_and_losses(
    net: gluon.Block, loss: gluon.loss.Loss | None, parts: list[tuple[nd.NDArray, nd.NDArray]]
) -> tuple[list[nd.NDArray], list[nd.NDArray]]:
    """Return the scores and the losses on each context; no losses if there is no loss function."""
    outputs = [_labelled_scores(net, X, y) for X, y in parts]
    return outputs, [image_losses(loss, output, y) for output, (_, y) in zip(outputs, parts) if loss is not None]


def _labelled_scores(net: gluon.Block, X: nd.NDArray, labels: nd.NDArray) -> nd.NDArray:
    """Return the network's scores, after checking that there is one label per image."""
    output = forward_logits(net, X, wait=False)
    if labels.shape != output.shape[:1]:
        raise ValueError(f"labels must be one number per image, {output.shape[:1]}; got {labels.shape}")
    return output


class Tally:
    """Sums of loss and correct predictions, read from the device BATCHES_AHEAD batches late."""

    def __init__(self) -> None:
        self.count = 0  # images
        self._loss_sum = 0.0
        self._correct = 0
        self._batches = 0
        self._pending: deque[list[tuple[nd.NDArray | None, nd.NDArray, nd.NDArray, nd.NDArray]]] = deque()

    @property
    def loss(self) -> float:
        return self._loss_sum / self.count

    @property
    def accuracy(self) -> float:
        return self._correct / self.count

    def add(
        self,
        parts: list[tuple[nd.NDArray, nd.NDArray]],
        outputs: list[nd.NDArray],
        losses: list[nd.NDArray] | None = None,
    ) -> None:
        """Add one batch: for each context, images and labels, the network's output, and optionally the losses."""
        # in float32, since sums of finite numbers may overflow in float16
        sums = [X.astype("float32", copy=False).sum() for X, _ in parts]
        labels = [y for _, y in parts]
        self._pending.append(list(zip(losses or [None] * len(parts), outputs, sums, labels)))
        if len(self._pending) > BATCHES_AHEAD:
            self._read()

    def finish(self, what: str, workers: Workers) -> None:
        """Read the pending batches and sum over all workers; raise ValueError if there was no batch."""
        while self._pending:
            self._read()
        self._loss_sum, hits, count = workers.sum([self._loss_sum, self._correct, self.count])
        self._correct, self.count = int(hits), int(count)
        if not self.count:
            raise ValueError(
                f"{what} yielded no batches: pass something that can be iterated in each epoch, such as Batches"
            )

    def _read(self) -> None:
        # In NumPy, while MXNet's engine processes the next batches; these sums are too small to pay for its overhead.
        for losses, output, total, labels in self._pending.popleft():
            loss = 0.0 if losses is None else float(losses.asnumpy().sum(dtype=np.float64))
            scores, classes = output.asnumpy(), labels.asnumpy()
            _check(self._batches, loss, total.asscalar(), scores, classes)
            self._loss_sum += loss
            self._correct += int((scores.argmax(axis=1) == classes).sum())
            self.count += len(classes)
        self._batches += 1


def _check(number: int, loss: float, total: float, scores: np.ndarray, classes: np.ndarray) -> None:
    """Refuse a batch whose loss or accuracy would be meaningless."""
    if not math.isfinite(loss):
        raise NotFiniteError(
            f"the loss is {loss} in batch {number}: lower the learning rate, or look for NaN and infinity in the images"
        )
    if not math.isfinite(total):  # ReLU maps NaN to 0, so the loss may not reveal it
        raise NotFiniteError(f"the images of batch {number} contain NaN or infinity")
    if not np.isfinite(scores).all():  # the first class would count as the prediction
        raise NotFiniteError(
            f"the network's scores are NaN or infinite in batch {number}: look for NaN and infinity in its weights and "
            "in the images, or lower the learning rate"
        )
    if classes.min() < 0 or classes.max() >= scores.shape[1]:  # MXNet would clip them to the nearest class
        raise ValueError(
            f"labels must be 0 to {scores.shape[1] - 1}, as the network has {scores.shape[1]} outputs; "
            f"got {classes.min()} to {classes.max()} in batch {number}"
        )
    if not (classes == np.floor(classes)).all():
        raise ValueError(f"labels must be integers; batch {number} contains other values or NaN")
