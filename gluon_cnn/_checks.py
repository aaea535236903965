"""Checks of arguments, with errors that say what to pass."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import mxnet as mx
import numpy as np
from mxnet import gluon, nd

__all__ = [
    "as_numbers",
    "finite",
    "floats",
    "in_our_words",
    "network",
    "number",
    "output_of",
    "pair",
    "reason_of",
    "whole",
    "with_weights",
]


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


def finite(where: str, X: nd.NDArray) -> nd.NDArray:
    """Return ``X`` when it holds neither NaN nor infinity; ReLU makes 0 of NaN, so that answers may not show it."""
    if not math.isfinite(X.astype("float32", copy=False).sum().asscalar()):  # with 16 bits, a sum may be infinite
        raise ValueError(f"NaN or infinity in {where}: pass finite numbers")
    return X


def network(net: Any) -> gluon.Block:
    """Return ``net`` when it is a network that has been initialized."""
    if not isinstance(net, gluon.Block):
        raise TypeError(f"net must be a Gluon network; got {net!r}")
    if any(p._data is None and not p._deferred_init for p in net.collect_params().values()):
        raise ValueError(f"{type(net).__name__} is not initialized: call net.initialize() first")
    return net


def with_weights(net: Any, kind: Any = gluon.Block) -> gluon.Block:
    """Return ``net`` when it is a network of this kind whose weights have been drawn or loaded."""
    if not isinstance(net, kind):
        raise TypeError(f"net must be a {kind.__name__}; got {type(net).__name__}")
    if any(p._data is None for p in net.collect_params().values()):
        raise ValueError(f"{type(net).__name__} has no weights yet: train it or load its parameters first")
    return net


def output_of(net: gluon.Block, X: nd.NDArray, wait: bool = True) -> Any:
    """Return what the network makes of ``X``, computed to the end if wanted, or say what mxnet has against it."""
    with in_our_words(f"{type(net).__name__} does not take an input of shape {X.shape}"):
        output = net(X)
        if wait:
            nd.waitall()
    return output


@contextmanager
def in_our_words(what: str) -> Iterator[None]:
    """Make a ValueError of mxnet's errors, but of those that tell of too little memory."""
    try:
        yield
    except mx.MXNetError as error:
        if "allocate" in str(error) or "2^31" in str(error):
            raise
        raise ValueError(f"{what}: {reason_of(error)}") from None


def reason_of(error: BaseException) -> str:
    """Return the line of an error that names the fault: mxnet begins with places in its C++ code."""
    lines = [" ".join(line.split()) for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    named = [line for line in lines if line.startswith(("MXNetError:", "OSError:"))]
    return (named or lines[-1:] if isinstance(error, mx.MXNetError) else lines)[0][:200]
