"""The contexts of a network's parameters, and splitting a batch among them."""

from collections.abc import Iterable, Sequence
from typing import Any

import mxnet as mx
import numpy as np
from gluon_cnn._core.checks import as_numpy, check_initialized
from gluon_cnn._core.devices import num_gpus
from mxnet import gluon, nd

SUPPORTED_DTYPES = (
    "bool",
    "uint8",
    "int8",
    "int32",
    "int64",
    "float16",
    "float32",
    "float64",
)  # dtypes of MXNet's arrays


def as_contexts(ctx: mx.Context | Sequence[mx.Context]) -> list[mx.Context]:
    """Return one or several contexts as a list."""
    contexts = [ctx] if isinstance(ctx, mx.Context) else list(ctx) if isinstance(ctx, Iterable) else []
    if not contexts or not all(isinstance(c, mx.Context) for c in contexts):
        raise TypeError(f"ctx must be a context or a list of contexts, such as mx.cpu(); got {ctx!r}")
    if len(set(contexts)) < len(contexts):
        raise ValueError(f"ctx names a context twice: {', '.join(map(str, contexts))}")
    for context in contexts:
        if context.device_type == "gpu" and context.device_id >= num_gpus():
            raise ValueError(f"mxnet sees no {context} here: pass gluon_cnn.try_gpu(), which falls back to the CPU")
    return contexts


def contexts_of(net: gluon.Block) -> list[mx.Context]:
    """Return the contexts of a network's parameters."""
    parameters = list(check_initialized(net).collect_params().values())
    return parameters[0].list_ctx() if parameters else [mx.current_context()]


def contexts_for(net: gluon.Block, ctx: mx.Context | Sequence[mx.Context] | None) -> list[mx.Context]:
    """Return the contexts to compute on, after checking that the network's parameters are on all of them."""
    found = contexts_of(net)
    contexts = found if ctx is None else as_contexts(ctx)
    missing = [context for context in contexts if context not in found]
    if missing and net.collect_params():
        where = f"{type(net).__name__} is on {', '.join(map(str, found))}, not on {missing[0]}"
        raise ValueError(f"{where}: initialize it there, or pass a ctx that it is on")
    return contexts


def split_batch(batch: Any, contexts: list[mx.Context]) -> list[tuple[nd.NDArray, nd.NDArray]]:
    """Split a batch among the contexts; return pairs (X, y), fewer if there are fewer images than contexts."""
    if not isinstance(batch, (tuple, list)) or len(batch) != 2:
        raise TypeError(f"each batch must be a pair (X, y); got {type(batch).__name__}")
    X, y = map(_as_array, batch)
    if len(X) != len(y):
        raise ValueError(f"a batch has {len(X)} images and {len(y)} labels")
    if not len(X):
        raise ValueError("a batch contains no images")
    contexts = contexts[: len(X)]
    Xs, ys = (gluon.utils.split_and_load(part, contexts, even_split=False) for part in (X, y))
    return list(zip(Xs, ys))


def _as_array(item: Any) -> nd.NDArray:
    """Return the images or the labels of a batch as an NDArray."""
    if isinstance(item, mx.np.ndarray):
        return item.as_nd_ndarray()
    if isinstance(item, nd.NDArray):
        return item
    array = as_numpy(item)
    if array.ndim == 0 or array.dtype.kind not in "buif":
        raise TypeError(f"X and y of a batch must be arrays of numbers; got {type(item).__name__} of {array.dtype}")
    kind = array.dtype.newbyteorder("=")
    if kind.name not in SUPPORTED_DTYPES:  # MXNet supports neither uint16 nor 80-bit floats
        kind = np.dtype("float32" if kind.kind == "f" else "int64")
    return nd.array(array.astype(kind, copy=False), dtype=kind)
