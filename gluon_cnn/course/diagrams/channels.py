"""Figures of lessons 01 and 08: channels."""

from typing import Any

from gluon_cnn._core.checks import Size, as_numpy, check_pair
from gluon_cnn.course.diagrams.cells import EMPTY, INPUT, KERNEL, OUTPUT, TINTS, Canvas, canvas
from gluon_cnn.layers.convolution import conv_output_size, corr2d, corr2d_multi_in_out
from gluon_cnn.plots.style import COLORS
from mxnet import nd


def draw_channels(X: Any, K: Any, title: str | None = None) -> None:
    """Draw how a kernel (Cin, kh, kw) computes one feature map of an input (Cin, H, W), summing over the channels."""
    X, K = nd.array(X), nd.array(K)
    total = corr2d_multi_in_out(X, K.expand_dims(0))[0].asnumpy()
    (channels, height, width), (kh, kw), (rows, columns) = X.shape, K.shape[1:], total.shape
    step = height + 1.0
    with canvas(width + kw + 2 * columns + 5.6, channels * step + 0.9, title=title) as c:
        for k in range(channels):
            y = 1 + k * step
            middle = y + height / 2
            c.write(0.2 + width / 2, y - 0.4, f"input channel {k}", fontsize=10)
            x = c.beside(0.2, middle, as_numpy(X[k]), INPUT, "∗")
            c.write(x + kw / 2, middle - kh / 2 - 0.4, f"slice {k}", fontsize=10)
            x = c.beside(x, middle, as_numpy(K[k]), KERNEL, "=")
            c.beside(x, middle, as_numpy(corr2d(X[k], K[k])), EMPTY)
            if k:
                c.write(x + columns / 2, y - 0.5, "+", fontsize=16)
        x, centre = x + columns, 1 + (channels * step - 1) / 2
        c.arrow((x + 0.3, centre), (x + 1.7, centre))
        c.write(x + 1, centre - 0.5, "sum", fontsize=10)
        c.beside(x + 2, centre, total, OUTPUT)
        c.write(x + 2 + columns / 2, centre - rows / 2 - 0.4, "output", fontsize=10)


def draw_many_kernels(
    size: Size = 28,
    in_channels: int = 3,
    out_channels: int = 16,
    kernel_size: int = 3,
    padding: int = 1,
    title: str | None = None,
) -> None:
    """Draw how each kernel of a convolution computes one output channel."""
    height, width = check_pair("size", size)
    rows, columns = check_pair("output", conv_output_size((height, width), kernel_size, padding=padding))
    shown = min(out_channels, 4)
    with canvas(17.5, 8.6, title=title) as c:
        _draw_sheets(c, 0.6, 2.4, 3.4, [INPUT] * in_channels)
        c.write(2.6, 1.1, f"input\n{in_channels}×{height}×{width}", linespacing=1.4)
        c.write(8.2, 0.7, f"{out_channels} kernels of {in_channels}×{kernel_size}×{kernel_size}", linespacing=1.4)
        for k in range(shown):
            y = 1.7 + k * 1.55
            _draw_sheets(c, 7.5, y, 1.0, [TINTS[k]] * in_channels)
            c.arrow((5.2, 4.2), (7.2, y + 0.7), color=COLORS["grey"])
            c.arrow((9.3, y + 0.7), (11.6, 4.2), color=COLORS["grey"])
        if out_channels > shown:
            c.write(8.2, 8.1, "⋮", fontsize=16)
        _draw_sheets(c, 12.2, 2.4, 3.4, [*TINTS[:shown], *[EMPTY] * min(2, out_channels - shown)])
        c.write(14.4, 1.1, f"output\n{out_channels}×{rows}×{columns}", linespacing=1.4)


def _draw_sheets(c: Canvas, x: float, y: float, side: float, fills: list[str]) -> None:
    """Draw stacked sheets, the first in front at the lower left."""
    for k, fill in reversed(list(enumerate(fills))):
        c.box(x + 0.22 * k, y + 0.22 * (len(fills) - 1 - k), side, side, fill)


def draw_one_by_one(X: Any, K: Any, place: tuple[int, int] = (0, 0), title: str | None = None) -> None:
    """Draw a 1x1 convolution of (Cin, H, W) as a dense layer over the channels of one pixel; weights (Cout, Cin)."""
    X, K = nd.array(X), nd.array(K)
    Y = corr2d_multi_in_out(X, K.reshape((*K.shape, 1, 1))).asnumpy()
    inputs, weights = X.asnumpy(), K.asnumpy()
    (outputs, channels), (height, width) = weights.shape, X.shape[1:]
    row, column = place
    tall = max(channels, outputs) * (height + 0.8)
    with canvas(2 * width + channels + 6.6, tall + 0.9, title=title) as c:
        middle = 0.9 + (tall - 0.8) / 2
        for x, maps, fill, name in ((0.2, inputs, INPUT, "input"), (width + channels + 6.4, Y, OUTPUT, "output")):
            c.write(x + width / 2, 0.3, name)
            for k, values in enumerate(maps):
                centre = middle + (k - (len(maps) - 1) / 2) * (height + 0.8)
                c.beside(x, centre, values, fill)
                c.frame(x + column, centre - height / 2 + row, 1, 1)
        x = width + 1.7
        c.arrow((x - 1.3, middle), (x - 0.2, middle))
        c.write(x + channels / 2, 0.3, "weights")
        c.beside(x, middle, weights, KERNEL)
        x += channels
        for sign, values, fill in (("·", inputs[:, row, column], INPUT), ("=", Y[:, row, column], OUTPUT)):
            c.write(x + 0.5, middle, sign, fontsize=16)
            c.beside(x + 1, middle, values[:, None], fill)
            c.frame(x + 1, middle - len(values) / 2, 1, len(values))
            x += 2
        c.arrow((x + 0.1, middle), (x + 0.6, middle))
