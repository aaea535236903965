"""The notes' experiment: training any network of the course on any data. Lesson 14."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import mxnet as mx
import numpy as np
from gluon_cnn._core.checks import check_bool, check_float, check_int, check_pair
from gluon_cnn._core.contexts import as_contexts
from gluon_cnn._core.devices import try_gpu
from gluon_cnn._core.seeding import seed
from gluon_cnn.data import description
from gluon_cnn.data.batches import Batches
from gluon_cnn.data.datasets import DATASETS, load_data
from gluon_cnn.data.transforms import Normalize
from gluon_cnn.distributed.workers import Workers
from gluon_cnn.experiments.choices import (
    DEFAULT_IMAGE_SIZE,
    INITIALIZERS,
    SCHEDULES,
    check_optimizer,
    choose,
    find_network,
    learning_rates,
    make_network,
    min_image_size,
)
from gluon_cnn.experiments.run import Run
from gluon_cnn.experiments.settings import Settings
from gluon_cnn.training.learning_rate import RangeTest, find_learning_rate
from gluon_cnn.training.loop import train
from mxnet import gluon, nd


def experiment(
    network: Any,
    dataset: Any = "sample",
    *,
    ctx: mx.Context | Sequence[mx.Context] | None = None,
    verbose: bool = True,
    checkpoint: str | Path | None = None,
    workers: Workers | None = None,
    **settings: Any,
) -> Run:
    """Train a network with softmax cross-entropy.

    Parameters
    ----------
    network, dataset, **settings
        See :class:`gluon_cnn.experiments.settings.Settings`.
    ctx : Context or list of Context, optional
        Where to compute. Default: :func:`gluon_cnn.try_gpu`.
    verbose : bool
        Whether to print messages and show progress.
    checkpoint : str or Path, optional
        Folder of checkpoints, to save and to resume from, see :func:`gluon_cnn.train`; not with ``seconds``.
    workers : Workers, optional
        The workers of a distributed training run, see :func:`gluon_cnn.distributed.workers.join`; each processes
        ``batch_size`` images per step. Not with ``seconds``.

    Returns
    -------
    Run
        The trained network in ``.net`` and the measurements in ``.history``.
    """
    chosen = Settings(network, dataset, **settings)
    if checkpoint is not None and chosen.seconds is not None:
        raise ValueError("checkpoints are written after each epoch, and seconds= has no epochs: leave out one of them")
    return prepare(chosen, ctx, workers).train(verbose, checkpoint)


@dataclass
class Preparation:
    """Everything needed for training, loaded and checked."""

    net: gluon.Block
    trainer: gluon.Trainer
    train_data: Batches
    test_data: Batches
    ctx: list[mx.Context]
    settings: Settings
    validation_data: Batches | None = None

    def train(self, verbose: bool = True, checkpoint: str | Path | None = None) -> Run:
        """Train; see :func:`experiment`."""
        data: Iterable = self.train_data
        num_epochs, seconds = self.settings.num_epochs, self.settings.seconds
        if seconds is not None:
            data, num_epochs = _for_seconds(self.train_data, seconds), 1
        if verbose and self.train_data.files is not None and not Workers.of(self.trainer).rank:
            announce(self.train_data, self.test_data, self.validation_data)
        history = train(
            *(data, self.test_data, self.net, self.loss(), self.trainer, self.ctx, num_epochs, verbose, checkpoint),
            validation_data=self.validation_data,
            patience=self.settings.patience,
        )
        about = description.describe(self.train_data, self.test_data, self.validation_data)
        return Run(self.net, history, vars(self.settings), self.train_data.classes, self.test_data.image_shape, about)

    def find_learning_rate(self) -> RangeTest:
        """Suggest a learning rate; see :func:`gluon_cnn.training.learning_rate.find_learning_rate`."""
        params = _optimizer_params(self.settings)
        return find_learning_rate(self.train_data, self.net, self.loss(), self.settings.optimizer, params, ctx=self.ctx)

    def loss(self) -> Callable[[nd.NDArray, nd.NDArray], nd.NDArray]:
        """Return softmax cross-entropy, weighted by class if the settings say so."""
        loss = gluon.loss.SoftmaxCrossEntropyLoss()
        loss.hybridize(static_alloc=True)
        return balanced(loss, self.train_data.labels) if self.settings.balance else loss


def announce(train_data: Batches, test_data: Batches, validation_data: Batches | None = None) -> None:
    """Print the numbers of images."""
    validated = f"{len(validation_data.labels):,} for validation, " if validation_data else ""
    print(f"{len(train_data.labels):,} images to train on, {validated}{len(test_data.labels):,} held out for testing")


def prepare(
    settings: Settings, ctx: mx.Context | Sequence[mx.Context] | None = None, workers: Workers | None = None
) -> Preparation:
    """Load the data and create the network and the trainer; see :func:`experiment`."""
    workers = workers or Workers()
    if workers.count > 1 and settings.seconds is not None:
        raise ValueError("workers must take the same number of steps: leave out seconds=")
    settings = check_settings(settings)
    network = settings.network
    make = find_network(network) if isinstance(network, str) else network
    contexts = as_contexts(try_gpu() if ctx is None else ctx)
    seed(settings.random_seed)
    parts = load_parts(settings, min_image_size(make) if settings.resize is None else 1)
    left = len(parts[0].labels) % (settings.batch_size * workers.count)
    if 0 < left < workers.count:
        raise ValueError(f"the last batch of {left} cannot be shared by {workers.count} workers: change the batch size")
    train_data, *validation_data, test_data = (part.share(workers.rank, workers.count) for part in parts)
    net = make_network(make, len(train_data.classes))
    net.initialize(INITIALIZERS[settings.initializer](), ctx=contexts)
    net.hybridize(static_alloc=True)
    trainer = make_trainer(net, settings, len(train_data), workers)
    stored = settings_to_store(settings, train_data)
    return Preparation(net, trainer, train_data, test_data, contexts, stored, *validation_data)


def make_trainer(net: gluon.Block, settings: Settings, steps: int, workers: Workers | None = None) -> gluon.Trainer:
    """Return the trainer of a network for epochs of the given number of steps."""
    lengths = (settings.num_epochs, settings.warmup, steps)
    schedule = learning_rates(settings.schedule, settings.learning_rate, *lengths)
    params = {**_optimizer_params(settings), "learning_rate": settings.learning_rate, "lr_scheduler": schedule}
    kvstore = {} if workers is None else workers.settings
    try:
        return gluon.Trainer(net.collect_params(), settings.optimizer, params, **kvstore)
    except TypeError:
        raise ValueError(f"the optimizer {settings.optimizer!r} has no momentum: leave it at 0") from None


def _optimizer_params(settings: Settings) -> dict[str, Any]:
    """Return the optimizer's arguments, except the learning rate."""
    momentum = {"momentum": settings.momentum} if settings.momentum else {}
    return {**momentum, "wd": settings.weight_decay}


def balanced(loss: gluon.loss.Loss, labels: np.ndarray) -> Callable[[nd.NDArray, nd.NDArray], nd.NDArray]:
    """Return a loss that weights each image by the inverse of its class's share of the labels; the mean weight is 1."""
    counts = np.bincount(labels)
    weights = nd.array(len(labels) / np.maximum(counts, 1) / (counts > 0).sum())
    return lambda output, y: loss(output, y, weights.as_in_context(y.context).take(y).expand_dims(1))


def check_settings(settings: Settings) -> Settings:
    """Return the settings with Python numbers; refuse values that would fail late or with an unclear error."""
    augment = [settings.augment] if isinstance(settings.augment, str) else list(settings.augment)
    if unnamed := [item for item in augment if not isinstance(item, str)]:
        raise TypeError(f"augment takes names here, such as 'flip'; got {unnamed[0]!r}: pass it to gluon_cnn.load_data")
    if settings.patience is not None and not settings.validation:
        raise ValueError("patience counts epochs without a better validation accuracy: set validation, too")
    if settings.seconds is not None and settings.validation:
        raise ValueError("validation chooses among epochs, and seconds= has no epochs: leave out one of them")
    choose("initializer", settings.initializer, INITIALIZERS)
    choose("schedule", settings.schedule, dict.fromkeys(SCHEDULES))
    warmup = check_int("warmup", settings.warmup, 0)
    if settings.seconds is not None and (settings.schedule != "constant" or warmup):
        raise ValueError("a schedule counts epochs, and seconds= has none: leave out one of them")
    if warmup and warmup >= settings.num_epochs:
        raise ValueError(f"warmup must be less than the {settings.num_epochs} epochs; got {warmup}")
    check_optimizer(settings.optimizer)
    for part in settings.dataset if isinstance(settings.dataset, (tuple, list)) else [settings.dataset]:
        # not batches, whose classes are unknown
        if not isinstance(part, (str, Path, tuple, list)) and not hasattr(part, "shape"):
            raise TypeError(
                f"dataset must be a name, a folder or arrays (images, labels); got {type(part).__name__}: to train "
                "with your own batches, use gluon_cnn.train"
            )
    return replace(
        settings,
        learning_rate=check_float("learning_rate", settings.learning_rate, 0),
        momentum=check_float("momentum", settings.momentum, 0, 1),
        num_epochs=check_int("num_epochs", settings.num_epochs, 1),
        resize=None if settings.resize is None else check_pair("resize", settings.resize),
        seconds=None if settings.seconds is None else check_float("seconds", settings.seconds, 0),
        validation=check_float("validation", settings.validation, 0),
        patience=None if settings.patience is None else check_int("patience", settings.patience, 1),
        augment=augment,
        weight_decay=check_float("weight_decay", settings.weight_decay, 0),
        balance=check_bool("balance", settings.balance),
    )


def load_parts(settings: Settings, fewest: int = 1) -> tuple[Batches, ...]:
    """Load the data; if no size is given, choose one of at least ``fewest`` pixels a side."""
    size = settings.resize
    if size is None and isinstance(settings.dataset, (str, Path)):
        size = (max(DEFAULT_IMAGE_SIZE, fewest),) * 2
    names = ("channels", "broken", "validation", "augment", "normalize")
    more = {name: getattr(settings, name) for name in names}
    parts = load_data(settings.dataset, settings.batch_size, size, validation_seed=settings.random_seed, **more)
    if size is None:  # arrays
        own = parts[0].images.shape[2:]
        for part in parts:
            part.resize = own if min(own) >= fewest else (max(DEFAULT_IMAGE_SIZE, fewest),) * 2
    return parts


def settings_to_store(settings: Settings, data: Batches) -> Settings:
    """Return the settings in a form that can be saved to a file."""
    dataset, size = settings.dataset, data.resize or data.images.shape[2:]
    if not isinstance(dataset, (str, Path)):
        dataset = "arrays"
    elif dataset not in DATASETS:
        dataset = os.path.realpath(dataset)
    network = settings.network if isinstance(settings.network, str) else None
    normalize = next((step for step in data.transform if isinstance(step, Normalize)), None)
    numbers = None if normalize is None else [list(normalize.mean), list(normalize.std)]
    return replace(settings, network=network, dataset=dataset, resize=tuple(size), normalize=numbers)


def _for_seconds(batches: Batches, seconds: float) -> Iterator[tuple[nd.NDArray, nd.NDArray]]:
    """Yield batches, epoch after epoch, until the time is up, but at least one."""
    end = time.perf_counter() + seconds
    while True:
        for batch in batches:
            yield batch
            if time.perf_counter() > end:
                return
