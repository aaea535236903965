"""Checks for the exercises of lesson 02, pooling and activations."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from gluon_cnn.course.answers import WrongAnswer, exercise, expect_shape, is_close, result_of
from gluon_cnn.layers.convolution import corr2d
from mxnet import nd

check_1 = exercise(
    1,
    "each sigmoid multiplies by its derivative, which is at most 1/4.",
    "Less than a millionth, and only if every unit sits exactly at 0; large weights can make up for some of it.",
)(is_close(0.25**10, rel_tol=0.01))


@exercise(2, "X.repeat(times, axis=2) copies each row.", "Max pooling with the same window undoes it.")
def check_2(enlarge: Callable) -> bool:
    """Judge a function that should enlarge images by copying pixels."""
    X = np.random.RandomState(0).rand(2, 3, 4, 5).astype(np.float32)
    for times in (1, 2, 3):
        result = result_of(enlarge, nd.array(X), times, shape=(2, 3, 4 * times, 5 * times))
        if not np.array_equal(result.asnumpy(), np.kron(X, np.ones((times, times), np.float32))):
            raise WrongAnswer(f"times {times}, some pixels hold other values than they should")
    return True


@exercise(
    3,
    "axes 2 and 3 are the rows and columns of a feature map.",
    "It turns feature maps of any size into one number per channel; lesson 08 ends its network with it.",
)
def check_3(global_average: Callable) -> bool:
    """Judge a function that should average each feature map as a whole."""
    arrays = [np.random.RandomState(0).randn(*shape) for shape in ((2, 3, 4, 5), (1, 10, 7, 7))]
    results = [result_of(global_average, nd.array(X), shape=X.shape[:2]).asnumpy() for X in arrays]
    return all(np.allclose(result, X.mean(axis=(2, 3)), atol=1e-5) for result, X in zip(results, arrays))


@exercise(
    4,
    "a kernel shows itself when it slides over an image of zeros with a single 1 in the middle. Let A and B slide "
    "over such an image of 9x9; both are symmetric, so nothing has to be turned.",
    "Without an activation in between, two layers are one.",
)
def check_4(kernel: nd.NDArray) -> bool:
    """Judge the one kernel that should do the work of two that follow each other without an activation."""
    kernel = nd.array(kernel)
    expect_shape(kernel, (5, 5), "the kernel")
    X = nd.array(np.random.RandomState(0).randn(9, 9))
    A, B = nd.ones((3, 3)), nd.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]])
    return np.allclose(corr2d(X, kernel).asnumpy(), corr2d(corr2d(X, A), B).asnumpy(), atol=1e-4)
