"""Half precision: what is stored in float16 is computed in float32, as in MXNet's own layers."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from mxnet import nd

Function = TypeVar("Function", bound=Callable[..., nd.NDArray])


def as_float32(value: Any) -> Any:
    """Return an array of float16 as float32, anything else as it is."""
    return value.astype("float32") if _is_half(value) and value.size else value


def in_float32(function: Function) -> Function:
    """Compute a function of float16 arrays in float32, and round its result once.

    Sums in float16 are infinite beyond 65504, and 2048 + 1 is 2048.
    """

    @functools.wraps(function)
    def computed(*args: Any, **kwargs: Any) -> nd.NDArray:
        arrays = [value for value in (*args, *kwargs.values()) if isinstance(value, nd.NDArray)]
        if not arrays or not all(map(_is_half, arrays)):
            return function(*args, **kwargs)
        wide = {name: as_float32(value) for name, value in kwargs.items()}
        return function(*map(as_float32, args), **wide).astype("float16")

    return computed  # type: ignore[return-value]


def _is_half(value: Any) -> bool:
    return isinstance(value, nd.NDArray) and value.dtype == np.float16
