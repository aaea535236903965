"""Pooling by hand. Lesson 02."""

from __future__ import annotations

import functools

from gluon_cnn._core.checks import check_pair
from gluon_cnn._core.precision import in_float32
from gluon_cnn.layers.convolution import Padding, Size, check_rank, num_positions, pad2d, padding_sides
from mxnet import nd


@in_float32
def pool2d(
    X: nd.NDArray, pool_size: Size, mode: str = "max", stride: Size | None = None, padding: Padding = 0
) -> nd.NDArray:
    """Take the largest value or the mean of each window of the picture ``X``.

    Parameters
    ----------
    X : NDArray
        Picture, shape (H, W).
    pool_size : int or (int, int)
        Height and width of the window.
    mode : str
        ``"max"`` or ``"avg"``.
    stride : int or (int, int), optional
        Steps of the window. Default: ``pool_size``, so that windows touch and do not overlap, as in Gluon.
    padding : int, (int, int) or ((int, int), (int, int))
        See :func:`corr2d`. Values added around never win a maximum; they count as zeros in a mean, as in Gluon.

    Returns
    -------
    NDArray
        Shape ``conv_output_size((H, W), pool_size, stride, padding)``. Differentiable under ``autograd.record()``; of
        several equal largest values the first gets the gradient.

    Raises
    ------
    TypeError, ValueError
        When ``X`` is no array of floats of rank 2, the mode is unknown, the window does not fit, or padding is as large
        as the window, so that some windows would see nothing but padding.

    References
    ----------
    Notes B and E.
    """
    check_rank("X", X, 2, "(H, W)")
    if mode not in ("max", "avg"):
        raise ValueError(f"mode must be 'max' or 'avg'; got {mode!r}")
    height, width = check_pair("pool_size", pool_size)
    stride = (height, width) if stride is None else stride
    down, right = check_pair("stride", stride)
    rows, columns = num_positions(X.shape, (height, width), stride, padding)
    if any(max(around) >= side for around, side in zip(padding_sides(padding), (height, width))):
        raise ValueError(f"padding must be smaller than the window of {height}x{width}; got {padding}")
    X = pad2d(X, padding, value=float("-inf") if mode == "max" else 0.0)
    windows = [
        X[a : a + down * (rows - 1) + 1 : down, b : b + right * (columns - 1) + 1 : right]
        for a in range(height)
        for b in range(width)
    ]  # for each place in the window the pixels that lie there, of all windows at once
    if mode == "avg":
        return nd.add_n(*windows) / (height * width)
    return functools.reduce(nd.maximum, windows)
