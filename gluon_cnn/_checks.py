"""Checks of arguments, with errors that say what to pass."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon, nd

LARGEST = float(np.finfo("float32").max)  # beyond it mxnet has infinity
LARGEST_WHOLE = 2**31 - 1  # mxnet counts in 32 bits
NUMPY_MODE = (
    "gluon_cnn computes with NDArrays, and MXNet's NumPy mode, npx.set_np(), is on: call mx.npx.reset_np() first"
)

__all__ = [
    "as_numbers",
    "channels_are_last",
    "finite",
    "fits",
    "flag",
    "floats",
    "in_our_words",
    "legacy_mode",
    "network",
    "number",
    "numpy_mode_named",
    "output_of",
    "pair",
    "reason_of",
    "scores_of",
    "shape_of",
    "whole",
    "with_weights",
    "zeros_for",
]


def as_numbers(array: Any) -> np.ndarray:
    """Return an NDArray, a list of NDArrays, or whatever NumPy understands, as a NumPy array."""
    if isinstance(array, (list, tuple)) and any(isinstance(part, nd.NDArray) for part in array):
        array = [as_numbers(part) for part in array]  # NumPy itself would ask for each single value
    return array.asnumpy() if isinstance(array, nd.NDArray) else np.asarray(array)


def floats(name: str, value: Any, like: nd.NDArray | None = None) -> nd.NDArray:
    """Return ``value`` when it is an NDArray of floats that holds something, of the type of ``like``."""
    if not isinstance(value, nd.NDArray):
        raise TypeError(f"{name} must be an NDArray; got {type(value).__name__}: pass nd.array({name})")
    if value.stype != "default":
        raise TypeError(f"{name} must be dense; got {value.stype}: pass {name}.tostype('default')")
    if isinstance(value, mx.np.ndarray):
        raise TypeError(f"{name} must be an NDArray; got an mx.np.ndarray: pass {name}.as_nd_ndarray()")
    if np.dtype(value.dtype).kind != "f":
        raise TypeError(f"{name} must hold floats; got {np.dtype(value.dtype)}: pass {name}.astype('float32')")
    if value.size == 0:
        raise ValueError(f"{name} is empty: its shape is {value.shape}")
    if like is not None and value.dtype != like.dtype:
        raise TypeError(f"{name} holds {np.dtype(value.dtype)} and X {np.dtype(like.dtype)}: they must be the same")
    return value


def flag(name: str, value: Any) -> bool:
    """Return ``value`` when it is True or False."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be True or False; got {value!r}")
    return bool(value)


def number(name: str, value: Any, smallest: float, largest: float = LARGEST) -> float:
    """Return ``value`` when it is a real number in a range."""
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise TypeError(f"{name} must be a number; got {value!r}")
    if not smallest <= value <= largest:
        ends = f"at most {LARGEST:.1e}" if value > LARGEST else f"at least {smallest}"
        limits = ends if largest == LARGEST else f"from {smallest} to {largest}"
        raise ValueError(f"{name} must be {limits}; got {_in_short(value)}")
    return float(value)


def whole(name: str, value: Any, smallest: int) -> int:
    """Return ``value`` when it is a whole number of at least ``smallest`` that mxnet can count to."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{name} must be a whole number; got {value!r}")
    if value < smallest:
        raise ValueError(f"{name} must be at least {smallest}; got {_in_short(value)}")
    if value > LARGEST_WHOLE:
        raise ValueError(f"{name} must be at most {LARGEST_WHOLE}; got {_in_short(value)}")
    return int(value)


def _in_short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 30 else f"{text[:20]}..., a number of {len(text)} digits"


def pair(name: str, value: Any, smallest: int = 1) -> tuple[int, int]:
    """Return one whole number twice, or two as they are: (height, width)."""
    if not isinstance(value, (tuple, list)):
        value = (value, value)
    if len(value) != 2:
        raise ValueError(f"{name} must be one number or (height, width); got {value!r}")
    return whole(name, value[0], smallest), whole(name, value[1], smallest)


def shape_of(name: str, value: Any) -> tuple[int, ...]:
    """Return ``value`` when it is the shape of a batch that an NDArray can hold."""
    sizes = value if isinstance(value, (tuple, list)) else ()
    if not sizes or not all(isinstance(n, (int, np.integer)) and not isinstance(n, bool) and n > 0 for n in sizes):
        raise ValueError(
            f"{name} must be positive integers with the batch first, such as (1, 1, 28, 28); got {value!r}"
        )
    if math.prod(map(int, sizes)) > LARGEST_WHOLE:
        raise ValueError(f"{name} {tuple(sizes)} is more than an NDArray can hold")
    return tuple(map(int, sizes))


def finite(where: str, X: nd.NDArray) -> nd.NDArray:
    """Return ``X`` when it holds neither NaN nor infinity; ReLU makes 0 of NaN, so that answers may not show it."""
    # A sum is quick, but may be infinite although its values are not.
    if not math.isfinite(X.astype("float32", copy=False).sum().asscalar()) and not np.isfinite(X.asnumpy()).all():
        raise ValueError(f"NaN or infinity in {where}: pass finite numbers")
    return X


def fits(parameter: gluon.Parameter, array: np.ndarray | nd.NDArray) -> bool:
    """Return whether a parameter could hold an array; sizes that are not known yet are 0."""
    shape = parameter.shape or (0,) * array.ndim
    same = len(shape) == array.ndim and all(a in (0, b) for a, b in zip(shape, array.shape))
    return same and np.dtype(parameter.dtype) == array.dtype


def legacy_mode() -> None:
    """Refuse MXNet's NumPy mode, in which arrays, symbols and open shapes are of another kind."""
    if mx.util.is_np_array():
        raise TypeError(NUMPY_MODE)


@contextmanager
def numpy_mode_named() -> Iterator[None]:
    """Say of errors in MXNet's NumPy mode that it is on."""
    try:
        yield
    except (TypeError, ValueError, AttributeError, mx.MXNetError) as error:
        if not mx.util.is_np_array():
            raise
        raise TypeError(NUMPY_MODE) from error


def network(net: Any) -> gluon.Block:
    """Return ``net`` when it is a network that has been initialized."""
    legacy_mode()
    if not isinstance(net, gluon.Block):
        raise TypeError(f"net must be a Gluon network; got {net!r}")
    if any(p._data is None and not p._deferred_init for p in net.collect_params().values()):
        raise ValueError(f"{type(net).__name__} is not initialized: call net.initialize() first")
    return net


def with_weights(net: Any, kind: Any = gluon.Block) -> gluon.Block:
    """Return ``net`` when it is a network of this kind whose weights have been drawn or loaded."""
    legacy_mode()
    if not isinstance(net, kind):
        raise TypeError(f"net must be a {kind.__name__}; got {type(net).__name__}")
    if any(p._data is None for p in net.collect_params().values()):
        raise ValueError(f"{type(net).__name__} has no weights yet: train it or load its parameters first")
    return net


def zeros_for(net: gluon.Block, shape: tuple[int, ...]) -> nd.NDArray:
    """Return zeros of a shape, of the type of a network's weights and where they are."""
    parameters = net.collect_params().values()
    weight = next((p for p in parameters if p.name.endswith("weight")), next(iter(parameters), None))
    if weight is None:
        return nd.zeros(shape)
    return nd.zeros(shape, ctx=weight.list_ctx()[0], dtype=weight.dtype)


def channels_are_last(shape: tuple[int, ...], channels: int = 0) -> bool:
    """Return whether a shape is that of images whose channels come last; ``channels``, where known, is their number."""
    counts = (channels,) if channels else (1, 3, 4)
    return len(shape) in (3, 4) and shape[-1] in counts and shape[-3] not in counts


def output_of(net: gluon.Block, X: nd.NDArray, wait: bool = True) -> Any:
    """Return what the network makes of ``X``, or say what mxnet has against it.

    With ``wait`` it predicts, also inside ``autograd.record()``, and is computed to the end.
    """
    hint = ", whose channels come last (X.transpose((0, 3, 1, 2)) puts them first)"
    what = f"{X.shape}{hint if X.ndim == 4 and channels_are_last(X.shape) else ''}"
    with in_our_words(f"{type(net).__name__} does not take an input of shape {what}"):
        if not wait:
            return net(X)
        with autograd.pause():
            output = net(X)
        nd.waitall()
    return output


def scores_of(net: gluon.Block, X: nd.NDArray, wait: bool = True) -> nd.NDArray:
    """Return the network's output when it is one array of one number a picture and class."""
    output = output_of(net, X, wait)
    if not isinstance(output, nd.NDArray):
        raise TypeError(f"{type(net).__name__} must give one NDArray of scores; got {type(output).__name__}")
    if output.ndim != 2:
        raise ValueError(f"the network must give scores of shape (N, classes); got {output.shape}")
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
