"""Pooling from scratch. Lesson 02."""

import functools
from typing import Literal

from gluon_cnn._core.checked import checked
from gluon_cnn._core.checks import Padding, Size, check_pair
from gluon_cnn.layers.convolution import num_positions, pad2d
from mxnet import nd


@checked(X="(H, W)", padding="padding < pool_size")
def pool2d(
    X: nd.NDArray,
    pool_size: Size,
    mode: Literal["max", "avg"] = "max",
    stride: Size | None = None,
    padding: Padding = 0,
) -> nd.NDArray:
    """Compute the maximum or the mean of each window of the image ``X``, (H, W).

    The result has the shape ``conv_output_size((H, W), pool_size, stride, padding)`` and is differentiable; if the
    maximum is attained several times, the first occurrence gets the gradient. ``mode`` is ``"max"`` or ``"avg"``.
    ``stride`` defaults to ``pool_size``, so that windows do not overlap. ``padding`` is as in :func:`corr2d`; padded
    values are ignored by the maximum and count as zeros in the mean. Both conventions are Gluon's.
    """
    height, width = check_pair("pool_size", pool_size)
    down, right = check_pair("stride", stride or pool_size)
    rows, columns = num_positions(X.shape, (height, width), (down, right), padding)
    X = pad2d(X, padding, value=float("-inf") if mode == "max" else 0.0)
    # for each position within the window, the pixels of all windows at once
    pixels = [
        X[a : a + down * rows : down, b : b + right * columns : right] for a in range(height) for b in range(width)
    ]
    if mode == "avg":
        return nd.add_n(*pixels) / (height * width)
    return functools.reduce(nd.maximum, pixels)
