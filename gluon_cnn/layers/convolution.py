"""Convolution by hand: one kernel, many channels, and the arithmetic of sizes. Lesson 01."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator, Sequence

import mxnet as mx
import numpy as np
from gluon_cnn._core.checks import (
    LARGEST,
    LARGEST_WHOLE,
    check_array,
    check_float,
    check_int,
    check_pair,
    refuse_numpy_mode,
)
from gluon_cnn._core.precision import in_float32
from mxnet import nd
from mxnet.gluon import HybridBlock

Size = int | tuple[int, int]
Padding = int | tuple[int, int] | tuple[tuple[int, int], tuple[int, int]]


ENLARGING = ("Deconvolution", "UpSampling", "_contrib_BilinearResize2D")


@in_float32
def corr2d(X: nd.NDArray, K: nd.NDArray, bias: float = 0.0, stride: Size = 1, padding: Padding = 0) -> nd.NDArray:
    """Slide the kernel ``K`` over the picture ``X``: two-dimensional cross-correlation.

    Parameters
    ----------
    X : NDArray
        Picture, shape (H, W).
    K : NDArray
        Kernel, shape (kh, kw).
    bias : float
        Added to each output value.
    stride : int or (int, int)
        Steps of the window in pixels, down and to the right.
    padding : int, (int, int) or ((int, int), (int, int))
        Zeros around the picture: one number for all sides, (rows, columns), or ((top, bottom), (left, right)).

    Returns
    -------
    NDArray
        Shape ``conv_output_size((H, W), (kh, kw), stride, padding)``; at (i, j) the sum of the window with its upper
        left corner at (i, j) times the stride, weighted with ``K``. Differentiable under ``autograd.record()``.

    Raises
    ------
    TypeError, ValueError
        When ``X`` or ``K`` is no array of floats of rank 2, both of one type, ``bias`` is not one number, the kernel
        does not fit, or the padding is larger than an array can be.

    References
    ----------
    Notes E. Mathematics calls the same with a flipped kernel convolution; networks learn the kernel, so its direction
    does not matter to them.
    """
    check_rank("X", X, 2, "(H, W)")
    check_rank("K", K, 2, "(kh, kw)", like=X)
    bias = _one_number(bias, like=X)
    rows, columns = num_positions(X.shape, K.shape, stride, padding)
    down, right = check_pair("stride", stride)
    X = pad2d(X, padding)
    Y = nd.zeros((rows, columns), ctx=X.context, dtype=X.dtype)
    # Each weight meets, in all windows at once, the pixels at its own place in the window.
    for a in range(K.shape[0]):
        for b in range(K.shape[1]):
            pixels = X[a : a + down * (rows - 1) + 1 : down, b : b + right * (columns - 1) + 1 : right]
            Y = Y + K[a, b] * pixels
    return Y + bias


@in_float32
def corr2d_multi_in_out(X: nd.NDArray, K: nd.NDArray, stride: Size = 1, padding: Padding = 0) -> nd.NDArray:
    """Cross-correlation with several input and output channels.

    Parameters
    ----------
    X : NDArray
        Input, shape (Cin, H, W).
    K : NDArray
        One kernel a pair of channels, shape (Cout, Cin, kh, kw).
    stride, padding
        See :func:`corr2d`.

    Returns
    -------
    NDArray
        Shape (Cout, rows, columns): for each output channel the sum over the input channels, each with its own kernel.

    Raises
    ------
    TypeError, ValueError
        When ``X`` or ``K`` holds no floats, or a rank or the number of channels does not fit.

    References
    ----------
    Notes E.
    """
    check_rank("X", X, 3, "(Cin, H, W)")
    check_rank("K", K, 4, "(Cout, Cin, kh, kw)", like=X)
    if X.shape[0] != K.shape[1]:
        raise ValueError(f"K has kernels for {K.shape[1]} input channels, X has {X.shape[0]}")
    outputs = []
    for kernels in K:
        channels = [corr2d(x, kernel, stride=stride, padding=padding) for x, kernel in zip(X, kernels)]
        outputs.append(nd.add_n(*channels))
    return nd.stack(*outputs)


def conv_output_size(size: Size, kernel_size: Size, stride: Size = 1, padding: Padding = 0) -> int | tuple[int, int]:
    """Return how many places a window has: floor((size + padding on both sides - kernel) / stride) + 1.

    Parameters
    ----------
    size, kernel_size, stride : int or (int, int)
        One number, or (height, width).
    padding : int, (int, int) or ((int, int), (int, int))
        Of one side, or (rows, columns), or ((top, bottom), (left, right)).

    Returns
    -------
    int or (int, int)
        One number when all arguments are single numbers, else (height, width).

    Raises
    ------
    TypeError, ValueError
        When an argument is no whole number or pair, is too small, or the window does not fit.

    References
    ----------
    Notes B and E; rounds down, as Gluon does. The same formula holds for pooling.
    """
    rows, columns = num_positions(size, kernel_size, stride, padding)
    single = all(isinstance(argument, (int, np.integer)) for argument in (size, kernel_size, stride, padding))
    return rows if single else (rows, columns)


def receptive_field(layers: Sequence[tuple[int, int]] | HybridBlock) -> int:
    """Return how many input pixels, along one axis, one output value of a stack of layers depends on.

    Parameters
    ----------
    layers : sequence of (kernel_size, stride), or HybridBlock
        Convolutions and poolings from the input on; or a whole network, of which the value that sees most counts, short
        of dense layers and means of whole maps, which see everything. The network's paths may part and meet again.

    Returns
    -------
    int
        1 for no layer. Each layer adds (kernel - 1) times the product of the strides before it.

    Raises
    ------
    TypeError, ValueError
        When a kernel size or a stride is not a whole number of at least 1, or the network enlarges maps or computes
        with 8-bit integers: its values' views are not counted.

    References
    ----------
    Notes E.
    """
    if isinstance(layers, HybridBlock):
        return max(field for field, _ in _fields(layers))
    field, step = 1, 1
    try:
        layers = [(kernel_size, stride) for kernel_size, stride in layers]
    except (TypeError, ValueError):
        raise ValueError(
            f"layers must be pairs (kernel_size, stride), [(3, 1), (2, 2)], or a HybridBlock; got {layers!r}"
        ) from None
    for kernel_size, stride in layers:
        field += (check_int("kernel_size", kernel_size, 1) - 1) * step
        step *= check_int("stride", stride, 1)
    return field


def _fields(net: HybridBlock) -> Iterator[tuple[int, int]]:
    """Yield what each value inside a network sees, and how many pixels apart two neighbours' views are."""
    refuse_numpy_mode()
    seen: dict[int, tuple[int, int]] = {}  # by number of the node; weights are not in it
    output = net(mx.sym.var("data"))
    graph = mx.sym.Group(output) if isinstance(output, (list, tuple)) else output
    for place, node in enumerate(json.loads(graph.tojson())["nodes"]):
        if node["op"] in ENLARGING or node["op"].startswith(("_sg_", "_contrib_quantize")):
            raise ValueError(
                f"the views behind {node['op']} cannot be counted: pass the layers as pairs, or the network "
                "that was quantized"
            )
        settings, above = node.get("attrs", {}), [seen[i] for i, *_ in node["inputs"] if i in seen]

        def largest(name: str, settings: dict[str, str] = settings) -> int:
            return max(ast.literal_eval(settings.get(name, "()")), default=1)

        if node["name"] == "data":
            seen[place] = (1, 1)
        elif above and node["op"] not in ("Flatten", "FullyConnected") and settings.get("global_pool") != "True":
            field, step = max(above)
            seen[place] = field + (largest("kernel") - 1) * largest("dilate") * step, step * largest("stride")
    yield from seen.values()


def num_positions(size: Size, kernel_size: Size, stride: Size, padding: Padding) -> tuple[int, int]:
    """Return how many places a window has, down and to the right."""
    sizes, kernels = check_pair("size", size), check_pair("kernel_size", kernel_size)
    strides, paddings = check_pair("stride", stride), padding_sides(padding)
    for side, kernel, around in zip(sizes, kernels, paddings):
        if kernel > side + sum(around):
            raise ValueError(
                f"a window of {kernels[0]}x{kernels[1]} does not fit into {sizes[0]}x{sizes[1]}, padding {padding}: "
                "make the input or the padding larger, or the window smaller"
            )
    rows, columns = (
        (side + sum(around) - kernel) // step + 1
        for side, kernel, step, around in zip(sizes, kernels, strides, paddings)
    )
    return rows, columns


def pad2d(X: nd.NDArray, padding: Padding, value: float = 0.0) -> nd.NDArray:
    """Return the picture ``X`` of shape (H, W) with ``value`` around it."""
    (top, bottom), (left, right) = padding_sides(padding)
    height, width = X.shape[0] + top + bottom, X.shape[1] + left + right
    if height * width > LARGEST_WHOLE:
        raise ValueError(f"padding {padding} makes {height}x{width} of X, more than an NDArray can hold: pass less")
    around = nd.pad(
        X.reshape((1, 1, *X.shape)), "constant", (0, 0, 0, 0, top, bottom, left, right), constant_value=value
    )
    return around[0, 0]


def check_rank(name: str, array: nd.NDArray, rank: int, shape: str, like: nd.NDArray | None = None) -> None:
    if check_array(name, array, like).ndim != rank:
        raise ValueError(f"{name} must have shape {shape}; got {array.shape}")


def _one_number(bias: float | np.ndarray | nd.NDArray, like: nd.NDArray) -> float | nd.NDArray:
    """Return the bias as a number, or, so that a gradient reaches it, as an NDArray of one."""
    if np.size(bias) != 1:
        raise ValueError(f"bias must be one number for the one output channel; got {np.size(bias)}")
    if isinstance(bias, nd.NDArray):
        return check_array("bias", bias, like).reshape(-1)
    return check_float("bias", bias.item() if isinstance(bias, np.ndarray) else bias, -LARGEST)


def padding_sides(padding: Padding) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the padding as ((top, bottom), (left, right))."""
    if isinstance(padding, (tuple, list)) and any(isinstance(part, (tuple, list)) for part in padding):
        if len(padding) != 2:
            raise ValueError(f"padding must be ((top, bottom), (left, right)); got {padding!r}")
        return check_pair("padding", padding[0], 0), check_pair("padding", padding[1], 0)
    rows, columns = check_pair("padding", padding, 0)
    return (rows, rows), (columns, columns)
