"""Argument checks whose errors say what to pass."""

import math
from typing import Any

import mxnet as mx
import numpy as np
from mxnet import gluon, nd

Size = int | tuple[int, int]
Padding = int | tuple[int, int] | tuple[tuple[int, int], tuple[int, int]]

MAX_FLOAT32 = float(np.finfo("float32").max)  # larger values overflow to infinity in MXNet
MAX_INT32 = 2**31 - 1  # MXNet uses 32-bit integers


def as_numpy(array: Any) -> np.ndarray:
    """Convert an NDArray, a list of NDArrays, or anything array-like to a NumPy array."""
    if isinstance(array, (list, tuple)) and any(isinstance(part, nd.NDArray) for part in array):
        array = [as_numpy(part) for part in array]  # NumPy would read the values one by one
    return array.asnumpy() if isinstance(array, nd.NDArray) else np.asarray(array)


def check_array(name: str, value: Any, like: nd.NDArray | None = None) -> nd.NDArray:
    """Return ``value`` if it is a dense, nonempty NDArray of floats with the dtype of ``like``.

    With float16, per-channel values may be float32, as are MXNet's batch norm statistics.
    """
    if not isinstance(value, nd.NDArray):
        raise TypeError(f"{name} must be an NDArray; got {type(value).__name__}: pass nd.array({name})")
    if value.stype != "default":
        raise TypeError(f"{name} must be dense; got {value.stype}: pass {name}.tostype('default')")
    if isinstance(value, mx.np.ndarray):
        raise TypeError(f"{name} must be an NDArray; got an mx.np.ndarray: pass {name}.as_nd_ndarray()")
    if np.dtype(value.dtype).kind != "f":
        raise TypeError(f"{name} must contain floats; got {np.dtype(value.dtype)}: pass {name}.astype('float32')")
    if value.size == 0:
        raise ValueError(f"{name} is empty: its shape is {value.shape}")
    mixed = like is not None and (like.dtype, value.dtype, value.ndim) == (np.float16, np.float32, 1)
    if like is not None and value.dtype != like.dtype and not mixed:
        raise TypeError(f"{name} holds {np.dtype(value.dtype)} and X {np.dtype(like.dtype)}: they must be the same")
    return value


def check_bool(name: str, value: Any) -> bool:
    """Return ``value`` if it is True or False."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be True or False; got {value!r}")
    return bool(value)


def check_float(name: str, value: Any, smallest: float, largest: float = MAX_FLOAT32) -> float:
    """Return ``value`` if it is a real number in the given range."""
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise TypeError(f"{name} must be a number; got {value!r}")
    if not smallest <= value <= largest:
        ends = f"at most {MAX_FLOAT32:.1e}" if value > MAX_FLOAT32 else f"at least {smallest}"
        limits = ends if largest == MAX_FLOAT32 else f"from {smallest} to {largest}"
        raise ValueError(f"{name} must be {limits}; got {shorten(str(value))}")
    return float(value)


def check_int(name: str, value: Any, smallest: int) -> int:
    """Return ``value`` if it is an integer of at least ``smallest`` that fits into 32 bits."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{name} must be an integer; got {value!r}")
    if value < smallest:
        raise ValueError(f"{name} must be at least {smallest}; got {shorten(str(value))}")
    if value > MAX_INT32:
        raise ValueError(f"{name} must be at most {MAX_INT32}; got {shorten(str(value))}")
    return int(value)


def shorten(text: str) -> str:
    """Shorten a long text to its beginning."""
    return text if len(text) <= 60 else f"{text[:50]}..., {len(text)} characters"


def check_pair(name: str, value: Any, smallest: int = 1) -> tuple[int, int]:
    """Return a pair of integers, or one integer repeated, as (height, width)."""
    if not isinstance(value, (tuple, list)):
        value = (value, value)
    if len(value) != 2:
        raise ValueError(f"{name} must be one number or (height, width); got {value!r}")
    return check_int(name, value[0], smallest), check_int(name, value[1], smallest)


def padding_sides(padding: Padding) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the padding as ((top, bottom), (left, right))."""
    if isinstance(padding, (tuple, list)) and any(isinstance(part, (tuple, list)) for part in padding):
        if len(padding) != 2:
            raise ValueError(f"padding must be ((top, bottom), (left, right)); got {padding!r}")
        return check_pair("padding", padding[0], 0), check_pair("padding", padding[1], 0)
    rows, columns = check_pair("padding", padding, 0)
    return (rows, rows), (columns, columns)


def check_integers(name: str, value: Any, example: tuple) -> None:
    """Check that ``value`` is, like ``example``, a nonempty sequence of integers of at least 1, or of pairs of them."""
    items = value if isinstance(value, (tuple, list)) else ()
    if isinstance(example[0], tuple):
        items = [item if isinstance(item, (tuple, list)) and len(item) == 2 else () for item in items]
    if not items or () in items:
        raise ValueError(f"{name} must be a sequence such as {example}; got {shorten(repr(value))}")
    for number in np.ravel(np.array(items, object)):
        check_int(f"each number in {name}", number, 1)


def check_shape(name: str, value: Any) -> tuple[int, ...]:
    """Return ``value`` if it is a valid batch shape for an NDArray."""
    sizes = value if isinstance(value, (tuple, list)) else ()
    if not sizes or not all(isinstance(n, (int, np.integer)) and not isinstance(n, bool) and n > 0 for n in sizes):
        raise ValueError(
            f"{name} must be positive integers with the batch size first, such as (1, 1, 28, 28); got {value!r}"
        )
    if math.prod(map(int, sizes)) > MAX_INT32:
        raise ValueError(f"{name} {tuple(sizes)} is larger than an NDArray can be")
    return tuple(map(int, sizes))


def fits(parameter: gluon.Parameter, array: np.ndarray | nd.NDArray) -> bool:
    """Return whether an array fits a parameter; dimensions not yet inferred are 0."""
    shape = parameter.shape or (0,) * array.ndim
    same = len(shape) == array.ndim and all(a in (0, b) for a, b in zip(shape, array.shape))
    return same and np.dtype(parameter.dtype) == array.dtype


def refuse_numpy_mode() -> None:
    """Refuse MXNet's NumPy mode, which has other array and symbol classes and marks unknown shapes differently."""
    if mx.util.is_np_array():
        mode = "MXNet's NumPy mode, npx.set_np(), is on: call mx.npx.reset_np() first"
        raise TypeError(f"gluon_cnn computes with NDArrays, and {mode}")


def check_initialized(net: Any) -> gluon.Block:
    """Return ``net`` if it is an initialized network."""
    refuse_numpy_mode()
    if not isinstance(net, gluon.Block):
        raise TypeError(f"net must be a Gluon network; got {net!r}")
    if any(p._data is None and not p._deferred_init for p in net.collect_params().values()):
        raise ValueError(f"{type(net).__name__} is not initialized: call net.initialize() first")
    return net


def check_weights(net: Any, kind: Any = gluon.Block) -> gluon.Block:
    """Return ``net`` if it is an instance of ``kind`` and has weights."""
    refuse_numpy_mode()
    if not isinstance(net, kind):
        raise TypeError(f"net must be a {kind.__name__}; got {type(net).__name__}")
    if any(p._data is None for p in net.collect_params().values()):
        raise ValueError(f"{type(net).__name__} has no weights yet: train it or load its parameters first")
    return net
