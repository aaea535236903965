"""Write what the course's layers, blocks and networks compute, for other frameworks to compare with.

    .venv/bin/python benchmarks/parity/ours.py build/parity

Each case becomes a NumPy archive: the input X, the weighting of the outputs, the parameters in the order of
the layers, and what came out: outputs in prediction and in training, gradients of the input and of the parameters, and
parameters and running statistics after three steps of SGD with momentum.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import gluon_cnn as g
import numpy as np
from fragments import numbers
from gluon_cnn.data.transforms import CenterCrop
from mxnet import autograd, gluon, init, nd
from mxnet.gluon import nn
from tqdm import tqdm

STEPS, LEARNING_RATE, MOMENTUM = 3, 0.001, 0.9
# Whole networks compute with 64 bits: rounding would turn single ReLUs on or off. With 32, make bench compares them.
NETWORKS = ("lenet", "alexnet", "vgg", "nin", "googlenet", "resnet", "densenet")


# name: what makes it, the shape of its input
CASES: dict[str, tuple[Callable[[], gluon.Block], tuple[int, ...]]] = {
    "convolution": (lambda: nn.Conv2D(6, 3, padding=1), (4, 3, 9, 9)),
    "convolution with stride": (lambda: nn.Conv2D(6, 5, strides=2, padding=2), (4, 3, 9, 9)),
    "convolution, dilated": (lambda: nn.Conv2D(6, 3, dilation=2), (4, 3, 9, 9)),
    "convolution of 1x1": (lambda: nn.Conv2D(6, 1), (4, 3, 9, 9)),
    "dense": (lambda: nn.Dense(7), (4, 5)),
    "dense, of maps": (lambda: nn.Dense(7), (4, 3, 2, 2)),
    "max pooling": (lambda: nn.MaxPool2D(3, 2), (4, 3, 9, 10)),
    "max pooling with padding": (lambda: nn.MaxPool2D(3, 2, 1), (4, 3, 9, 10)),
    "max pooling, ceil": (lambda: nn.MaxPool2D(3, 2, ceil_mode=True), (4, 3, 10, 10)),
    "average pooling": (lambda: nn.AvgPool2D(2), (4, 3, 9, 10)),
    "average pooling with padding": (lambda: nn.AvgPool2D(3, 2, 1), (4, 3, 9, 10)),
    "average pooling, padding not counted": (
        lambda: nn.AvgPool2D(3, 2, 1, count_include_pad=False),
        (4, 3, 9, 10),
    ),
    "global average pooling": (lambda: nn.GlobalAvgPool2D(), (4, 3, 9, 10)),
    "relu": (lambda: nn.Activation("relu"), (4, 3, 5, 5)),
    "sigmoid": (lambda: nn.Activation("sigmoid"), (4, 3, 5, 5)),
    "tanh": (lambda: nn.Activation("tanh"), (4, 3, 5, 5)),
    "batch norm, Gluon's": (lambda: nn.BatchNorm(), (4, 3, 5, 5)),
    "batch norm": (lambda: g.BatchNorm(), (4, 3, 5, 5)),
    "batch norm of vectors": (lambda: g.BatchNorm(), (8, 3)),
    "Inception": (lambda: g.Inception(4, 3, 6, 2, 5, 4), (2, 3, 8, 8)),
    "Residual": (lambda: g.Residual(8), (2, 8, 8, 8)),
    "Residual, other shape": (lambda: g.Residual(16, same_shape=False), (2, 8, 9, 9)),
    "ResBlk": (lambda: g.ResBlk(4, 8), (2, 4, 8, 8)),
    "DenseBlock": (lambda: g.DenseBlock(3, 4), (2, 3, 8, 8)),
    "conv_block": (lambda: g.conv_block(5), (2, 3, 8, 8)),
    "transition_block": (lambda: g.transition_block(5), (2, 3, 8, 8)),
    "mlpconv": (lambda: g.mlpconv(6, 3, 0), (2, 3, 16, 16)),
    "vgg_block": (lambda: g.vgg_block(2, 6), (2, 3, 8, 8)),
    "lenet": (lambda: g.LeNet(), (8, 1, 28, 28)),
    "alexnet": (lambda: g.AlexNet(), (4, 1, 67, 67)),
    "vgg": (lambda: g.VGG(g.VGG11), (4, 1, 32, 32)),
    "nin": (lambda: g.NiN(), (4, 1, 67, 67)),
    "googlenet": (lambda: g.GoogLeNet(10), (4, 1, 96, 96)),
    "resnet": (lambda: g.ResNet(10), (4, 1, 75, 75)),
    "densenet": (lambda: g.DenseNet(), (4, 1, 40, 40)),
}


# lesson: the block that its fragment of PyTorch writes, and an input
FRAGMENTS: dict[str, tuple[Callable[[], gluon.Block], tuple[int, ...]]] = {
    "01": (lambda: nn.Conv2D(16, 3, padding=1), (2, 3, 28, 28)),
    "05": (lambda: g.LeNet(), (8, 1, 28, 28)),
    "06": (lambda: g.AlexNet(), (2, 1, 224, 224)),
    "07": (lambda: g.vgg_block(2, 6), (2, 3, 8, 8)),
    "08": (lambda: g.mlpconv(6, 3, 0), (2, 3, 16, 16)),
    "09": (lambda: g.Inception(4, 3, 6, 2, 5, 4), (2, 3, 8, 8)),
    "10": (lambda: g.Residual(8), (2, 8, 8, 8)),
    "10, other shape": (lambda: g.Residual(16, same_shape=False), (2, 8, 9, 9)),
    "11": (lambda: g.DenseBlock(3, 4), (2, 3, 8, 8)),
    "11, transition": (lambda: g.transition_block(5), (2, 3, 8, 8)),
}


def fragment(make: Callable[[], gluon.Block], shape: tuple[int, ...]) -> dict[str, np.ndarray]:
    """Return outputs in prediction and in training, and the input's gradient, of a block with known weights."""
    net = make()
    net.initialize()
    X = nd.array(numbers(1000, shape))
    with autograd.record():  # determines the shapes; a prediction would reorder the weights, which then take no values
        net(X)
    for k, p in enumerate(net.collect_params().values()):
        p.set_data(numbers(k, p.shape))
    net.apply(_without_dropout)
    found = {"predicted": net(X).asnumpy()}
    X.attach_grad()
    with autograd.record():
        output = net(X)
        value = (output * nd.array(numbers(1001, output.shape))).sum()
    value.backward()
    return {**found, "trained": output.asnumpy(), "gradient": X.grad.asnumpy()}


def examples_of_lesson_02() -> dict[str, np.ndarray]:
    X = nd.array([[1, 3, 2, 0], [5, 4, 1, 1], [0, 2, 8, 6], [1, 1, 7, 3]])
    copied = nd.UpSampling(X.reshape((1, 1, 4, 4)), scale=2, sample_type="nearest")[0, 0]
    results = g.pool2d(X, 2), g.pool2d(X, 2, mode="avg"), copied, nd.LeakyReLU(-X)
    return {str(k): result.asnumpy() for k, result in enumerate(results)}


def training_of_lesson_05() -> dict[str, np.ndarray]:
    """Return LeNet's parameters after the fragment's loop over two batches."""
    net, loss = g.LeNet(), gluon.loss.SoftmaxCrossEntropyLoss()
    net.initialize()
    batches = nd.array(numbers(1000, (2, 8, 1, 28, 28)))
    with autograd.record():
        net(batches[0])
    for k, p in enumerate(net.collect_params().values()):
        p.set_data(numbers(k, p.shape) / 2)
    trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.02, "momentum": 0.9})
    for X in batches:
        with autograd.record():
            cost = loss(net(X), nd.arange(8))
        cost.backward()
        trainer.step(len(X))
    return {str(k): p.data().asnumpy() for k, p in enumerate(net.collect_params().values())}


def case(make: Callable[[], gluon.Block], shape: tuple[int, ...], dtype: str) -> dict[str, np.ndarray]:
    """Return all arrays of a case."""
    g.seed(0)
    net = make()
    net.cast(dtype)
    net.initialize(init.MSRAPrelu("in", 0))
    # not the same in every place, so that a mix-up shows; no two alike, so that max pooling has one answer
    X = nd.random.normal(shape=shape).astype(dtype)
    output = net(X)
    output.wait_to_read()
    for p in net.collect_params().values():
        if p.name.endswith(("gamma", "running_var")):
            p.set_data(nd.random.uniform(0.5, 1.5, shape=p.shape))
        elif not p.name.endswith("weight"):
            p.set_data(nd.random.normal(0, 0.1, shape=p.shape))
    net.apply(_without_dropout)
    found = {"X": X.asnumpy(), "predicted": net(X).asnumpy()}
    parameters = list(net.collect_params().values())
    nd.waitall()
    found.update({f"before {i:03}": p.data().asnumpy() for i, p in enumerate(parameters)})
    X.attach_grad()
    weighting = nd.random.normal(shape=output.shape).astype(dtype) / len(X)
    found["weighting"] = weighting.asnumpy()
    trainable = [p for p in parameters if p.grad_req != "null"]
    rates = {"learning_rate": LEARNING_RATE, "momentum": MOMENTUM}
    trainer = gluon.Trainer(trainable, "sgd", rates) if trainable else None
    for step in range(STEPS):
        with autograd.record():
            output = net(X)
            value = (output * weighting).sum()
        value.backward()
        if step == 0:
            found["trained"], found["gradient"] = output.asnumpy(), X.grad.asnumpy()
            found.update(
                {f"gradient {i:03}": p.grad().asnumpy() for i, p in enumerate(parameters) if p.grad_req != "null"}
            )
        if trainer:
            trainer.step(1)
    nd.waitall()
    found.update({f"after {i:03}": p.data().asnumpy() for i, p in enumerate(parameters)})
    return found


def _without_dropout(block: gluon.Block) -> None:
    if isinstance(block, nn.Dropout):  # two frameworks never draw the same
        block._rate = 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    for name, (make, shape) in tqdm(CASES.items(), desc="ours", unit="case"):
        np.savez(folder / f"{name}.npz", **case(make, shape, "float64" if name in NETWORKS else "float32"))
    for name, (make, shape) in tqdm(FRAGMENTS.items(), desc="fragments", unit="block"):
        np.savez(folder / f"lesson {name}.npz", **fragment(make, shape))
    np.savez(folder / "lesson 02.npz", **examples_of_lesson_02())
    np.savez(folder / "lesson 05, trained.npz", **training_of_lesson_05())
    images = numbers(1000, (4, 1, 32, 32))
    np.savez(folder / "lesson 12.npz", cropped=CenterCrop(28)(images, np.random.RandomState(0)))
    g.seed(0)
    X = nd.random.uniform(1, 2, shape=(200, 50))
    modes = {
        f"{mode}, {'training' if training else 'prediction'}": g.dropout(X, 0.3, training, mode).asnumpy()
        for mode in ("upscale_in_train", "downscale_in_infer")
        for training in (True, False)
    }
    np.savez(folder / "dropout.npz", X=X.asnumpy(), **modes)
    X = nd.random.uniform(shape=(100, 16, 784))  # notes B's
    np.savez(folder / "running statistics.npz", X=X.asnumpy(), ours=one_step(g.BatchNorm(), X))


def one_step(block: gluon.Block, X: nd.NDArray) -> np.ndarray:
    """Return running mean and variance after a batch of shape (N, C, L)."""
    block.initialize()
    with autograd.record():
        output = block(X.expand_dims(3))
    output.backward()
    return np.stack([block.running_mean.data().asnumpy(), block.running_var.data().asnumpy()])


if __name__ == "__main__":
    main()
