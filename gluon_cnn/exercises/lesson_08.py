"""Checks for the exercises of lesson 08, network in network."""

from __future__ import annotations

import math
from collections.abc import Callable
from numbers import Real

import numpy as np
from gluon_cnn.lessons import WrongAnswer, judge, result_of
from gluon_cnn.networks.vgg import VGG, VGG11
from gluon_cnn.summary import summary
from mxnet import nd

__all__ = ["check_1", "check_2", "check_3"]


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


def check_2(answer: Callable[[nd.NDArray], nd.NDArray] | None) -> None:
    """Judge a function that averages the colours of photos."""
    judge(
        2,
        answer,
        _averages,
        "nd.Convolution(X, weights, kernel=(1, 1), num_filter=1, no_bias=True); weights of shape (1, 3, 1, 1).",
        "Three numbers, used at every pixel.",
    )


def check_3(answer: float | None) -> None:
    """Judge the share of VGG-11's parameters that is left without dense layers."""
    net = VGG(VGG11)
    net.initialize()
    table = summary(net, (1, 1, 224, 224))
    left = sum(layer.parameters for layer in table.layers if layer.kind == "Conv2D") + 10 * (512 + 1)
    expected = left / table.parameters
    judge(
        3,
        answer,
        lambda value: isinstance(value, Real) and math.isclose(value, expected, abs_tol=0.002),
        "add up the convolutions' parameters and those of the new one, and divide by all of today's.",
        f"{expected:.1%}: {left:,} of {table.parameters:,}.",
    )


def _averages(grey: Callable[[nd.NDArray], nd.NDArray]) -> bool:
    X = nd.random.uniform(shape=(2, 3, 4, 5))
    Y = result_of(grey, X.copy())
    if Y.shape != (2, 1, 4, 5):
        raise WrongAnswer(f"it made {Y.shape} of {X.shape}, expected (2, 1, 4, 5)")
    return np.allclose(Y.asnumpy(), X.asnumpy().mean(axis=1, keepdims=True), atol=1e-5)
