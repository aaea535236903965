"""Checks for the exercises of lesson 11, DenseNet."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from gluon_cnn.course.answers import WrongAnswer, judge, result_of
from mxnet import nd


def check_1(answer: int | None) -> None:
    """Judge the channels behind the last dense block."""
    judge(
        1,
        answer,
        lambda value: value == 1024,
        "64 + 6 * 32 = 256, halved to 128; go on like this, and do not halve at the end.",
        "As many as GoogLeNet has at its end, and a quarter of what VGG's dense layers have.",
    )


def check_2(answer: Callable | None) -> None:
    """Judge a dense block written as a function."""
    judge(
        2,
        answer,
        _keeps_everything,
        "nd.concat(x, layer(x), dim=1), once for each layer; what comes out goes into the next.",
        "What came in comes out first, unchanged.",
    )


def check_3(answer: int | None) -> None:
    """Judge how many numbers pooling of size 1 leaves."""
    judge(
        3,
        answer,
        lambda value: value in (9, (3, 3)),
        "five halvings of 96 leave a map of 3x3, and windows of 1x1 change nothing.",
        "3 * 3: nine times as many weights in the dense layer, tied to places; the mean of the map needs one.",
    )


def _keeps_everything(dense_block: Callable) -> bool:
    x = nd.random.normal(shape=(2, 3, 4, 5))
    layers = [lambda x: x[:, :2] * 2, lambda x: x.sum(axis=1, keepdims=True), lambda x: x[:, -2:] - 1]
    expected = x
    for layer in layers:
        expected = nd.concat(expected, layer(expected), dim=1)
    got = result_of(dense_block, x.copy(), list(layers))
    if got.shape != expected.shape:
        raise WrongAnswer(f"it made {got.shape} of {x.shape} with layers of 2, 1 and 2 maps, expected {expected.shape}")
    if np.allclose(np.sort(got.asnumpy(), axis=1), np.sort(expected.asnumpy(), axis=1), atol=1e-5):
        if not np.allclose(got.asnumpy(), expected.asnumpy(), atol=1e-5):
            raise WrongAnswer("all maps are there, but not the input's first and each layer's behind those before it")
        return True
    return False
