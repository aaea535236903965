"""Convolution from scratch: one kernel, multiple channels, and output sizes. Lesson 01."""

import numpy as np
from gluon_cnn._core.checked import checked
from gluon_cnn._core.checks import Padding, Size, check_pair, check_shape, padding_sides
from mxnet import nd


@checked(X="(H, W)", K="(kh, kw)", bias="(1,)")
def corr2d(
    X: nd.NDArray, K: nd.NDArray, bias: float | nd.NDArray = 0.0, stride: Size = 1, padding: Padding = 0
) -> nd.NDArray:
    """Slide the kernel ``K``, (kh, kw), over the image ``X``, (H, W): two-dimensional cross-correlation.

    The result has the shape ``conv_output_size((H, W), (kh, kw), stride, padding)`` and is differentiable. ``bias``
    is added to each value; pass an NDArray of shape (1,) to compute its gradient. ``stride`` is the kernel's step in
    pixels, one number or (down, right). ``padding`` is the number of zeros around the image: one number for all sides,
    (rows, columns), or ((top, bottom), (left, right)).

    In mathematics, convolution is the same operation with a flipped kernel; since networks learn the kernel, its
    orientation does not matter.
    """
    rows, columns = num_positions(X.shape, K.shape, stride, padding)
    down, right = check_pair("stride", stride)
    X = pad2d(X, padding)
    Y = nd.zeros((rows, columns), ctx=X.context, dtype=X.dtype)
    for a in range(K.shape[0]):
        for b in range(K.shape[1]):
            # the pixels under this weight, for all positions of the kernel at once
            pixels = X[a : a + down * rows : down, b : b + right * columns : right]
            Y = Y + K[a, b] * pixels
    return Y + bias


@checked(X="(Cin, H, W)", K="(Cout, Cin, kh, kw)")
def corr2d_multi_in_out(X: nd.NDArray, K: nd.NDArray, stride: Size = 1, padding: Padding = 0) -> nd.NDArray:
    """Cross-correlate a multichannel image: for each output channel, sum over the input channels.

    ``X`` has shape (Cin, H, W). ``K``, with one kernel for each pair of channels, has shape (Cout, Cin, kh, kw), and
    the result (Cout, rows, columns).
    """
    outputs = []
    for kernels in K:
        channels = [corr2d(x, kernel, stride=stride, padding=padding) for x, kernel in zip(X, kernels)]
        outputs.append(nd.add_n(*channels))
    return nd.stack(*outputs)


@checked()
def conv_output_size(size: Size, kernel_size: Size, stride: Size = 1, padding: Padding = 0) -> int | tuple[int, int]:
    """Return the output size: floor((size + padding on both sides - kernel size) / stride) + 1.

    Each argument is one number or (height, width); ``padding``, per side, may also be ((top, bottom), (left, right)).
    The result is one number if all arguments are, else (height, width). The same formula holds for pooling.
    """
    rows, columns = num_positions(size, kernel_size, stride, padding)
    single = all(isinstance(argument, (int, np.integer)) for argument in (size, kernel_size, stride, padding))
    return rows if single else (rows, columns)


def num_positions(size: Size, kernel_size: Size, stride: Size, padding: Padding) -> tuple[int, int]:
    """Return the numbers of vertical and horizontal kernel positions."""
    sizes, kernels = check_pair("size", size), check_pair("kernel_size", kernel_size)
    padded = [side + sum(around) for side, around in zip(sizes, padding_sides(padding))]
    if kernels[0] > padded[0] or kernels[1] > padded[1]:
        raise ValueError(
            f"a kernel of {kernels[0]}x{kernels[1]} does not fit into {sizes[0]}x{sizes[1]} with padding {padding}: "
            "make the input or the padding larger, or the kernel smaller"
        )
    down, right = check_pair("stride", stride)
    return (padded[0] - kernels[0]) // down + 1, (padded[1] - kernels[1]) // right + 1


def pad2d(X: nd.NDArray, padding: Padding, value: float = 0.0) -> nd.NDArray:
    """Pad the image ``X`` of shape (H, W) with ``value``."""
    (top, bottom), (left, right) = padding_sides(padding)
    check_shape("X with its padding", (X.shape[0] + top + bottom, X.shape[1] + left + right))
    widths = (0, 0, 0, 0, top, bottom, left, right)
    return nd.pad(X.reshape((1, 1, *X.shape)), "constant", widths, constant_value=value)[0, 0]
