"""Training a network, epoch by epoch."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from dataclasses import asdict
from functools import partial
from pathlib import Path

import mxnet as mx
from gluon_cnn._core.checks import check_bool, check_int
from gluon_cnn._core.contexts import contexts_for, split_batch
from gluon_cnn._core.seeding import seed
from gluon_cnn.distributed.workers import Workers
from gluon_cnn.training.checkpoint import Checkpoint
from gluon_cnn.training.evaluation import OnTestData, OnValidationData
from gluon_cnn.training.history import History, read_history
from gluon_cnn.training.metrics import Tally, measure, scores_and_losses
from gluon_cnn.training.progress import Progress
from gluon_cnn.training.step import backward, check_arguments
from gluon_cnn.training.trainer_state import in_order_of_structure, parameters_by_name
from mxnet import autograd, gluon, nd


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
    validation_data: Iterable | None = None,
    patience: int | None = None,
) -> History:
    """Train ``net`` and print a line per epoch.

    Parameters
    ----------
    train_data, test_data : iterable of (X, y)
        Batches: X of shape (N, ...), y of shape (N,). Iterated once per epoch.
    net : Block
        The network, initialized on ``ctx``, with output (N, classes).
    loss : Loss
        Called as ``loss(output, y)``; returns one value per image.
    trainer : Trainer
        The optimizer of the network's parameters.
    ctx : Context or list of Context
        Where to compute. Each batch is split among several contexts, and batch norm normalizes each part separately. If
        a batch has fewer images than there are contexts, the last ones are idle.
    num_epochs : int
        Passes through ``train_data``, at least 1.
    verbose : bool
        Whether to print messages and show progress.
    checkpoint : str or Path, optional
        Folder to which the state is saved after each epoch. If it contains a checkpoint, training resumes from it,
        including the learning rate and the order of :class:`Batches`, and yields the same weights as without
        interruption. Other data must draw its order from NumPy, MXNet or ``random``, as ``DataLoader`` does.
    validation_data : iterable of (X, y), optional
        Evaluated after each epoch instead of ``test_data``. At the end, ``net`` gets the weights of the epoch with the
        highest validation accuracy, and the test data is evaluated once.
    patience : int, optional
        Stop when the validation accuracy has not improved for this many epochs.

    Returns
    -------
    History
        Loss, accuracies and times. Ctrl-C stops the training and returns the epochs completed so far.

    Raises
    ------
    FloatingPointError
        If the loss is no longer finite. The exception is also a ValueError.

    Notes
    -----
    If the trainer has a distributed kvstore, each worker passes its own part of the data, all with the same number of
    batches; worker 0 prints and saves the checkpoints, and the history covers all workers. Batch norm then normalizes
    over each worker's part, and its moving averages are worker 0's.

    The signature and the printed line are those of the MXNet notes on classic networks. The time of an epoch includes
    loading batches. MXNet's random state cannot be saved, so with ``checkpoint`` each epoch but the first starts with
    :func:`seed`.
    """
    num_epochs, contexts = check_int("num_epochs", num_epochs, 1), contexts_for(net, ctx)
    data = {"train_data": train_data, "test_data": test_data}
    if validation_data is not None:
        data["validation_data"] = validation_data
    elif patience is not None:
        raise ValueError("patience counts epochs without a better validation accuracy: pass validation_data, too")
    check_arguments(net, loss, trainer, **data)
    patience = None if patience is None else check_int("patience", patience, 1)
    workers, history = Workers.of(trainer), History()
    verbose = check_bool("verbose", verbose) and workers.rank == 0
    keeper = None if checkpoint is None else Checkpoint(checkpoint, net, trainer, workers, **data)
    evaluation = OnTestData(test_data, partial(measure, net=net, contexts=contexts, workers=workers))
    if validation_data is not None:
        parameters = parameters_by_name(net, trainer)
        evaluation = OnValidationData(validation_data, test_data, evaluation.measure, loss, parameters)
    if verbose:
        print("Training on", ", ".join(map(str, contexts)))
    try:
        # paused, since a step cannot be part of the caller's recording
        with keeper.lock() if keeper else nullcontext(), in_order_of_structure(net, trainer), autograd.pause():
            if keeper and (found := keeper.restore(num_epochs, read_history)):
                history, evaluation.best = read_history(found), keeper.best
                if verbose:
                    print(f"Resuming after {len(history)} epochs, from {keeper.source}")
            with Progress(train_data, num_epochs, verbose) as progress:
                while len(history) < num_epochs and not history.stalled(patience):
                    if keeper and history:  # the first epoch uses the caller's seed, as without checkpoints
                        seed(keeper.seed(len(history)))
                    start = time.perf_counter()
                    progress.begin_epoch(len(history))
                    tally = _train_epoch(train_data, net, loss, trainer, contexts, workers, progress)
                    trained = time.perf_counter()
                    history.append(
                        loss=tally.loss,
                        train_accuracy=tally.accuracy,
                        images=tally.count,
                        images_per_second=tally.count / (trained - start),
                        **evaluation.after_epoch(),
                        seconds=time.perf_counter() - start,
                    )
                    evaluation.update(history)
                    if keeper:
                        keeper.save(asdict(history), evaluation.best)
                    progress.print(history)
            summary = evaluation.finish(history)
            if verbose and summary:
                print(summary)
    except KeyboardInterrupt:
        if workers.count > 1:  # the others are waiting for this one
            raise
        evaluation.restore()
        epochs = f"{len(history)} epoch{'s' * (len(history) != 1)}"
        print(f"Stopped in epoch {len(history) + 1}; the history contains the {epochs} before it")
    return history


def _train_epoch(
    data: Iterable,
    net: gluon.Block,
    loss: gluon.loss.Loss,
    trainer: gluon.Trainer,
    contexts: list[mx.Context],
    workers: Workers,
    progress: Progress,
) -> Tally:
    """Update the weights once per batch."""
    tally = Tally()
    for batch in data:
        parts = split_batch(batch, contexts)  # a pair (X, y) for each context
        batch_size = workers.begin_step(net, trainer, parts)
        with autograd.record():
            outputs, losses = scores_and_losses(net, loss, parts)
        backward(losses, trainer)
        trainer.step(batch_size)
        tally.add(parts, outputs, losses)
        progress.update(tally)
    workers.count_images(0)  # workers without a batch must not leave the others waiting
    tally.finish("train_data", workers)
    nd.waitall()  # for the last update, on which no value read so far depends
    return tally
