"""Checks for the exercises of lesson 00, which are there to try a check."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from gluon_cnn.course.answers import equals, exercise, result_of
from mxnet import nd

check_1 = exercise(
    1,
    "all four sizes in X.shape count: images, channels, rows, columns.",
    "64 * 1 * 28 * 28 = 50,176, with 32 bits each.",
)(equals(64 * 1 * 28 * 28))


@exercise(
    2,
    "X.mean(axis=...) takes the mean over the axes that you name; all but the first, here.",
    "One number per image: its brightness.",
)
def check_2(mean_of_each: Callable) -> bool:
    """Judge a function that returns the mean of each image."""
    X = nd.arange(2 * 3 * 4 * 5).reshape((2, 3, 4, 5))
    return np.allclose(result_of(mean_of_each, X, shape=(2,)).asnumpy(), [29.5, 89.5])
