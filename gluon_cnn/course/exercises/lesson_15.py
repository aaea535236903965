"""Checks for the exercises of lesson 15, the way out of MXNet."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from gluon_cnn.course.answers import WrongAnswer, judge

PARAMETERS = 170_988  # of the course's LeNet, for ten classes


def check_1(answer: float | None) -> None:
    """Judge how many bytes LeNet's numbers take."""
    judge(
        1,
        answer,
        lambda value: value == PARAMETERS * 4,
        "the numbers of all arrays, counted above, times the bytes of 32 bits.",
        f"{PARAMETERS:,} * 4 = {PARAMETERS * 4:,}; the rest of the file is names and shapes.",
    )


def check_2(answer: Sequence[bool] | None) -> None:
    """Judge which batches an exported LeNet takes."""
    judge(
        2,
        answer,
        lambda value: [bool(part) for part in value] == [True, True, False, False],
        "the number of pictures was left open. Try it: session.run(None, {'data': np.zeros(shape, np.float32)}).",
        "Its dense layer has weights for 28x28 pixels, its first convolution for one channel; the number is open.",
    )


def check_3(answer: Callable | None) -> None:
    """Judge a softmax in NumPy."""
    judge(
        3,
        answer,
        _is_softmax,
        "np.exp(scores), divided by its sum in each row; first take the row's largest score off all of them.",
        "Taking the same number off all scores of a row multiplies numerator and denominator by the same factor.",
    )


def _is_softmax(softmax: Callable) -> bool:
    for scores in ([[0.0, 0.0]], [[0.0, np.log(3.0)], [1.0, 1.0]], [[1000.0, 1000.0], [-1000.0, 0.0]]):
        with np.errstate(all="ignore"):
            got = np.asarray(softmax(np.array(scores)))
        exact = np.exp(np.array(scores) - np.max(scores, axis=1, keepdims=True))
        exact /= exact.sum(axis=1, keepdims=True)
        if got.shape != exact.shape:
            raise WrongAnswer(f"for scores {scores} its shape is {got.shape}, expected {exact.shape}")
        if not np.allclose(got, exact, atol=1e-6):
            raise WrongAnswer(f"for scores {scores} it gave {np.round(got, 3).tolist()}")
    return True
