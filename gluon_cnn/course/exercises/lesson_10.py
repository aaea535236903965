"""Checks for the exercises of lesson 10, ResNet."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from gluon_cnn.course.answers import WrongAnswer, judge, result_of
from mxnet import nd


def check_1(answer: int | None) -> None:
    """Judge the parameters of a shortcut."""
    judge(
        1,
        answer,
        lambda value: value == 128 * (64 + 1),
        "it is a 1x1 convolution from 64 to 128 channels with biases; its stride makes no parameters.",
        "Without batch norm: that is in the notes' form of the block, the paper has one there.",
    )


def check_2(answer: int | None) -> None:
    """Judge the number of layers of ResNet-34."""
    judge(
        2,
        answer,
        lambda value: value == 34,
        "the first convolution, two in each block, and the dense layer; shortcuts do not count.",
        "ResNet-34 of the paper.",
    )


def check_3(answer: Callable | None) -> None:
    """Judge a function that adds a shortcut."""
    judge(
        3,
        answer,
        _adds_its_input,
        "x[:, :, ::2, ::2] is every second pixel; compare the shapes to know which to add.",
        "A shortcut without parameters: the paper's option A takes every second pixel, too.",
    )


def _adds_its_input(residual: Callable) -> bool:
    x = nd.random.normal(shape=(2, 3, 6, 5))
    for function, shortcut in (
        (lambda x: -0.5 * x, x),
        (lambda x: 2 - x[:, :, ::2, ::2], x[:, :, ::2, ::2]),
    ):
        expected = nd.relu(function(x) + shortcut)
        got = result_of(residual, function, x.copy())
        if got.shape != expected.shape:
            raise WrongAnswer(f"it made {got.shape} of {x.shape}, expected {expected.shape}")
        if not np.allclose(got.asnumpy(), expected.asnumpy(), atol=1e-6):
            if (got.asnumpy() < 0).any():
                raise WrongAnswer("negative numbers came out: the ReLU is missing")
            return False
    return True
