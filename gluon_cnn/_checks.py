"""Checks of arguments, with errors that say what to pass."""

from __future__ import annotations

from typing import Any

import numpy as np
from mxnet import nd

__all__ = ["as_numbers", "floats", "number", "pair", "whole"]


def as_numbers(array: Any) -> np.ndarray:
    """Return an NDArray, or whatever NumPy understands, as a NumPy array."""
    return array.asnumpy() if isinstance(array, nd.NDArray) else np.asarray(array)


def floats(name: str, value: Any, like: nd.NDArray | None = None) -> nd.NDArray:
    """Return ``value`` when it is an NDArray of floats that holds something, of the type of ``like``."""
    if not isinstance(value, nd.NDArray):
        raise TypeError(f"{name} must be an NDArray; got {type(value).__name__}: pass nd.array({name})")
    if np.dtype(value.dtype).kind != "f":
        raise TypeError(f"{name} must hold floats; got {np.dtype(value.dtype)}: pass {name}.astype('float32')")
    if value.size == 0:
        raise ValueError(f"{name} is empty: its shape is {value.shape}")
    if like is not None and value.dtype != like.dtype:
        raise TypeError(f"{name} holds {np.dtype(value.dtype)} and X {np.dtype(like.dtype)}: they must be the same")
    return value


def number(name: str, value: Any, smallest: float, largest: float = float("inf")) -> float:
    """Return ``value`` when it is a real number in a range."""
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise TypeError(f"{name} must be a number; got {value!r}")
    if not smallest <= value <= largest:
        limits = f"at least {smallest}" if largest == float("inf") else f"from {smallest} to {largest}"
        raise ValueError(f"{name} must be {limits}; got {value}")
    return float(value)


def whole(name: str, value: Any, smallest: int) -> int:
    """Return ``value`` when it is a whole number of at least ``smallest``."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{name} must be a whole number; got {value!r}")
    if value < smallest:
        raise ValueError(f"{name} must be at least {smallest}; got {value}")
    return int(value)


def pair(name: str, value: Any, smallest: int = 1) -> tuple[int, int]:
    """Return one whole number twice, or two as they are: (height, width)."""
    if not isinstance(value, (tuple, list)):
        value = (value, value)
    if len(value) != 2:
        raise ValueError(f"{name} must be one number or (height, width); got {value!r}")
    return whole(name, value[0], smallest), whole(name, value[1], smallest)
