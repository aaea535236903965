"""What tests know of each network in the registry: a row here belongs to each row there."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from gluon_cnn.networks.registry import NETWORKS

from tests.networks import in_numpy


class Row(NamedTuple):
    """What makes a network small, its layers in NumPy, the smallest side of an image and one that fits better."""

    settings: dict[str, Any]
    judge: Callable
    smallest: int
    side: int


FEW = (4, 4, 4, 4)
ROWS = {
    "lenet": Row({}, in_numpy.lenet, 12, 17),
    "alexnet": Row({"dense_units": 30}, in_numpy.alexnet, 67, 75),
    "vgg": Row({"dense_units": 30}, in_numpy.vgg, 32, 33),
    "nin": Row({}, in_numpy.nin, 67, 70),
    "nin_bn": Row({}, partial(in_numpy.nin, normalized=True), 67, 70),
    "googlenet": Row({"width": 0.1}, in_numpy.googlenet, 93, 93),
    "resnet": Row({"init_channels": 8}, in_numpy.resnet, 75, 84),
    "densenet": Row(
        {"block_layers": FEW, "growth_rate": 8, "init_channels": 8},
        partial(in_numpy.densenet, block_layers=FEW),
        29,
        64,
    ),
}


def small(name, num_classes=3, **settings):
    """Return a small network that has no weights yet."""
    return NETWORKS[name](num_classes=num_classes, **{**ROWS[name].settings, **settings})
