"""What the lessons use besides networks: showing the package's code, judging answers to exercises."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from gluon_cnn._checks import reason_of
from mxnet import autograd, gluon, nd
from tqdm import tqdm

__all__ = ["WrongAnswer", "compare", "compare_blocks", "judge", "progress", "result_of", "show_source"]

OUTPUT_TOLERANCE, GRADIENT_TOLERANCE = 1e-5, 1e-4


class WrongAnswer(Exception):
    """What is wrong with an answer, as a part of a sentence."""


def progress(items: Sequence[Any], unit: str) -> Iterator[Any]:
    """Go through items with a bar among the cell's output; on stderr it would look like a message of trouble."""
    return iter(tqdm(items, unit=unit, file=sys.stdout))


def show_source(*objects: Any) -> None:
    """Show the code of functions or classes as it is in the package, with the first line of each docstring."""
    from IPython.display import Markdown, display

    for item in objects:
        display(Markdown(f"```python\n{_with_short_docstrings(inspect.getsource(item))}```"))


def _with_short_docstrings(source: str) -> str:
    lines = source.splitlines(keepends=True)
    definitions = (ast.FunctionDef, ast.ClassDef)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, definitions) and ast.get_docstring(node):
            text = node.body[0]
            first, last = text.lineno - 1, text.end_lineno or text.lineno
            if last - first > 1:
                lines[first] = lines[first].rstrip() + '"""\n'
                lines[first + 1 : last] = [""] * (last - first - 1)
    return "".join(lines)


def compare(ours: Callable, gluons: Callable, formula: Callable, **arrays: nd.NDArray) -> None:
    """Print that two functions give the same as a formula: outputs, and gradients with respect to each array.

    Parameters
    ----------
    ours, gluons : callable
        Take the arrays in their order, float32, and return one array.
    formula : callable
        The same in NumPy and float64; it is differentiated numerically, by central differences.
    **arrays : NDArray
        Small: the formula is computed twice for each of their numbers.

    Raises
    ------
    AssertionError
        When an output differs by more than a relative 1e-5, or a gradient by more than 1e-4. The error is the largest
        difference over the largest value.

    Notes
    -----
    The gradients are those of a sum of the outputs with fixed random weights: that of the plain sum is zero for
    normalized values, right or wrong.
    """
    exact = [array.asnumpy().astype(np.float64) for array in arrays.values()]
    expected = formula(*exact)
    weights = np.random.RandomState(0).uniform(-1, 1, expected.shape)
    names = ["output", *(f"gradient of {name}" for name in arrays)]
    rights = [expected, *(_slopes(lambda: (formula(*exact) * weights).sum(), array) for array in exact)]
    for name, right, *found in zip(names, rights, *(_with_gradients(f, arrays, weights) for f in (ours, gluons))):
        tolerance = OUTPUT_TOLERANCE if name == "output" else GRADIENT_TOLERANCE
        for whose, value in zip(("ours", "Gluon's"), found):
            _require(value.shape == right.shape, f"{name}, {whose}: shape {value.shape} instead of {right.shape}")
            error = np.abs(value - right).max() / np.abs(right).max()
            _require(error <= tolerance, f"{name}, {whose}: off by a relative {error:.1e}")
        print(f"{name}, shape {right.shape}: ours and Gluon's within {tolerance:.0e} of the formula")


def compare_blocks(ours: gluon.Block, others: gluon.Block, X: nd.NDArray) -> None:
    """Print that two blocks give the same outputs in training, and the same gradients of their input.

    Parameters
    ----------
    ours, others : Block
        Initialized, with equal weights.
    X : NDArray
        Their input, float32.

    Raises
    ------
    AssertionError
        When outputs or gradients differ by more than a relative 1e-4. Sum and error are those of :func:`compare`.
    """
    weights = np.random.RandomState(0).uniform(-1, 1, ours(X).shape)
    results = (_with_gradients(block, {"X": X}, weights) for block in (ours, others))
    for name, got, expected in zip(("outputs", "gradients of the input"), *results):
        _require(got.shape == expected.shape, f"{name}: shape {got.shape} and {expected.shape}")
        error = np.abs(got - expected).max() / np.abs(expected).max()
        _require(error <= GRADIENT_TOLERANCE, f"{name}: they differ by a relative {error:.1e}")
        print(f"{name}, shape {got.shape}: equal to a relative {GRADIENT_TOLERANCE:.0e}")


def _require(holds: bool, words: str) -> None:
    """Raise an AssertionError, under ``python -O`` too."""
    if not holds:
        raise AssertionError(words)


def _with_gradients(function: Callable, arrays: dict[str, nd.NDArray], weights: np.ndarray) -> list[np.ndarray]:
    copies = [array.copy() for array in arrays.values()]
    for copy in copies:
        copy.attach_grad()
    with autograd.record():
        output = function(*copies)
    if output.shape == weights.shape:
        output.backward(nd.array(weights))
    return [array.asnumpy() for array in (output, *(copy.grad for copy in copies))]


def _slopes(function: Callable[[], float], array: np.ndarray, step: float = 1e-6) -> np.ndarray:
    """Return how ``function()`` changes with each number of ``array``, which is put back afterwards."""
    slopes = np.empty_like(array)
    for place, value in np.ndenumerate(array):
        array[place] = value + step
        above = function()
        array[place] = value - step
        slopes[place] = (above - function()) / (2 * step)
        array[place] = value
    return slopes


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
        raised = f"{type(error).__name__}: {reason_of(error)}"
        print(f"Exercise {number}: not yet. Trying the answer raised {raised}\nHint: {hint}")
        return
    print(f"Exercise {number}: right. {explanation}" if right else f"Exercise {number}: not yet. Hint: {hint}")
