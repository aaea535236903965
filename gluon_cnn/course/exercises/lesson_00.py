"""Checks for the exercises of lesson 00, which are there to try a check."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from gluon_cnn.course.answers import WrongAnswer, judge, result_of
from mxnet import nd

NUMBERS = 64 * 1 * 28 * 28


def check_1(answer: float | None) -> None:
    """Judge how many numbers a batch of 64 pictures holds."""
    judge(
        1,
        answer,
        lambda value: value == NUMBERS,
        "all four sizes in X.shape count: pictures, channels, rows, columns.",
        f"64 * 1 * 28 * 28 = {NUMBERS:,}, with 32 bits each.",
    )


def check_2(answer: Callable | None) -> None:
    """Judge a function that returns the mean of each picture."""
    judge(
        2,
        answer,
        _is_mean_of_each,
        "X.mean(axis=...) takes the mean over the axes that you name; all but the first, here.",
        "One number a picture: its brightness.",
    )


def _is_mean_of_each(function: Callable) -> bool:
    X = nd.arange(2 * 3 * 4 * 5).reshape((2, 3, 4, 5))
    got = result_of(function, X)
    if got.shape != (2,):
        raise WrongAnswer(f"for X of shape {X.shape} it returned shape {got.shape}, expected (2,)")
    return bool(np.allclose(got.asnumpy(), [29.5, 89.5]))
