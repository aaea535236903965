"""Numerical comparison of the values and gradients of two functions or blocks."""

from collections.abc import Callable

import numpy as np
from mxnet import autograd, gluon, nd

OUTPUT_TOLERANCE, GRADIENT_TOLERANCE = 1e-5, 1e-4


def compare_functions(ours: Callable, gluons: Callable, formula: Callable, **arrays: nd.NDArray) -> None:
    """Check that two functions agree with a formula in outputs and in gradients for each array; print the result.

    The formula is the same function in NumPy and float64; it is differentiated numerically, so the arrays should be
    small. The relative error is the largest difference divided by the largest value. AssertionError is raised if it
    exceeds 1e-5 for an output, or 1e-4 for a gradient. Gradients are those of a weighted sum of the outputs, with fixed
    random weights, since the gradient of a plain sum is zero for normalized values, whether they are correct or not.
    """
    exact = [array.asnumpy().astype(np.float64) for array in arrays.values()]
    expected = formula(*exact)
    weights = np.random.RandomState(0).uniform(-1, 1, expected.shape)
    names = ["output", *(f"gradient of {name}" for name in arrays)]
    rights = [expected, *(_numerical_gradient(lambda: (formula(*exact) * weights).sum(), array) for array in exact)]
    for name, right, *found in zip(names, rights, *(_with_gradients(f, arrays, weights) for f in (ours, gluons))):
        tolerance = OUTPUT_TOLERANCE if name == "output" else GRADIENT_TOLERANCE
        for whose, value in zip(("ours", "Gluon's"), found):
            _require(value.shape == right.shape, f"{name}, {whose}: shape {value.shape} instead of {right.shape}")
            error = np.abs(value - right).max() / np.abs(right).max()
            _require(error <= tolerance, f"{name}, {whose}: the relative error is {error:.1e}")
        print(f"{name}, shape {right.shape}: ours and Gluon's within {tolerance:.0e} of the formula")


def compare_blocks(ours: gluon.Block, others: gluon.Block, X: nd.NDArray) -> None:
    """Check that two blocks with equal weights agree in training outputs and input gradients; print the result.

    A relative difference of more than 1e-4, measured as in :func:`compare_functions`, raises AssertionError.
    """
    weights = np.random.RandomState(0).uniform(-1, 1, ours(X).shape)
    results = (_with_gradients(block, {"X": X}, weights) for block in (ours, others))
    for name, got, expected in zip(("outputs", "gradients of the input"), *results):
        _require(got.shape == expected.shape, f"{name}: shapes {got.shape} and {expected.shape}")
        error = np.abs(got - expected).max() / np.abs(expected).max()
        _require(error <= GRADIENT_TOLERANCE, f"{name}: their relative difference is {error:.1e}")
        print(f"{name}, shape {got.shape}: equal within a relative error of {GRADIENT_TOLERANCE:.0e}")


def _require(holds: bool, words: str) -> None:
    """Raise an AssertionError, even under ``python -O``."""
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


def _numerical_gradient(function: Callable[[], float], array: np.ndarray, step: float = 1e-6) -> np.ndarray:
    """Return the numerical gradient of ``function()`` with respect to ``array``, which is restored afterwards."""
    slopes = np.empty_like(array)
    for place, value in np.ndenumerate(array):
        array[place] = value + step
        above = function()
        array[place] = value - step
        slopes[place] = (above - function()) / (2 * step)
        array[place] = value
    return slopes
