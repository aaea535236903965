"""Optimizers, schedules and their states as JSON and arrays, without pickled objects."""

from __future__ import annotations

import itertools
from typing import Any

import mxnet as mx
import numpy as np
from gluon_cnn._core.checks import as_numpy
from mxnet import gluon, nd

JSON_TYPES = (bool, int, float, str, type(None))


def pack(value: Any, arrays: dict[str, np.ndarray], depth: int = 8) -> Any:
    """Convert a value to JSON, replacing arrays by names and storing them in ``arrays``.

    A schedule is represented by its attributes. Values other than numbers, strings, arrays, and containers of these are
    omitted.
    """
    if isinstance(value, (nd.NDArray, np.ndarray, np.generic)):  # np.float64 is also a float, but its type is preserved
        name = f"states/{len(arrays)}"
        arrays[name] = as_numpy(value)
        return {"array": name, "kind": getattr(value, "stype", "scalar" if isinstance(value, np.generic) else "numpy")}
    if isinstance(value, JSON_TYPES):
        return value
    if not depth:  # a self-referencing object
        return {}
    if isinstance(value, (list, tuple)):
        return {"list" if isinstance(value, list) else "tuple": [pack(part, arrays, depth - 1) for part in value]}
    if isinstance(value, dict):
        return {"dict": [[k, pack(v, arrays, depth - 1)] for k, v in value.items() if isinstance(k, (str, int))]}
    if has_state(value):
        return {"attributes": {name: pack(part, arrays, depth - 1) for name, part in vars(value).items()}}
    return {}


def unpack(packed: Any, current: Any, arrays: dict[str, np.ndarray]) -> Any:
    """Invert :func:`pack`; attributes are set in ``current``, whose omitted values are unchanged."""
    if not isinstance(packed, dict):
        return packed
    if "array" in packed:
        array = arrays[packed["array"]]
        if packed["kind"] in ("numpy", "scalar"):
            return array if packed["kind"] == "numpy" else array[()]
        return nd.array(array, dtype=array.dtype).tostype(packed["kind"])
    for kind in (list, tuple):
        if kind.__name__ in packed:
            parts = packed[kind.__name__]
            mine = list(current)[: len(parts)] if isinstance(current, kind) else []
            return kind(unpack(part, my, arrays) for part, my in itertools.zip_longest(parts, mine))
    if "dict" in packed:
        known = current if isinstance(current, dict) else {}
        return {key: unpack(part, known.get(key), arrays) for key, part in packed["dict"]}
    for name, part in packed.get("attributes", {}).items():
        vars(current)[name] = unpack(part, vars(current).get(name), arrays)
    return current


def to_setting(value: Any, depth: int = 4) -> Any:
    """Convert a setting to JSON; an object other than a schedule is represented by its name."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, JSON_TYPES):
        return value
    if isinstance(value, (list, tuple)) and depth:
        return [to_setting(part, depth - 1) for part in value]
    if isinstance(value, dict) and depth:
        return {str(key): to_setting(part, depth - 1) for key, part in value.items()}
    if has_state(value) and depth:
        return {"name": type(value).__name__, **{k: to_setting(v, depth - 1) for k, v in vars(value).items()}}
    return getattr(value, "__qualname__", type(value).__name__)


def has_state(value: Any) -> bool:
    """Return whether a value is a schedule, or a callable object with state that may serve as one."""
    return isinstance(value, mx.lr_scheduler.LRScheduler) or (
        callable(value) and hasattr(value, "__dict__") and not isinstance(value, (type, gluon.Block))
    )
