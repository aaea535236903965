"""The notes' experiment: any network of the course, trained on any data, kept in a folder. Lesson 14."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mxnet as mx
from gluon_cnn._core.checks import check_float, check_int, check_pair
from gluon_cnn._core.contexts import as_contexts
from gluon_cnn._core.devices import try_gpu
from gluon_cnn._core.seeding import seed
from gluon_cnn.data import description
from gluon_cnn.data.batches import Batches
from gluon_cnn.data.datasets import DATASETS, load_data
from gluon_cnn.distributed.workers import Workers
from gluon_cnn.experiments.choices import INITIALIZERS, SMALLEST_SIDE, check_optimizer, choose, fewest_pixels
from gluon_cnn.experiments.run import Run
from gluon_cnn.networks.registry import NETWORKS
from gluon_cnn.training.loop import train
from mxnet import gluon, nd


def experiment(
    network: str | Callable[..., gluon.Block],
    dataset: Any = "sample",
    resize: int | tuple[int, int] | None = None,
    batch_size: int = 64,
    num_epochs: int = 1,
    optimizer: str = "sgd",
    learning_rate: float = 0.01,
    momentum: float = 0.0,
    initializer: str = "xavier",
    random_seed: int = 0,
    channels: int = 3,
    broken: str = "refuse",
    seconds: float | None = None,
    ctx: mx.Context | Sequence[mx.Context] | None = None,
    verbose: bool = True,
    checkpoint: str | Path | None = None,
    workers: Workers | None = None,
) -> Run:
    """Train a network with softmax cross-entropy; the settings' defaults are the notes'.

    Parameters
    ----------
    network : str or callable
        One of :data:`NETWORKS`; or whatever makes a network of yours when called with ``num_classes=``.
    dataset, batch_size, channels, broken
        See :func:`gluon_cnn.load_data`.
    resize : int or (int, int), optional
        Height and width of the pictures in pixels. Default: 28, or the fewest that a network of the course takes; of
        arrays their own, when that is no less.
    num_epochs : int
        How often to go through the training pictures.
    optimizer : str
        ``"sgd"``, ``"adam"`` or another of mxnet's.
    learning_rate, momentum : float
        Of the optimizer; ``momentum`` is for those that have one.
    initializer : str
        One of :data:`INITIALIZERS`.
    random_seed : int
        Fixes the weights and the order of the pictures.
    seconds : float, optional
        Train for so long instead of ``num_epochs``; the history has a single entry then.
    ctx : Context or list of Context, optional
        Where to compute. Default: :func:`gluon_cnn.try_gpu`.
    verbose : bool
        Whether to print and to show progress.
    checkpoint : str or Path, optional
        Folder from which an interrupted training goes on, see :func:`gluon_cnn.train`; not with ``seconds``.
    workers : Workers, optional
        Those that train together, see :func:`gluon_cnn.distributed.workers.join`; each takes ``batch_size`` pictures of
        a batch. Not with ``seconds``.

    Returns
    -------
    Run
        The trained network in ``.net``, what was measured in ``.history``.

    Raises
    ------
    ValueError
        When there is no network, data set, initializer or optimizer of that name, the optimizer has no momentum, or a
        picture is too small, or ``ctx`` names a context twice; or for a checkpoint's sake, see :func:`gluon_cnn.train`.
    TypeError
        When ``ctx`` is no context, or a number is none.
    """
    arguments = {k: v for k, v in locals().items() if k not in ("verbose", "checkpoint")}
    if checkpoint is not None and seconds is not None:
        raise ValueError("a checkpoint is written after each epoch, and seconds= has none: leave out one of them")
    return prepare(**arguments).train(verbose, checkpoint)


@dataclass
class Preparation:
    """Everything that a training needs, read and checked: what :func:`prepare` returns."""

    net: gluon.Block
    trainer: gluon.Trainer
    train_data: Batches
    test_data: Batches
    ctx: list[mx.Context]
    settings: dict[str, Any]

    def train(self, verbose: bool = True, checkpoint: str | Path | None = None) -> Run:
        """Train; see :func:`experiment`."""
        data: Iterable = self.train_data
        num_epochs, seconds = self.settings["num_epochs"], self.settings["seconds"]
        if seconds is not None:
            data, num_epochs = _for_seconds(self.train_data, seconds), 1
        loss = gluon.loss.SoftmaxCrossEntropyLoss()
        loss.hybridize(static_alloc=True)
        history = train(data, self.test_data, self.net, loss, self.trainer, self.ctx, num_epochs, verbose, checkpoint)
        shape = (self.train_data.images.shape[1], *self.settings["resize"])
        about = description.describe(self.train_data, self.test_data)
        return Run(self.net, history, self.settings, self.train_data.classes, shape, about)


def prepare(
    network: str | Callable[..., gluon.Block],
    dataset: Any = "sample",
    resize: int | tuple[int, int] | None = None,
    batch_size: int = 64,
    num_epochs: int = 1,
    optimizer: str = "sgd",
    learning_rate: float = 0.01,
    momentum: float = 0.0,
    initializer: str = "xavier",
    random_seed: int = 0,
    channels: int = 3,
    broken: str = "refuse",
    seconds: float | None = None,
    ctx: mx.Context | Sequence[mx.Context] | None = None,
    workers: Workers | None = None,
) -> Preparation:
    """Read the data and make network and trainer; for arguments and errors see :func:`experiment`."""
    settings = {k: v for k, v in locals().items() if k not in ("ctx", "workers")}
    workers = workers or Workers()
    if workers.count > 1 and seconds is not None:
        raise ValueError("workers have to take the same number of steps: leave out seconds=")
    make = choose("network", network, NETWORKS) if isinstance(network, str) else network
    weights = choose("initializer", initializer, INITIALIZERS)
    if not isinstance(optimizer, str):
        raise TypeError(f"optimizer must be the name of one, such as 'sgd'; got {optimizer!r}")
    check_optimizer(optimizer)
    _check_arrays(dataset)
    ctx = as_contexts(try_gpu() if ctx is None else ctx)
    learning_rate, momentum = check_float("learning_rate", learning_rate, 0), check_float("momentum", momentum, 0, 1)
    settings["seconds"] = None if seconds is None else check_float("seconds", seconds, 0)
    settings["num_epochs"] = check_int("num_epochs", num_epochs, 1)
    if not isinstance(network, str):
        settings["network"] = None
    seed(random_seed)
    if not isinstance(dataset, (str, Path)):
        settings["dataset"] = "arrays"
        if resize is None:
            height, width = load_data(dataset, batch_size)[0].images.shape[2:]
            resize = (height, width) if min(height, width) >= fewest_pixels(make) else None
    elif dataset not in DATASETS:
        settings["dataset"] = os.path.realpath(dataset)
    if resize is None:
        resize = max(SMALLEST_SIDE, fewest_pixels(make))
    settings["resize"] = check_pair("resize", resize)
    train_iter, test_iter = load_data(dataset, batch_size, resize, channels=channels, broken=broken)
    left = len(train_iter.labels) % (batch_size * workers.count)
    if 0 < left < workers.count:
        raise ValueError(f"the last batch of {left} cannot be shared by {workers.count} workers: change the batch size")
    train_iter, test_iter = (part.share(workers.rank, workers.count) for part in (train_iter, test_iter))
    net = make(num_classes=len(train_iter.classes))
    if not isinstance(net, gluon.Block):
        raise TypeError(f"network must make a Gluon network; got {net!r}")
    net.initialize(weights(), ctx=ctx)
    net.hybridize(static_alloc=True)
    try:
        with_momentum = {"momentum": momentum} if momentum else {}
        rates = {"learning_rate": learning_rate, **with_momentum}
        trainer = gluon.Trainer(net.collect_params(), optimizer, rates, **workers.settings)
    except TypeError:
        raise ValueError(f"the optimizer {optimizer!r} has no momentum: leave it at 0") from None
    return Preparation(net, trainer, train_iter, test_iter, ctx, settings)


def _check_arrays(dataset: Any) -> None:
    """Refuse batches and loaders, of which neither the classes nor the size of a picture are known."""
    parts = list(dataset) if isinstance(dataset, (tuple, list)) else [dataset]
    for part in parts:
        if not isinstance(part, (str, Path, tuple, list)) and not hasattr(part, "shape"):
            raise TypeError(
                f"dataset must be a name, a folder or arrays (images, labels); got {type(part).__name__}: train with "
                "batches of your own by gluon_cnn.train"
            )


def _for_seconds(batches: Batches, seconds: float) -> Iterator[tuple[nd.NDArray, nd.NDArray]]:
    """Yield batches, epoch after epoch, until the time is up; at least one."""
    end = time.perf_counter() + seconds
    while True:
        for batch in batches:
            yield batch
            if time.perf_counter() > end:
                return
