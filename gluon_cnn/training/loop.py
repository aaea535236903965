"""Training a network and measuring its accuracy."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence, Sized
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

import mxnet as mx
from gluon_cnn._core.checks import check_bool, check_int
from gluon_cnn._core.contexts import contexts_for, split_batch
from gluon_cnn._core.errors import translate_mxnet_errors
from gluon_cnn._core.seeding import seed
from gluon_cnn._core.startup import progress_disabled
from gluon_cnn.distributed.workers import Workers
from gluon_cnn.training.checkpoint import Checkpoint
from gluon_cnn.training.history import History, read_history
from gluon_cnn.training.metrics import Tally, accuracy_on, labelled_scores
from gluon_cnn.training.trainer_state import in_order_of_structure
from mxnet import autograd, gluon, nd
from tqdm.auto import tqdm


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
        Called as ``loss(output, y)``; gives one value per image.
    trainer : Trainer
        The optimizer of the network's parameters.
    ctx : Context or list of Context
        Where to compute; several contexts share each batch, and batch norm normalizes each one's part by itself. Of a
        batch with fewer images than contexts the last ones get none.
    num_epochs : int
        Passes through ``train_data``, at least 1.
    verbose : bool
        Whether to print and to show progress.
    checkpoint : str or Path, optional
        Folder to which the state is saved after each epoch. When it holds one, the training resumes from there,
        learning rate and order of :class:`Batches` included, and ends with the weights it would have had without the
        interruption. Data of other kinds has to draw its order from NumPy, mxnet or ``random``, as ``DataLoader`` does.

    Returns
    -------
    History
        Loss, accuracies and times. Ctrl-C ends the training early and returns the epochs finished so far.

    Raises
    ------
    FloatingPointError
        When the loss is not finite any more. It is a ValueError, too.

    Notes
    -----
    With a trainer whose kvstore is distributed, each worker passes its own share of the data, all of them as many
    batches; worker 0 prints and saves the checkpoints, and the history is that of all. Batch norm then normalizes with
    the mean and variance of a worker's share, and its moving averages are worker 0's.
    Signature and printed line are those of notes C. The clock runs while a batch is loaded, too. mxnet's random state
    cannot be stored, so with ``checkpoint`` each epoch but the first starts with :func:`seed`.
    """
    num_epochs, contexts = check_int("num_epochs", num_epochs, 1), contexts_for(net, ctx)
    _check(train_data, test_data, net, loss, trainer)
    workers, history = Workers.of(trainer), History()
    verbose = check_bool("verbose", verbose) and workers.rank == 0
    keeper = None if checkpoint is None else Checkpoint(checkpoint, net, trainer, train_data, workers, test_data)
    if verbose:
        print("Training on", ", ".join(map(str, contexts)))
    try:
        # paused, as a step cannot be part of what the caller records
        with keeper.alone() if keeper else nullcontext(), in_order_of_structure(net, trainer), autograd.pause():
            if keeper and (found := keeper.restore(num_epochs, read_history)):
                history = read_history(found)
                if verbose:
                    print(f"Resuming after {len(history)} epochs, with {keeper.source}")
            for epoch in range(len(history), num_epochs):
                if keeper and epoch:  # the first has the caller's seed, as without a checkpoint
                    seed(keeper.seed(epoch))
                start = time.perf_counter()
                title = f"epoch {epoch + 1} of {num_epochs}" if verbose else ""
                tally = _train_epoch(train_data, net, loss, trainer, contexts, workers, title)
                trained = time.perf_counter()
                history.append(
                    loss=tally.loss,
                    train_accuracy=tally.accuracy,
                    test_accuracy=accuracy_on(test_data, net, contexts, workers),
                    pictures=tally.count,
                    images_per_second=tally.count / (trained - start),
                    seconds=time.perf_counter() - start,
                )
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


def _check(train_data: Any, test_data: Any, net: gluon.Block, loss: Any, trainer: Any) -> None:
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


def _train_epoch(
    data: Iterable,
    net: gluon.Block,
    loss: gluon.loss.Loss,
    trainer: gluon.Trainer,
    contexts: list[mx.Context],
    workers: Workers,
    title: str,
) -> Tally:
    """Go through the data once, with a progress bar of that title, without one when it is empty."""
    tally = Tally()
    total = len(data) if isinstance(data, Sized) else None
    with tqdm(total=total, desc=title, unit="batch", leave=False, disable=not title or progress_disabled()) as bar:
        for batch in data:
            parts = split_batch(batch, contexts)
            count = workers.together(sum(len(y) for _, y in parts))
            workers.begin(net, trainer, parts[0][0])
            with autograd.record():
                outputs = [labelled_scores(net, X, y) for X, y in parts]
                losses = [_losses(loss, output, y) for output, (_, y) in zip(outputs, parts)]
            with translate_mxnet_errors("the loss has no gradient: pass weights whose grad_req is not 'null'"):
                autograd.backward(losses)
            if len(parts) < len(trainer._contexts):
                _idle(trainer, [y.context for _, y in parts])
            trainer.step(count)
            tally.add([(value, output, *part) for value, output, part in zip(losses, outputs, parts)])
            if tally.count:
                bar.set_postfix(loss=f"{tally.loss:.3f}", acc=f"{tally.accuracy:.2f}", refresh=False)
            bar.update()
    workers.together(0)
    tally.finish("train_data", workers)
    nd.waitall()  # for the last update: nothing that was read depends on it
    return tally


def _losses(loss: gluon.loss.Loss, output: nd.NDArray, y: nd.NDArray) -> nd.NDArray:
    """Return one loss per image: a mean would be divided by the batch size a second time, by the trainer."""
    with translate_mxnet_errors(f"{loss} does not take scores {output.shape} and labels {y.shape}"):
        values = loss(output, y)
    if not isinstance(values, nd.NDArray):
        raise TypeError(f"loss must give an NDArray; got {type(values).__name__}")
    if values.shape != (len(y),):
        raise ValueError(f"loss must give one value per image; got {values.shape} for {len(y)} images")
    return values


def _idle(trainer: gluon.Trainer, used: list[mx.Context]) -> None:
    """Let contexts that had no image add nothing: their gradients are those of an earlier batch."""
    for parameter in trainer._params:
        if parameter.grad_req == "write":
            for data, gradient in zip(parameter.list_data(), parameter.list_grad()):
                if data.context not in used:
                    gradient[:] = 0
                    data._fresh_grad = True  # else the trainer refuses the step
