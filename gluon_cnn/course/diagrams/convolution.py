"""Figures of lesson 01: kernels, their positions, and receptive fields."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from gluon_cnn._core.checks import Padding, Size, check_pair, padding_sides
from gluon_cnn.course.diagrams.cells import EMPTY, INPUT, KERNEL, OUTPUT, Canvas, canvas
from gluon_cnn.layers.convolution import conv_output_size, corr2d
from gluon_cnn.networks.receptive_field import receptive_field
from gluon_cnn.plots.style import COLORS
from matplotlib.patches import Polygon
from mxnet import nd

RISE = 2.1  # from one layer to the next, in cells
MIN_WIDTH = 15  # of kernel positions, in cells, so that the text above fits


def draw_convolution(
    X: Any, K: Any, bias: float = 0.0, stride: Size = 1, padding: Padding = 0, places: int = 4, title: str | None = None
) -> None:
    """Draw a kernel at its first ``places`` positions on an image, with the sum at each: see :func:`corr2d`."""
    Y = corr2d(nd.array(X), nd.array(K), bias, stride, padding).asnumpy()
    pixels, weights = nd.array(X).asnumpy(), nd.array(K).asnumpy()
    sides, (down, right) = padding_sides(padding), check_pair("stride", stride)
    padded = np.pad(pixels, sides)
    (kh, kw), (height, width) = weights.shape, padded.shape
    positions = list(np.ndindex(*Y.shape))[:places]
    panel_width = width + kw + Y.shape[1] + 3.4
    panel_height = max(height, kh, Y.shape[0]) + 1.6
    columns = min(2, len(positions))
    rows = -(-len(positions) // columns)
    with canvas(columns * panel_width - 0.4, rows * panel_height, title=title) as c:
        for number, (i, j) in enumerate(positions):
            x, y = number % columns * panel_width + 0.2, number // columns * panel_height + 0.2
            middle = y + height / 2
            c.padded(x, y, pixels, sides)
            c.frame(x + j * right, y + i * down, kw, kh)
            c.write(x + width + 0.6, middle, "∗", fontsize=16)
            x = c.beside(x + width + 1.2, middle, weights, KERNEL, "=")
            done = np.where(np.arange(Y.size).reshape(Y.shape) <= number, Y, np.nan)
            c.beside(x, middle, done, OUTPUT)
            c.frame(x + j, middle - Y.shape[0] / 2 + i, 1, 1)
            window = padded[i * down : i * down + kh, j * right : j * right + kw]
            if weights.size <= 9:
                terms = [f"{w:g}·{p:g}" for w, p in zip(weights.ravel(), window.ravel())]
                text = " + ".join(terms + ([f"{bias:g}"] if bias else [])) + f" = {Y[i, j]:g}"
                c.write(x + Y.shape[1] - panel_width / 2 + 0.5, y + panel_height - 0.95, text)


def draw_windows(*settings: tuple, title: str | None = None) -> None:
    """Draw kernel positions, one panel below the other, to show the effect of kernel size, stride and padding.

    Each panel is given by arguments of :func:`gluon_cnn.conv_output_size`: size, kernel_size and, optionally, stride
    and padding. The first window is framed, a dot marks the middle of every window, and pixels that
    no window reaches are hatched.
    """
    panels = [_Windows(*setting) for setting in settings]
    width = max(MIN_WIDTH, *(panel.width for panel in panels)) + 0.4
    with canvas(width, sum(panel.height + 2.7 for panel in panels), inches=0.28, title=title) as c:
        y = 0.0
        for panel in panels:
            panel.draw(c, (width - panel.width) / 2, y + 2.4, panel.height)
            y += panel.height + 2.7


class _Windows:
    """One panel of :func:`draw_windows`."""

    def __init__(self, size: Size, kernel_size: Size, stride: Size = 1, padding: Padding = 0) -> None:
        self.size, self.kernel = check_pair("size", size), check_pair("kernel_size", kernel_size)
        self.stride, self.padding, self.sides = check_pair("stride", stride), padding, padding_sides(padding)
        self.output = check_pair("output", conv_output_size(self.size, self.kernel, self.stride, padding))
        self.padded = tuple(side + sum(around) for side, around in zip(self.size, self.sides))
        self.height, self.width = max(self.padded[0], self.output[0]), self.padded[1] + 1.4 + self.output[1]

    def draw(self, c: Canvas, x: float, y: float, height: float) -> None:
        (kh, kw), (down, right) = self.kernel, self.stride
        kernel, size, output = (f"{a}×{b}" for a, b in (self.kernel, self.size, self.output))
        label = f"kernel {kernel}, stride {down if down == right else self.stride}, padding {self.padding}"
        c.write(x + self.width / 2, y - 2.2, f"{label}\n{size} → {output}", va="top", linespacing=1.4)
        middle, top, left = y + height / 2, y + (height - self.padded[0]) / 2, x + self.padded[1] + 1.2
        c.padded(x, top, np.full(self.size, np.nan), self.sides)
        reached = np.zeros(self.padded, bool)
        for i, j in np.ndindex(*self.output):
            reached[i * down : i * down + kh, j * right : j * right + kw] = True
            c.ax.plot(x + j * right + kw / 2, top + i * down + kh / 2, ".", color=COLORS["red"], markersize=6, zorder=4)
        for row, column in zip(*np.nonzero(~reached)):
            c.box(x + column, top + row, 1, 1, "none", hatch="////", edgecolor=COLORS["grey"], linewidth=0)
        c.frame(x, top, kw, kh, fill="#D55E0022")
        c.arrow((left - 1.1, middle), (left - 0.1, middle))
        c.beside(left, middle, np.full(self.output, np.nan), OUTPUT)
        c.frame(left, middle - self.output[0] / 2, 1, 1)


def draw_receptive_field(*stacks: Sequence[tuple[int, int]], title: str | None = None) -> None:
    """Draw, along one axis, the input pixels on which one output value depends.

    Each panel is a stack of layers (kernel_size, stride), as in :func:`gluon_cnn.receptive_field`.
    """
    width = max(receptive_field(stack) for stack in stacks) + 4
    with canvas(width, sum(len(stack) * RISE + 3.1 for stack in stacks), title=title) as c:
        bottom = 0.0
        for stack in stacks:
            bottom += len(stack) * RISE + 3.1
            _draw_stack(c, (width - receptive_field(stack)) / 2, bottom - 1.9, stack)


def _draw_stack(c: Canvas, left: float, bottom: float, stack: Sequence[tuple[int, int]]) -> None:
    """Draw the rows of cells of one stack of layers, the input (at ``bottom``) with one extra pixel on each side."""
    field = receptive_field(stack)
    count, step, first = field, 1, left + 0.5  # of a row: number, spacing and first centre of its cells
    squares = []
    for level, (kernel, stride) in enumerate(stack):
        low, high = bottom - level * RISE, bottom - (level + 1) * RISE
        count = (count - kernel) // stride + 1
        for k in range(count):
            start = first + k * stride * step
            middle, end = start + (kernel - 1) / 2 * step, start + (kernel - 1) * step
            corners = [(middle - 0.5, high + 1), (middle + 0.5, high + 1), (end + 0.5, low), (start - 0.5, low)]
            c.ax.add_patch(Polygon(corners, facecolor=COLORS["sky"], alpha=0.22, edgecolor=COLORS["blue"], linewidth=1))
            squares.append((middle - 0.5, high))
        first, step = first + (kernel - 1) / 2 * step, step * stride
    fills = np.array([[EMPTY, *[INPUT] * field, EMPTY]])
    c.cells(left - 1, bottom, np.full((1, field + 2), np.nan), fills)
    c.frame(left, bottom, field, 1)
    for x, y in squares:
        c.cell(x, y, np.nan, OUTPUT)
    names = ", then ".join(f"{k}×{k}" + (f" stride {stride}" if stride > 1 else "") for k, stride in stack)
    c.write(left + field / 2, bottom + 1.4, f"{names}: {field} pixels")
