"""Judging answers to exercises."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gluon_cnn._core.errors import error_summary
from mxnet import nd


class WrongAnswer(Exception):
    """What is wrong with an answer, as a part of a sentence."""


def result_of(function: Callable, *arguments: Any) -> nd.NDArray:
    """Return what a learner's function gives; anything but an NDArray is a wrong answer."""
    result = function(*arguments)
    if not isinstance(result, nd.NDArray):
        raise WrongAnswer(f"it returned {'nothing' if result is None else type(result).__name__}, not an NDArray")
    return result


def judge(number: int, answer: Any, is_right: Callable[[Any], bool], hint: str, explanation: str) -> None:
    """Print whether an answer is right; a wrong one gets a hint and no traceback.

    Parameters
    ----------
    number : int
        Number of the exercise.
    answer : object
        The learner's answer; None means not answered yet.
    is_right : callable
        Called with the answer; it may raise :class:`WrongAnswer` with the reason. Any other exception counts as a wrong
        answer, too, and is named.
    hint, explanation : str
        Printed after a wrong and after a right answer.
    """
    if answer is None:
        print(f"Exercise {number}: replace None by your answer, then run the cell again.")
        return
    try:
        right = bool(is_right(answer))
    except WrongAnswer as reason:
        print(f"Exercise {number}: not yet: {reason}. Hint: {hint}")
        return
    except Exception as error:  # the learner's code may fail in any way
        raised = f"{type(error).__name__}: {error_summary(error)}"
        print(f"Exercise {number}: not yet. Trying the answer raised {raised}\nHint: {hint}")
        return
    print(f"Exercise {number}: right. {explanation}" if right else f"Exercise {number}: not yet. Hint: {hint}")
