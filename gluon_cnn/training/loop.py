"""Training a network and measuring its accuracy."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Sequence, Sized
from dataclasses import asdict
from pathlib import Path

import mxnet as mx
from gluon_cnn._core.checks import check_bool, check_int
from gluon_cnn._core.contexts import contexts_for, split_batch
from gluon_cnn._core.errors import translate_mxnet_errors
from gluon_cnn._core.files import locked
from gluon_cnn._core.seeding import seed
from gluon_cnn._core.startup import progress_disabled
from gluon_cnn.distributed.workers import Workers
from gluon_cnn.training.checkpoint import Checkpoint, in_order_of_structure
from gluon_cnn.training.history import History, read_history
from gluon_cnn.training.metrics import Tally, accuracy_on, labelled_scores
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
    num_epochs = check_int("num_epochs", num_epochs, 1)
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
    verbose = check_bool("verbose", verbose) and workers.rank == 0
    keeper = None if checkpoint is None else Checkpoint(checkpoint, net, trainer, train_data, workers, test_data)
    if verbose:
        print("Training on", ", ".join(map(str, contexts)))
    alone = locked(keeper.folder) if keeper and workers.rank == 0 else contextlib.nullcontext()
    try:
        # a step cannot be part of what the caller records
        with alone, in_order_of_structure(net, trainer), autograd.pause():
            if keeper:
                found = keeper.restore(num_epochs, read_history)
                history = read_history(found) if found else history
                if history and verbose:
                    print(f"Resuming after {len(history)} epochs, with {keeper.source}")
            for epoch in range(len(history), num_epochs):
                if keeper and epoch:  # the first goes on with the caller's seed, as without a checkpoint
                    seed((keeper.seed(epoch) * workers.count + workers.rank) % 2**31)
                start = time.perf_counter()
                title = f"epoch {epoch + 1} of {num_epochs}" if verbose else ""
                tally = _train_epoch(train_data, net, loss, trainer, contexts, workers, title)
                train_seconds = time.perf_counter() - start
                test_accuracy = accuracy_on(test_data, net, contexts, workers)
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
            pictures = workers.together(sum(len(y) for _, y in parts))
            workers.begin(net, trainer, parts[0][0])
            with autograd.record():
                outputs = [labelled_scores(net, X, y) for X, y in parts]
                with translate_mxnet_errors(
                    f"{loss} does not take scores {outputs[0].shape} and labels {parts[0][1].shape}"
                ):
                    losses = [loss(output, y) for output, (_, y) in zip(outputs, parts)]
            if not all(isinstance(value, nd.NDArray) for value in losses):
                raise TypeError(f"loss must give an NDArray; got {type(losses[0]).__name__}")
            if any(value.shape != (len(y),) for value, (_, y) in zip(losses, parts)):
                # A mean would be divided by the batch size a second time, by the trainer.
                raise ValueError(
                    f"loss must give one value a picture; got {losses[0].shape} for {len(parts[0][1])} pictures"
                )
            with translate_mxnet_errors(
                "the loss has no gradient: it must depend on weights whose grad_req is not 'null'"
            ):
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


def _idle(trainer: gluon.Trainer, used: list[mx.Context]) -> None:
    """Let contexts that had no picture add nothing: their gradients are those of an earlier batch."""
    for parameter in trainer._params:
        if parameter.grad_req == "write":
            for data, gradient in zip(parameter.list_data(), parameter.list_grad()):
                if data.context not in used:
                    gradient[:] = 0
                    data._fresh_grad = True  # else the trainer refuses the step
