"""The notes' experiment: any network of the course, trained on one of its data sets."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import mxnet as mx
from gluon_cnn.context import try_gpu
from gluon_cnn.datasets import load_data
from gluon_cnn.networks._network import Network
from gluon_cnn.networks.alexnet import AlexNet
from gluon_cnn.networks.densenet import DenseNet
from gluon_cnn.networks.googlenet import GoogLeNet
from gluon_cnn.networks.lenet import LeNet
from gluon_cnn.networks.nin import NiN
from gluon_cnn.networks.resnet import ResNet
from gluon_cnn.networks.vgg import VGG, VGG11
from gluon_cnn.training import History, seed, train
from mxnet import gluon, init

__all__ = ["INITIALIZERS", "NETWORKS", "experiment", "write_history"]

SIDE, CLASSES = 28, 10  # of Fashion-MNIST: pixels of a side, kinds of clothes

NETWORKS: dict[str, Callable[..., Network]] = {
    "lenet": LeNet,
    "alexnet": AlexNet,
    "vgg": functools.partial(VGG, VGG11),
    "nin": NiN,
    "nin_bn": functools.partial(NiN, batch_norm=True),
    "googlenet": GoogLeNet,
    "resnet": ResNet,
    "densenet": DenseNet,
}

INITIALIZERS: dict[str, Callable[[], init.Initializer]] = {
    "xavier": init.Xavier,  # the notes'; keeps the size of values through layers without an activation
    "he": functools.partial(init.MSRAPrelu, "in", 0),  # variance 2 / inputs: twice as much, as a ReLU takes away half
}


def experiment(
    network: str,
    dataset: str = "sample",
    resize: int | None = None,
    batch_size: int = 64,
    num_epochs: int = 1,
    optimizer: str = "sgd",
    learning_rate: float = 0.01,
    momentum: float = 0.0,
    initializer: str = "xavier",
    random_seed: int = 0,
    ctx: mx.Context | None = None,
) -> tuple[Network, History]:
    """Train one of the course's networks with softmax cross-entropy; the settings' defaults are the notes'.

    Parameters
    ----------
    network : str
        One of :data:`NETWORKS`.
    dataset, resize, batch_size
        See :func:`gluon_cnn.load_data`. Without ``resize`` pictures have 28x28 pixels, or the fewest that the network
        takes.
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
    ctx : Context, optional
        Where to compute. Default: :func:`gluon_cnn.try_gpu`.

    Returns
    -------
    net, history
        The trained network and what :func:`gluon_cnn.train` measured.

    Raises
    ------
    ValueError
        When there is no network, data set, initializer or optimizer of that name, the optimizer has no momentum, or a
        picture is too small.
    """
    for what, name, choices in (("network", network, NETWORKS), ("initializer", initializer, INITIALIZERS)):
        if name not in choices:
            raise ValueError(f"there is no {what} {name!r}; choose one of {', '.join(choices)}")
    seed(random_seed)
    ctx = ctx or try_gpu()
    net = NETWORKS[network](num_classes=CLASSES)
    net.initialize(INITIALIZERS[initializer](), ctx=ctx)
    train_iter, test_iter = load_data(dataset, batch_size, resize or max(SIDE, net.smallest_size()))
    settings: dict[str, Any] = {"learning_rate": learning_rate, **({"momentum": momentum} if momentum else {})}
    net.hybridize(static_alloc=True)
    try:
        trainer = gluon.Trainer(net.collect_params(), optimizer, settings)
    except TypeError:
        raise ValueError(f"the optimizer {optimizer!r} has no momentum: leave it at 0") from None
    loss = gluon.loss.SoftmaxCrossEntropyLoss()
    return net, train(train_iter, test_iter, net, loss, trainer, ctx, num_epochs)


def write_history(path: Path, history: History, **settings: Any) -> None:
    """Write the settings of an experiment and its history as JSON."""
    path.write_text(json.dumps({**settings, **asdict(history)}, indent=2) + "\n")
