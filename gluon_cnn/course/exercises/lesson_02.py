"""Checks for the exercises of lesson 02, pooling and activations."""

from __future__ import annotations

import math
from collections.abc import Callable
from numbers import Real

import numpy as np
from gluon_cnn.course.answers import WrongAnswer, judge, result_of
from gluon_cnn.layers.convolution import corr2d
from mxnet import nd


def check_1(answer: float | None) -> None:
    """Judge the largest factor that ten sigmoids leave of a gradient."""
    judge(
        1,
        answer,
        lambda value: isinstance(value, Real) and math.isclose(value, 0.25**10, rel_tol=0.01),
        "each sigmoid multiplies by its derivative, which is at most 1/4.",
        "Less than a millionth, and only if every unit sits exactly at 0; large weights can make up for some of it.",
    )


def check_2(answer: Callable[[nd.NDArray, int], nd.NDArray] | None) -> None:
    """Judge a function that should enlarge pictures by copying pixels."""

    def is_right(enlarge: Callable) -> bool:
        X = np.random.RandomState(0).rand(2, 3, 4, 5).astype(np.float32)
        for times in (1, 2, 3):
            result = result_of(enlarge, nd.array(X), times)
            if result.shape != (2, 3, 4 * times, 5 * times):
                raise WrongAnswer(f"(2, 3, 4, 5) times {times} became {result.shape}")
            if not np.array_equal(result.asnumpy(), np.kron(X, np.ones((times, times), np.float32))):
                raise WrongAnswer(f"times {times}, some pixels hold other values than they should")
        return True

    judge(
        2,
        answer,
        is_right,
        "X.repeat(times, axis=2) copies each row.",
        "Max pooling with the same window undoes it.",
    )


def check_3(answer: Callable[[nd.NDArray], nd.NDArray] | None) -> None:
    """Judge a function that should average each map as a whole."""

    def is_right(global_average: Callable) -> bool:
        for shape in ((2, 3, 4, 5), (1, 10, 7, 7)):
            X = np.random.RandomState(0).randn(*shape)
            result = result_of(global_average, nd.array(X))
            if result.shape != shape[:2]:
                raise WrongAnswer(f"{shape} became {result.shape} instead of {shape[:2]}")
            if not np.allclose(result.asnumpy(), X.mean(axis=(2, 3)), atol=1e-5):
                return False
        return True

    judge(
        3,
        answer,
        is_right,
        "axes 2 and 3 are the rows and columns of a map.",
        "It turns maps of any size into one number a channel; lesson 08 ends its network with it.",
    )


def check_4(answer: nd.NDArray | None) -> None:
    """Judge the one kernel that should do the work of two that follow each other without an activation."""

    def is_right(kernel: nd.NDArray) -> bool:
        kernel = nd.array(kernel)
        if kernel.shape != (5, 5):
            raise WrongAnswer(f"the kernel has shape {kernel.shape} instead of (5, 5)")
        X = nd.array(np.random.RandomState(0).randn(9, 9))
        A, B = nd.ones((3, 3)), nd.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]])
        both = corr2d(corr2d(X, A), B)
        return np.allclose(corr2d(X, kernel).asnumpy(), both.asnumpy(), atol=1e-4)

    judge(
        4,
        answer,
        is_right,
        "a kernel shows itself when it slides over a picture of zeros with a single 1 in the middle. Let A and B slide "
        "over such a picture of 9x9; both are symmetric, so nothing has to be turned.",
        "Without an activation in between, two layers are one.",
    )
