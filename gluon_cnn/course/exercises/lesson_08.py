"""Checks for the exercises of lesson 08, network in network."""

from __future__ import annotations

import numpy as np
from gluon_cnn.course.answers import WrongAnswer, judge
from gluon_cnn.course.exercises.parameters import table_of
from gluon_cnn.networks.vgg import VGG, VGG11
from mxnet import nd


def check_1(answer: tuple[int, int] | None) -> None:
    """Judge the numbers of parameters of a 1x1 and a 3x3 convolution."""
    expected = (64 * (256 + 1), 64 * (256 * 9 + 1))
    judge(
        1,
        answer,
        lambda value: tuple(value) == expected,
        "each of the 64 kernels has as many slices as there are input channels, and one bias.",
        f"{expected[0]:,} and {expected[1]:,}: a 1x1 in front of a 3x3 or 5x5 makes it cheap. Lesson 09.",
    )


def check_2(answer: nd.NDArray | None) -> None:
    """Judge the weights of a 1x1 convolution that averages the colours of photos."""
    judge(
        2,
        answer,
        _average,
        "one output channel, three input channels, a window of 1x1; each colour counts one third.",
        "Three numbers, used at every pixel.",
    )


def check_3(answer: int | None) -> None:
    """Judge the number of VGG-11's parameters with NiN's end instead of dense layers."""
    table = table_of(VGG, VGG11, shape=(1, 1, 224, 224))
    expected = sum(layer.parameters for layer in table.layers if layer.kind == "Conv2D") + 10 * (512 + 1)
    judge(
        3,
        answer,
        lambda value: value == expected,
        "add up the convolutions' parameters and those of the new one, with its biases.",
        f"{expected:,} of {table.parameters:,}, or {expected / table.parameters:.1%}.",
    )


def _average(weights: nd.NDArray) -> bool:
    if not isinstance(weights, nd.NDArray):
        raise WrongAnswer(f"it is of type {type(weights).__name__}, not an NDArray")
    if weights.shape != (1, 3, 1, 1):
        raise WrongAnswer(f"its shape is {weights.shape}, not (out channels, in channels, height, width) of the window")
    X = nd.random.uniform(shape=(2, 3, 4, 5))
    Y = nd.Convolution(X, weights, kernel=(1, 1), num_filter=1, no_bias=True)
    return np.allclose(Y.asnumpy(), X.asnumpy().mean(axis=1, keepdims=True), atol=1e-5)
