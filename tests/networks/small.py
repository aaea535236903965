"""What tests know of each network in the registry: a row here belongs to each row there."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import gluon_cnn as g
import mxnet as mx
from gluon_cnn.networks.registry import NETWORKS
from gluon_cnn.training.prediction import predict_batches
from mxnet import gluon, nd

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


LOSS = gluon.loss.SoftmaxCrossEntropyLoss()
# every function that asks a network something
ASK = {
    "calling it": lambda net, X, y: net(X),
    "predict": lambda net, X, y: predict_batches([(X, y)], net),
    "evaluate_accuracy": lambda net, X, y: g.evaluate_accuracy([(X, y)], net),
    "train": lambda net, X, y: g.train(
        [(X, y)], [(X, y)], net, LOSS, gluon.Trainer(net.collect_params(), "sgd"), mx.cpu(), 1, False
    ),
    "finetune": lambda net, X, y: g.finetune(net, [(X, y)], [(X, y)], 2, verbose=False),
    "quantize": lambda net, X, y: g.quantize(net, [(X, y)]),
    "summary": lambda net, X, y: g.summary(net, X.shape),
    "export_symbol": lambda net, X, y: g.export_symbol(net, "net", X.shape),
    "export_onnx": lambda net, X, y: g.export_onnx(net, "net.onnx", X.shape),
}


def randomize(net):
    """Draw the parameters and statistics of batch norm and all biases."""
    for parameter in net.collect_params().values():
        if parameter.name.endswith(("gamma", "var")):
            parameter.set_data(nd.random.uniform(0.5, 1.5, parameter.shape))
        elif parameter.name.endswith(("beta", "mean", "bias")):
            parameter.set_data(nd.random.normal(0, 0.1, parameter.shape))
