"""One forward pass, with a clear error if the network does not accept its input."""

import math
from typing import Any

import numpy as np
from gluon_cnn._core.errors import translate_mxnet_errors
from mxnet import autograd, gluon, nd


def check_finite(where: str, X: nd.NDArray) -> nd.NDArray:
    """Return ``X`` if all its values are finite; outputs may hide NaN, since MXNet's ReLU maps it to 0."""
    # A sum is fast to check, but can overflow even if all values are finite.
    if not math.isfinite(X.astype("float32", copy=False).sum().asscalar()) and not np.isfinite(X.asnumpy()).all():
        raise ValueError(f"NaN or infinity in {where}: pass finite numbers")
    return X


def zeros_for(net: gluon.Block, shape: tuple[int, ...]) -> nd.NDArray:
    """Return zeros of the given shape, with the dtype and context of a network's weights."""
    parameters = net.collect_params().values()
    weight = next((p for p in parameters if p.name.endswith("weight")), next(iter(parameters), None))
    if weight is None:
        return nd.zeros(shape)
    return nd.zeros(shape, ctx=weight.list_ctx()[0], dtype=weight.dtype)


def channels_are_last(shape: tuple[int, ...], channels: int = 0) -> bool:
    """Return whether a shape is that of channels-last images; ``channels`` is the number of channels, if known."""
    counts = (channels,) if channels else (1, 3, 4)
    return len(shape) in (3, 4) and shape[-1] in counts and shape[-3] not in counts


def forward(net: gluon.Block, X: nd.NDArray, wait: bool = True) -> Any:
    """Return the network's output for ``X``; a ValueError says why MXNet rejects it.

    With ``wait``, the network runs in prediction mode, even inside ``autograd.record()``, and all computation is
    finished on return.
    """
    hint = ", whose channels come last (X.transpose((0, 3, 1, 2)) puts them first)"
    what = f"{X.shape}{hint if X.ndim == 4 and channels_are_last(X.shape) else ''}"
    with translate_mxnet_errors(f"{type(net).__name__} does not take an input of shape {what}"):
        if not wait:
            return net(X)
        with autograd.pause():
            output = net(X)
        nd.waitall()
    return output


def forward_logits(net: gluon.Block, X: nd.NDArray, wait: bool = True) -> nd.NDArray:
    """Return the network's output if it is one array of scores, (N, classes)."""
    output = forward(net, X, wait)
    if not isinstance(output, nd.NDArray):
        raise TypeError(f"{type(net).__name__} must return one NDArray of scores; got {type(output).__name__}")
    if output.ndim != 2:
        raise ValueError(f"the network must return scores of shape (N, classes); got {output.shape}")
    return output
