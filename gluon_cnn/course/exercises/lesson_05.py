"""Checks for the exercises of lesson 05, LeNet."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from gluon_cnn.course.answers import WrongAnswer, judge
from gluon_cnn.course.exercises.parameters import judge_dense_share, table_of
from gluon_cnn.networks.lenet import LeNet
from gluon_cnn.networks.summary import Summary, summary
from mxnet import nd
from mxnet.gluon import Block

LENET_5 = ((1, 6, 28, 28), (1, 6, 14, 14), (1, 16, 10, 10), (1, 16, 5, 5), (1, 120), (1, 84), (1, 10))


def check_1(answer: int | None) -> None:
    """Judge the length of the flattened vector for 32x32 pictures."""
    expected = next(layer.output_shape[1] for layer in _lenet(32).layers if layer.kind == "Flatten")
    judge(
        1,
        answer,
        lambda value: value == expected,
        "follow the side: minus 4, half, minus 2, half; the last map has 50 channels.",
        f"32 -> 28 -> 14 -> 12 -> 6, so 50 * 6 * 6 = {expected}.",
    )


def check_2(answer: float | None) -> None:
    """Judge the share of LeNet's parameters that sits in its dense layers."""
    judge_dense_share(2, answer, _lenet(28), " of the weights, but the convolutions do most of the computing.")


def check_3(answer: Block | None) -> None:
    """Judge a network that should have the layers of LeCun's LeNet-5, fully connected between its two stages."""

    def is_right(net: Block) -> bool:
        net.initialize(force_reinit=True)
        table = summary(net, (1, 1, 28, 28))
        shapes = [row.output_shape for row in table.layers if row.kind not in ("Activation", "Flatten", "Dropout")]
        for number, (shape, expected) in enumerate(zip(shapes, LENET_5), start=1):
            if shape != expected:
                raise WrongAnswer(f"layer {number} gives {shape} where LeNet-5 has {expected}")
        return len(shapes) == len(LENET_5)

    judge(
        3,
        answer,
        is_right,
        "seven layers: conv 6 (5x5, padding 2), pool, conv 16 (5x5), pool, dense 120, 84 and 10.",
        "61,706 parameters, about a third of the notes' version.",
    )


def check_4(answer: Callable[[nd.NDArray, int], nd.NDArray] | None) -> None:
    """Judge a function that moves pictures to the right and fills with black."""

    def is_right(shift: Callable[[nd.NDArray, int], nd.NDArray]) -> bool:
        X = np.random.RandomState(0).rand(2, 1, 5, 6).astype(np.float32)
        for pixels in (0, 1, 3):
            expected = np.zeros_like(X)
            expected[..., pixels:] = X[..., : X.shape[3] - pixels]
            moved = shift(nd.array(X), pixels)
            if moved.shape != X.shape:
                raise WrongAnswer(f"the shape changed from {X.shape} to {moved.shape}")
            if not np.array_equal(moved.asnumpy(), expected):
                raise WrongAnswer(f"moved by {pixels}, a picture holds other values than it should")
        return True

    judge(
        4,
        answer,
        is_right,
        "start from nd.zeros_like(X), then copy all but the last columns of X into all but its first.",
        "Now you can ask how far pictures may move before the network errs.",
    )


def _lenet(side: int) -> Summary:
    return table_of(LeNet, shape=(1, 1, side, side))
