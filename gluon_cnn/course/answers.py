"""Checking answers to exercises."""

import functools
import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from numbers import Real
from typing import Any

import numpy as np
from gluon_cnn._core.checks import as_numpy
from gluon_cnn._core.errors import error_summary
from mxnet import nd

# a hint that three lessons share
DENSE_SHARE = "add up the parameters of the rows that start with Dense and divide by the total: a number from 0 to 1."


class IncorrectAnswer(Exception):
    """The reason why an answer is wrong, as a clause."""


def exercise(number: int, hint: str, explanation: str) -> Callable[[Callable[..., Any]], Callable[[Any], None]]:
    """Turn a function that tests an answer into a check that prints the verdict, never a traceback.

    The function may raise :class:`IncorrectAnswer` with the reason; any other exception also counts as an incorrect
    answer. An incorrect answer is followed by a hint, a correct one by an explanation; None means not answered yet.
    """

    def make_check(is_correct: Callable[..., Any]) -> Callable[[Any], None]:
        @functools.wraps(is_correct)
        def check(answer: Any) -> None:
            try:
                if answer is None:
                    verdict = "replace None with your answer, then run the cell again."
                else:
                    verdict = f"correct. {explanation}" if is_correct(answer) else f"not yet. Hint: {hint}"
            except IncorrectAnswer as reason:
                verdict = f"not yet: {reason}. Hint: {hint}"
            except Exception as error:  # the learner's code may raise anything
                raised = f"{type(error).__name__}: {error_summary(error)}"
                verdict = f"not yet. Trying the answer raised {raised}\nHint: {hint}"
                with suppress(Exception):  # errors that MXNet would report later, in another cell
                    nd.waitall()
            print(f"Exercise {number}: {verdict}")

        return check

    return make_check


def number(answer: Any, name: str = "the answer") -> Any:
    """Return an answer that is a number, also one in an array."""
    if isinstance(answer, (nd.NDArray, np.ndarray)) and answer.size == 1:
        answer = as_numpy(answer).item()
    if not isinstance(answer, (Real, np.number)):
        shape = f" of shape {answer.shape}" if isinstance(answer, (nd.NDArray, np.ndarray)) else ""
        raise IncorrectAnswer(f"{name} is of type {type(answer).__name__}{shape}; expected one number")
    return answer


def equals(expected: float) -> Callable[[Any], bool]:
    """Return a function that checks whether an answer is the expected number."""
    return lambda answer: number(answer) == expected


def is_sequence(*expected: Any) -> Callable[[Any], bool]:
    """Return a function that checks whether an answer is a tuple, list or array of the expected values."""

    def is_correct(answer: Any) -> bool:
        if not isinstance(answer, (tuple, list, np.ndarray, nd.NDArray)) or len(answer) != len(expected):
            raise IncorrectAnswer(f"expected a tuple or list of {len(expected)} values")
        return tuple(np.ravel(as_numpy(answer))) == expected

    return is_correct


def is_close(expected: float, **tolerance: float) -> Callable[[Any], bool]:
    """Return a function that checks whether an answer is close to the expected number, by :func:`math.isclose`."""
    return lambda answer: math.isclose(number(answer), expected, **tolerance)


def agrees_with(
    reference: Callable, *cases: tuple, mistakes: Mapping[str, Callable] = {}
) -> Callable[[Callable], bool]:
    """Return a function that checks whether a learner's function agrees with a reference on all argument tuples.

    ``mistakes`` maps messages to functions with plausible mistakes; an answer that agrees with one of them is
    reported with its message.
    """

    def is_correct(function: Callable) -> bool:
        for arguments in cases:
            copies = (a.copy() if isinstance(a, (nd.NDArray, list)) else a for a in arguments)
            expected = as_numpy(reference(*arguments))
            result = call_answer(function, *copies, shape=expected.shape).asnumpy()
            if not np.allclose(result, expected, atol=1e-5):
                for reason, mistake in mistakes.items():
                    if np.allclose(result, as_numpy(mistake(*arguments)), atol=1e-5):
                        raise IncorrectAnswer(reason)
                return False
        return True

    return is_correct


def as_kernel(answer: Any, side: int) -> nd.NDArray:
    """Return a learner's square kernel, also one in a layer's four dimensions, in float32."""
    try:
        kernel = as_numpy(answer).astype(np.float32)
    except (TypeError, ValueError):
        raise IncorrectAnswer(f"it is of type {type(answer).__name__}; expected {side}x{side} numbers") from None
    if kernel.shape == (1, 1, side, side):
        kernel = kernel[0, 0]
    expect_shape(kernel, (side, side), "the kernel")
    return nd.array(kernel)


def random_array(*shape: int) -> nd.NDArray:
    """Return the same random numbers at each call, without affecting the lesson's generators."""
    return nd.array(np.random.RandomState(0).randn(*shape))


def call_answer(function: Callable, *arguments: Any, shape: tuple[int, ...] | None = None) -> nd.NDArray:
    """Call a learner's function; any result but an array or list (of this shape) is incorrect."""
    result = function(*arguments)
    if isinstance(result, (np.ndarray, list, tuple)):
        result = nd.array(as_numpy(result))
    if not isinstance(result, nd.NDArray):
        raise IncorrectAnswer(f"it returned {'nothing' if result is None else type(result).__name__}, not an NDArray")
    if shape is not None:
        expect_shape(result, shape)
    return result


def expect_shape(array: Any, shape: tuple[int, ...], name: str = "the result") -> None:
    """Raise IncorrectAnswer for an array of another shape."""
    if array.shape != shape:
        raise IncorrectAnswer(f"{name} has shape {array.shape}, expected {shape}")
