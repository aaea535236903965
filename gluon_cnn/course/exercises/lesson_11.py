"""Checks for the exercises of lesson 11, DenseNet."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from gluon_cnn.course.answers import WrongAnswer, equals, exercise, result_of
from mxnet import nd

check_1 = exercise(
    1,
    "64 + 6 * 32 = 256, halved to 128; go on like this, and do not halve at the end.",
    "As many as GoogLeNet has at its end, and a quarter of what VGG's dense layers have.",
)(equals(1024))


@exercise(
    2,
    "nd.concat(x, layer(x), dim=1), once for each layer; what comes out goes into the next.",
    "What came in comes out first, unchanged.",
)
def check_2(dense_block: Callable) -> bool:
    """Judge a dense block written as a function."""
    x = nd.random.normal(shape=(2, 3, 4, 5))
    layers = [lambda x: x[:, :2] * 2, lambda x: x.sum(axis=1, keepdims=True), lambda x: x[:, -2:] - 1]
    result = x
    for layer in layers:
        result = nd.concat(result, layer(result), dim=1)
    got, expected = result_of(dense_block, x.copy(), list(layers), shape=result.shape).asnumpy(), result.asnumpy()
    if np.allclose(got, expected, atol=1e-5):
        return True
    if np.allclose(np.sort(got, axis=1), np.sort(expected, axis=1), atol=1e-5):
        raise WrongAnswer(
            "all feature maps are there, but not the input's first and each layer's behind those before it"
        )
    return False


check_3 = exercise(
    3,
    "five halvings of 96 leave a feature map of 3x3, and windows of 1x1 change nothing.",
    "3 * 3: nine times as many weights in the dense layer, tied to positions; the mean of the feature map needs one.",
)(equals(9, (3, 3)))
