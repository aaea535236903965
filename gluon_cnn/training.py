"""Training a network and measuring its accuracy."""

from __future__ import annotations

import contextlib
import math
import random
import time
from collections import deque
from collections.abc import Iterable, Sequence, Sized
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import mxnet as mx
import numpy as np
from gluon_cnn._checks import as_numbers, flag, in_our_words, network, scores_of, whole
from gluon_cnn._files import locked
from gluon_cnn._runtime import progress_disabled
from gluon_cnn.checkpoint import Checkpoint, in_order_of_structure
from gluon_cnn.context import num_gpus
from gluon_cnn.distributed import Workers
from mxnet import autograd, gluon, nd
from tqdm.auto import tqdm

__all__ = ["History", "evaluate_accuracy", "seed", "train"]

# Batches that mxnet's engine may work on while Python prepares the next. Reading a value waits for it, so values are
# read this many batches late; without any wait a fast loader would fill the memory with an epoch of batches.
BATCHES_AHEAD = 2

FORMER = "loader_seconds"  # in histories of version 0.1.0: it counted as loading what the engine still computed

TYPES = ("bool", "uint8", "int8", "int32", "int64", "float16", "float32", "float64")  # of mxnet's arrays


def seed(value: int = 0) -> None:
    """Seed mxnet, NumPy and Python's ``random``, so that a run can be repeated.

    Parameters
    ----------
    value : int
        The seed, 0 to 2**31 - 1.

    Raises
    ------
    TypeError, ValueError
        When it is no whole number, below 0 or above 2**31 - 1.
    """
    value = whole("seed", value, 0)
    mx.random.seed(value)
    np.random.seed(value)
    random.seed(value)


class NotFinite(ValueError, FloatingPointError):
    """The loss is infinite or no number any more."""


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
        from gluon_cnn.plotting import plot_history  # training works where nothing is drawn

        plot_history(self, file)


def history_of(values: Any) -> History:
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


def train(
    train_data: Iterable,
    test_data: Iterable,
    net: gluon.Block,
    loss: gluon.loss.Loss,
    trainer: gluon.Trainer,
    ctx: mx.Context | Sequence[mx.Context],
    num_epochs: int,
    verbose: bool = True,
    checkpoint: str | Path | None = None,
) -> History:
    """Train ``net`` and print a line for each epoch.

    Parameters
    ----------
    train_data, test_data : iterable of (X, y)
        Batches: X of shape (N, ...), y of shape (N,). Iterated once in each epoch.
    net : Block
        The network, initialized on ``ctx``; output (N, classes).
    loss : Loss
        Called as ``loss(output, y)``; gives one value a picture.
    trainer : Trainer
        The optimizer of the network's parameters.
    ctx : Context or list of Context
        Where to compute; several contexts share each batch, and batch norm normalizes each one's part by itself. Of a
        batch with fewer pictures than contexts the last ones get none.
    num_epochs : int
        How often to go through ``train_data``, at least 1.
    verbose : bool
        Whether to print and to show progress.
    checkpoint : str or Path, optional
        Folder in which the state after each epoch is kept. When it holds one, the training goes on from there, learning
        rate and order of :class:`Batches` included, and ends with the weights it would have had without the
        interruption. Data of other kinds has to draw its order from NumPy, mxnet or ``random``, as ``DataLoader`` does.

    Returns
    -------
    History
        Loss, accuracies and times. Ctrl-C ends the training early and returns the epochs finished so far.

    Raises
    ------
    ValueError
        When the loss is no longer finite or not one value a picture, when the data gives no batch, an empty one, or
        labels that are no class of the network's, when the network is not initialized on ``ctx``, ``ctx`` names a
        context twice or a GPU that is not there, ``num_epochs`` is below 1, or when the checkpoint is damaged, of
        another network, optimizer or number of contexts, with a learning-rate schedule that the trainer has not or the
        reverse, or of more epochs.
    TypeError
        When the data does not consist of pairs (X, y) of numbers, ``num_epochs`` is no whole number, or ``net``,
        ``loss``, ``trainer`` or ``ctx`` is something else.
    OSError
        When the checkpoint cannot be written.

    Notes
    -----
    With a trainer whose kvstore is distributed, each worker passes its own share of the data, all of them as many
    batches; worker 0 prints and keeps the checkpoints, and the history is that of all. Batch norm then normalizes with
    the mean and variance of a worker's share, and its moving averages are worker 0's.
    Signature and printed line are those of notes C. The clock runs while a batch is loaded, too. mxnet's random state
    cannot be kept, so with ``checkpoint`` each epoch but the first starts with :func:`seed`.
    """
    num_epochs = whole("num_epochs", num_epochs, 1)
    contexts = contexts_for(net, ctx)
    if not isinstance(trainer, gluon.Trainer):
        raise TypeError(
            f"trainer must be a gluon.Trainer; got {trainer!r}: pass gluon.Trainer(net.collect_params(), ...)"
        )
    if not {id(p) for p in trainer._params} & {id(p) for p in net.collect_params().values()}:
        raise ValueError(
            f"trainer has no parameter of {type(net).__name__}: pass gluon.Trainer(net.collect_params(), ...)"
        )
    if not callable(loss) or isinstance(loss, type):
        raise TypeError(f"loss must be a loss of Gluon or a function; got {loss!r}")
    for name, data in (("train_data", train_data), ("test_data", test_data)):
        if not isinstance(data, Iterable):
            raise TypeError(f"{name} must be batches (X, y), such as Batches; got {data!r}")
    history = History()
    workers = Workers.of(trainer)
    verbose = flag("verbose", verbose) and workers.rank == 0
    keeper = None if checkpoint is None else Checkpoint(checkpoint, net, trainer, train_data, workers, test_data)
    if verbose:
        print("Training on", ", ".join(map(str, contexts)))
    alone = locked(keeper.folder) if keeper and workers.rank == 0 else contextlib.nullcontext()
    try:
        # a step cannot be part of what the caller records
        with alone, in_order_of_structure(net, trainer), autograd.pause():
            if keeper:
                found = keeper.restore(num_epochs, history_of)
                history = history_of(found) if found else history
                if history and verbose:
                    print(f"Going on after {len(history)} epochs, with {keeper.source}")
            for epoch in range(len(history), num_epochs):
                if keeper and epoch:  # the first goes on with the caller's seed, as without a checkpoint
                    seed((keeper.seed(epoch) * workers.count + workers.rank) % 2**31)
                start = time.perf_counter()
                title = f"epoch {epoch + 1} of {num_epochs}" if verbose else ""
                tally = _train_epoch(train_data, net, loss, trainer, contexts, workers, title)
                train_seconds = time.perf_counter() - start
                test_accuracy = _accuracy(test_data, net, contexts, workers)
                history.loss.append(tally.loss)
                history.train_accuracy.append(tally.accuracy)
                history.test_accuracy.append(test_accuracy)
                history.pictures.append(tally.count)
                history.images_per_second.append(tally.count / train_seconds)
                history.seconds.append(time.perf_counter() - start)
                if keeper:
                    keeper.save(asdict(history))
                if verbose:
                    print(history)
    except KeyboardInterrupt:
        if workers.count > 1:  # the others wait for this one
            raise
        epochs = f"{len(history)} epoch{'s' * (len(history) != 1)}"
        print(f"Stopped in epoch {len(history) + 1}; the history holds the {epochs} before it")
    return history


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
    return _accuracy(data, net, contexts_for(net, ctx), Workers())


def _accuracy(data: Iterable, net: gluon.Block, contexts: list[mx.Context], workers: Workers) -> float:
    """Return the share of right answers on the data of all workers."""
    tally = _Tally()
    with autograd.pause():  # predict, whatever the caller records
        for batch in data:
            tally.add([(None, _scores(net, X, y), X, y) for X, y in split(batch, contexts)])
    tally.finish("the data to evaluate on", workers)
    return tally.accuracy


def _train_epoch(
    data: Iterable,
    net: gluon.Block,
    loss: gluon.loss.Loss,
    trainer: gluon.Trainer,
    contexts: list[mx.Context],
    workers: Workers,
    title: str,
) -> _Tally:
    """Go through the data once, with a progress bar of that title, without one when it is empty."""
    tally = _Tally()
    total = len(data) if isinstance(data, Sized) else None
    with tqdm(total=total, desc=title, unit="batch", leave=False, disable=not title or progress_disabled()) as bar:
        for batch in data:
            parts = split(batch, contexts)
            pictures = workers.together(sum(len(y) for _, y in parts))
            workers.begin(net, trainer, parts[0][0])
            with autograd.record():
                outputs = [_scores(net, X, y) for X, y in parts]
                with in_our_words(f"{loss} does not take scores {outputs[0].shape} and labels {parts[0][1].shape}"):
                    losses = [loss(output, y) for output, (_, y) in zip(outputs, parts)]
            if not all(isinstance(value, nd.NDArray) for value in losses):
                raise TypeError(f"loss must give an NDArray; got {type(losses[0]).__name__}")
            if any(value.shape != (len(y),) for value, (_, y) in zip(losses, parts)):
                # A mean would be divided by the batch size a second time, by the trainer.
                raise ValueError(
                    f"loss must give one value a picture; got {losses[0].shape} for {len(parts[0][1])} pictures"
                )
            with in_our_words("the loss has no gradient: it must depend on weights whose grad_req is not 'null'"):
                autograd.backward(losses)
            if len(parts) < len(trainer._contexts):
                _idle(trainer, [y.context for _, y in parts])
            trainer.step(pictures)
            tally.add([(value, output, *part) for value, output, part in zip(losses, outputs, parts)])
            if tally.count:
                bar.set_postfix(loss=f"{tally.loss:.3f}", acc=f"{tally.accuracy:.2f}", refresh=False)
            bar.update()
    workers.together(0)
    tally.finish("train_data", workers)
    nd.waitall()  # for the last update: nothing that was read depends on it
    return tally


def _scores(net: gluon.Block, X: nd.NDArray, labels: nd.NDArray) -> nd.NDArray:
    """Return the network's output when it is one number a picture and class, and the labels are one a picture."""
    output = scores_of(net, X, wait=False)
    if labels.shape != output.shape[:1]:
        raise ValueError(f"labels must be one number a picture, {output.shape[:1]}; got {labels.shape}")
    return output


class _Tally:
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


def as_contexts(ctx: mx.Context | Sequence[mx.Context]) -> list[mx.Context]:
    """Return one or several contexts as a list.

    Raises
    ------
    TypeError, ValueError
        When there is none, something else among them, one twice, or a GPU that mxnet does not see.
    """
    contexts = [ctx] if isinstance(ctx, mx.Context) else list(ctx) if isinstance(ctx, Iterable) else []
    if not contexts or not all(isinstance(c, mx.Context) for c in contexts):
        raise TypeError(f"ctx must be a context or a list of contexts, such as mx.cpu(); got {ctx!r}")
    if len(set(contexts)) < len(contexts):
        raise ValueError(f"ctx names a context twice: {', '.join(map(str, contexts))}")
    for context in contexts:
        if context.device_type == "gpu" and context.device_id >= num_gpus():
            raise ValueError(f"mxnet sees no {context} here: pass gluon_cnn.try_gpu(), which looks for one")
    return contexts


def contexts_of(net: gluon.Block) -> list[mx.Context]:
    """Return where a network's parameters are.

    Raises
    ------
    TypeError, ValueError
        When it is none, or not initialized.
    """
    parameters = list(network(net).collect_params().values())
    return parameters[0].list_ctx() if parameters else [mx.current_context()]


def contexts_for(net: gluon.Block, ctx: mx.Context | Sequence[mx.Context] | None) -> list[mx.Context]:
    """Return the contexts to compute on, all of which hold the network's parameters."""
    found = contexts_of(net)
    contexts = found if ctx is None else as_contexts(ctx)
    missing = [context for context in contexts if context not in found]
    if missing and net.collect_params():
        raise ValueError(
            f"{type(net).__name__} is on {', '.join(map(str, found))}, not on {missing[0]}: initialize it there, or "
            "pass its own ctx"
        )
    return contexts


def split(batch: Any, contexts: list[mx.Context]) -> list[tuple[nd.NDArray, nd.NDArray]]:
    """Share one batch among the contexts: a list of (X, y), shorter when there are fewer pictures than contexts."""
    if not isinstance(batch, (tuple, list)) or len(batch) != 2:
        raise TypeError(f"each batch must be a pair (X, y); got {type(batch).__name__}")
    X, y = map(_as_array, batch)
    if len(X) != len(y):
        raise ValueError(f"a batch has {len(X)} pictures and {len(y)} labels")
    if not len(X):
        raise ValueError("a batch holds no picture")
    contexts = contexts[: len(X)]
    Xs, ys = (gluon.utils.split_and_load(part, contexts, even_split=False) for part in (X, y))
    return list(zip(Xs, ys))


def _as_array(item: Any) -> nd.NDArray:
    """Return one half of a batch as an NDArray."""
    if isinstance(item, mx.np.ndarray):
        return item.as_nd_ndarray()
    if isinstance(item, nd.NDArray):
        return item
    array = as_numbers(item)
    if array.ndim == 0 or array.dtype.kind not in "buif":
        raise TypeError(f"X and y of a batch must be arrays of numbers; got {type(item).__name__} of {array.dtype}")
    kind = array.dtype.newbyteorder("=")
    if kind.name not in TYPES:  # mxnet has neither uint16 nor 80-bit floats
        kind = np.dtype("float32" if kind.kind == "f" else "int64")
    return nd.array(array.astype(kind, copy=False), dtype=kind)


def _idle(trainer: gluon.Trainer, used: list[mx.Context]) -> None:
    """Let contexts that had no picture add nothing: their gradients are those of an earlier batch."""
    for parameter in trainer._params:
        if parameter.grad_req == "write":
            for data, gradient in zip(parameter.list_data(), parameter.list_grad()):
                if data.context not in used:
                    gradient[:] = 0
                    data._fresh_grad = True  # else the trainer refuses the step
