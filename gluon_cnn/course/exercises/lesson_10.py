"""Checks for the exercises of lesson 10, ResNet."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from gluon_cnn.course.answers import WrongAnswer, equals, exercise, result_of
from mxnet import nd

check_1 = exercise(
    1,
    "it is a 1x1 convolution from 64 to 128 channels with biases; its stride makes no parameters.",
    "Without batch norm: that is in the notes' form of the block, the paper has one there.",
)(equals(128 * (64 + 1)))

check_2 = exercise(
    2,
    "the first convolution, two in each block, and the dense layer; shortcuts do not count.",
    "ResNet-34 of the paper.",
)(equals(34))


@exercise(
    3,
    "x[:, :, ::2, ::2] is every second pixel; compare the shapes to know which to add.",
    "A shortcut without parameters: the paper's option A takes every second pixel, too.",
)
def check_3(residual: Callable) -> bool:
    """Judge a function that adds a shortcut."""
    x = nd.random.normal(shape=(2, 3, 6, 5))
    half = x[:, :, ::2, ::2]
    for function, expected in ((lambda x: -0.5 * x, -0.5 * x + x), (lambda x: 2 - x[:, :, ::2, ::2], 2 - half + half)):
        got = result_of(residual, function, x.copy(), shape=expected.shape).asnumpy()
        if not np.allclose(got, nd.relu(expected).asnumpy(), atol=1e-6):
            if (got < 0).any():
                raise WrongAnswer("negative numbers came out: the ReLU is missing")
            return False
    return True
