"""Figures of lesson 01: windows, their places, what they see, and channels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from gluon_cnn._core.checks import as_numpy, check_pair
from gluon_cnn.course.diagrams.cells import (
    INPUT,
    KERNEL,
    OUTPUT,
    TINTS,
    arrow,
    canvas,
    draw_cell,
    draw_cells,
    draw_padded,
    frame,
    write,
)
from gluon_cnn.layers.convolution import (
    Padding,
    Size,
    conv_output_size,
    corr2d,
    corr2d_multi_in_out,
    padding_sides,
    receptive_field,
)
from gluon_cnn.plots.style import COLORS
from matplotlib.axes import Axes
from matplotlib.patches import Polygon, Rectangle
from mxnet import nd


def draw_convolution(
    X: Any,
    K: Any,
    bias: float = 0.0,
    stride: Size = 1,
    padding: Padding = 0,
    places: int = 4,
    title: str | None = None,
) -> None:
    """Draw a kernel at its first places on a picture, with the sum that each place gives.

    Parameters
    ----------
    X, K, bias, stride, padding
        See :func:`gluon_cnn.corr2d`.
    places : int
        How many places are drawn.
    title : str, optional
        Of the figure.
    """
    X, K = nd.array(X), nd.array(K)
    Y = corr2d(X, K, bias, stride, padding).asnumpy()
    pixels, weights = X.asnumpy(), K.asnumpy()
    sides, (down, right) = padding_sides(padding), check_pair("stride", stride)
    padded = np.pad(pixels, sides)
    (kh, kw), (height, width) = weights.shape, padded.shape
    positions = list(np.ndindex(*Y.shape))[:places]
    panel_width = width + kw + Y.shape[1] + 3.4
    panel_height = max(height, kh, Y.shape[0]) + 1.6
    columns = min(2, len(positions))
    rows = -(-len(positions) // columns)
    with canvas(columns * panel_width - 0.4, rows * panel_height, title=title) as ax:
        for number, (i, j) in enumerate(positions):
            x, y = number % columns * panel_width + 0.2, number // columns * panel_height + 0.2
            middle = y + height / 2
            draw_padded(ax, x, y, pixels, sides)
            frame(ax, x + j * right, y + i * down, kw, kh)
            x += width + 1.2
            write(ax, x - 0.6, middle, "∗", fontsize=16)
            draw_cells(ax, x, middle - kh / 2, weights, KERNEL)
            x += kw + 1.2
            write(ax, x - 0.6, middle, "=", fontsize=16)
            done = np.where(np.arange(Y.size).reshape(Y.shape) <= number, Y, np.nan)
            draw_cells(ax, x, middle - Y.shape[0] / 2, done, OUTPUT)
            frame(ax, x + j, middle - Y.shape[0] / 2 + i, 1, 1)
            window = padded[i * down : i * down + kh, j * right : j * right + kw]
            if weights.size <= 9:
                terms = [f"{w:g}·{p:g}" for w, p in zip(weights.ravel(), window.ravel())]
                text = " + ".join(terms + ([f"{bias:g}"] if bias else [])) + f" = {Y[i, j]:g}"
                write(ax, x + Y.shape[1] - panel_width / 2 + 0.5, y + panel_height - 0.95, text)


def draw_windows(*settings: tuple, title: str | None = None) -> None:
    """Draw side by side where a window can stand: the effect of kernel size, stride and padding.

    Parameters
    ----------
    settings : tuples (size, kernel_size), (size, kernel_size, stride) or (size, kernel_size, stride, padding)
        The arguments of :func:`gluon_cnn.conv_output_size`, one tuple a panel.
    title : str, optional
        Of the figure.

    Notes
    -----
    The first window is framed, a dot marks the middle of every window, and pixels that no window reaches are hatched.
    """
    panels = [_Windows(*setting) for setting in settings]
    height = max(panel.height for panel in panels) + 2.6
    with canvas(sum(panel.width + 1 for panel in panels) - 0.6, height, inches=0.28, title=title) as ax:
        x = 0.2
        for panel in panels:
            panel.draw(ax, x, 2.4, height - 2.6)
            x += panel.width + 1


class _Windows:
    """One panel of :func:`draw_windows`."""

    def __init__(self, size: Size, kernel_size: Size, stride: Size = 1, padding: Padding = 0) -> None:
        self.size, self.kernel, self.stride = (
            check_pair("size", size),
            check_pair("kernel_size", kernel_size),
            check_pair("stride", stride),
        )
        self.sides, self.padding = padding_sides(padding), padding
        rows, columns = check_pair("output", conv_output_size(self.size, self.kernel, self.stride, padding))
        self.places = rows, columns
        self.padded = tuple(side + sum(around) for side, around in zip(self.size, self.sides))
        self.height = max(self.padded[0], rows)
        self.width = self.padded[1] + 1.4 + columns

    def draw(self, ax: Axes, x: float, y: float, height: float) -> None:
        (kh, kw), (down, right), (rows, columns) = self.kernel, self.stride, self.places
        write(ax, x + self.width / 2, y - 2.2, self.label(), va="top", linespacing=1.4)
        top = y + (height - self.padded[0]) / 2
        draw_padded(ax, x, top, np.full(self.size, np.nan), self.sides)
        reached = np.zeros(self.padded, bool)
        for i, j in np.ndindex(rows, columns):
            reached[i * down : i * down + kh, j * right : j * right + kw] = True
        for row, column in zip(*np.nonzero(~reached)):
            ax.add_patch(
                Rectangle(
                    (x + column, top + row), 1, 1, fill=False, hatch="////", edgecolor=COLORS["grey"], linewidth=0
                )
            )
        frame(ax, x, top, kw, kh, facecolor="#D55E0022")
        for i, j in np.ndindex(rows, columns):
            ax.plot(x + j * right + kw / 2, top + i * down + kh / 2, ".", color=COLORS["red"], markersize=6, zorder=4)
        middle, left = y + height / 2, x + self.padded[1] + 1.2
        arrow(ax, (left - 1.1, middle), (left - 0.1, middle))
        draw_cells(ax, left, middle - rows / 2, np.full((rows, columns), np.nan), OUTPUT)
        frame(ax, left, middle - rows / 2, 1, 1)

    def label(self) -> str:
        kernel, size, places = (f"{a}×{b}" for a, b in (self.kernel, self.size, self.places))
        stride = f"{self.stride[0]}" if self.stride[0] == self.stride[1] else f"{self.stride}"
        return f"kernel {kernel}, stride {stride}, padding {self.padding}\n{size} → {places}"


def draw_receptive_field(*stacks: Sequence[tuple[int, int]], title: str | None = None) -> None:
    """Draw along one axis which input pixels one output value depends on.

    Parameters
    ----------
    stacks : sequences of (kernel_size, stride)
        See :func:`gluon_cnn.receptive_field`; one panel for each.
    title : str, optional
        Of the figure.
    """
    fields = [receptive_field(stack) for stack in stacks]
    levels = max(len(stack) for stack in stacks)
    rise = 2.1
    with canvas(sum(field + 2.6 for field in fields), levels * rise + 2.9, title=title) as ax:
        left = 0.3
        for stack, field in zip(stacks, fields):
            _draw_stack(ax, left + 1, levels * rise + 1.2, stack, field, rise)
            left += field + 2.6


def _draw_stack(
    ax: Axes, left: float, bottom: float, stack: Sequence[tuple[int, int]], field: int, rise: float
) -> None:
    """Draw the rows of cells of one stack of layers, the input (at ``bottom``) with a pixel more on both sides."""
    counts, steps, firsts = [field], [1], [left + 0.5]  # for each row: cells, distance and middle of the first cell
    for kernel, stride in stack:
        counts.append((counts[-1] - kernel) // stride + 1)
        firsts.append(firsts[-1] + (kernel - 1) / 2 * steps[-1])
        steps.append(steps[-1] * stride)
    for level, (kernel, stride) in enumerate(stack):
        low, high = bottom - level * rise, bottom - (level + 1) * rise + 1
        for k in range(counts[level + 1]):
            middle = firsts[level + 1] + k * steps[level + 1]
            first = firsts[level] + k * stride * steps[level] - 0.5
            last = firsts[level] + (k * stride + kernel - 1) * steps[level] + 0.5
            corners = [(middle - 0.5, high), (middle + 0.5, high), (last, low), (first, low)]
            ax.add_patch(Polygon(corners, facecolor=COLORS["sky"], alpha=0.22, edgecolor=COLORS["blue"], linewidth=1))
    for column in range(-1, field + 1):
        draw_cell(ax, left + column, bottom, np.nan, INPUT if 0 <= column < field else "#FFFFFF")
    frame(ax, left, bottom, field, 1)
    for count, step, first, level in zip(counts[1:], steps[1:], firsts[1:], range(1, len(counts))):
        for k in range(count):
            draw_cell(ax, first + k * step - 0.5, bottom - level * rise, np.nan, OUTPUT)
    names = ", then ".join(
        f"{kernel}×{kernel}" + (f" stride {stride}" if stride > 1 else "") for kernel, stride in stack
    )
    write(ax, left + field / 2, bottom + 1.6, f"{names}:\n{field} pixels", va="center", linespacing=1.3)


def draw_channels(X: Any, K: Any, title: str | None = None) -> None:
    """Draw how a kernel with one slice for each input channel gives one output map: a sum of maps.

    Parameters
    ----------
    X : NDArray
        Input, shape (Cin, H, W).
    K : NDArray
        One kernel, shape (Cin, kh, kw).
    title : str, optional
        Of the figure.
    """
    X, K = nd.array(X), nd.array(K)
    maps = np.stack([corr2d(x, k).asnumpy() for x, k in zip(X, K)])
    total = corr2d_multi_in_out(X, K.expand_dims(0))[0].asnumpy()
    (channels, height, width), (kh, kw), (rows, columns) = X.shape, K.shape[1:], total.shape
    step = height + 1.0
    with canvas(width + kw + 2 * columns + 5.6, channels * step + 0.9, title=title) as ax:
        where = 0.2
        for c in range(channels):
            y = 1 + c * step
            middle = y + height / 2
            x = where
            draw_cells(ax, x, y, as_numpy(X[c]), INPUT)
            write(ax, x + width / 2, y - 0.4, f"input channel {c}", fontsize=10)
            x += width + 1.2
            write(ax, x - 0.6, middle, "∗", fontsize=16)
            draw_cells(ax, x, middle - kh / 2, as_numpy(K[c]), KERNEL)
            write(ax, x + kw / 2, middle - kh / 2 - 0.4, f"slice {c}", fontsize=10)
            x += kw + 1.2
            write(ax, x - 0.6, middle, "=", fontsize=16)
            draw_cells(ax, x, middle - rows / 2, maps[c], "#FFFFFF")
            if c:
                write(ax, x + columns / 2, y - 0.5, "+", fontsize=16)
            x += columns
        centre = 1 + (channels * step - 1) / 2
        arrow(ax, (x + 0.3, centre), (x + 1.7, centre))
        write(ax, x + 1, centre - 0.5, "sum", fontsize=10)
        draw_cells(ax, x + 2, centre - rows / 2, total, OUTPUT)
        write(ax, x + 2 + columns / 2, centre - rows / 2 - 0.4, "output", fontsize=10)


def draw_many_kernels(
    size: Size = 28,
    in_channels: int = 3,
    out_channels: int = 16,
    kernel_size: int = 3,
    padding: int = 1,
    title: str | None = None,
) -> None:
    """Draw how each kernel of a convolution makes one output channel.

    Parameters
    ----------
    size, kernel_size, padding
        See :func:`gluon_cnn.conv_output_size`.
    in_channels, out_channels : int
        Sheets of the input and number of kernels.
    title : str, optional
        Of the figure.
    """
    height, width = check_pair("size", size)
    rows, columns = check_pair("output", conv_output_size((height, width), kernel_size, padding=padding))
    shown = min(out_channels, 4)
    with canvas(17.5, 8.6, title=title) as ax:
        _stack(ax, 0.6, 2.4, 3.4, [INPUT] * in_channels)
        write(ax, 2.6, 1.1, f"input\n{in_channels}×{height}×{width}", linespacing=1.4)
        write(ax, 8.2, 0.7, f"{out_channels} kernels of {in_channels}×{kernel_size}×{kernel_size}", linespacing=1.4)
        for k in range(shown):
            y = 1.7 + k * 1.55
            _stack(ax, 7.5, y, 1.0, [TINTS[k]] * in_channels)
            arrow(ax, (5.2, 4.2), (7.2, y + 0.7), color=COLORS["grey"])
            arrow(ax, (9.3, y + 0.7), (11.6, 4.2), color=COLORS["grey"])
        if out_channels > shown:
            write(ax, 8.2, 8.1, "⋮", fontsize=16)
        _stack(ax, 12.2, 2.4, 3.4, [*TINTS[:shown], *["#FFFFFF"] * min(2, out_channels - shown)])
        write(ax, 14.4, 1.1, f"output\n{out_channels}×{rows}×{columns}", linespacing=1.4)


def draw_one_by_one(X: Any, K: Any, place: tuple[int, int] = (0, 0), title: str | None = None) -> None:
    """Draw a 1x1 convolution as a dense layer over the channels of one pixel.

    Parameters
    ----------
    X : NDArray
        Input, shape (Cin, H, W).
    K : NDArray
        Weights, shape (Cout, Cin).
    place : (int, int)
        Row and column of the pixel that is looked at.
    title : str, optional
        Of the figure.
    """
    X, K = nd.array(X), nd.array(K)
    Y = corr2d_multi_in_out(X, K.reshape((*K.shape, 1, 1))).asnumpy()
    inputs, weights = X.asnumpy(), K.asnumpy()
    (outputs, channels), (height, width) = weights.shape, X.shape[1:]
    row, column = place
    tall = max(channels, outputs) * (height + 0.8)
    with canvas(2 * width + channels + 6.6, tall + 0.9, title=title) as ax:
        middle = 0.9 + (tall - 0.8) / 2
        x = 0.2
        for maps, fill, name in ((inputs, INPUT, "input"), (Y, OUTPUT, "output")):
            y = middle - (len(maps) * (height + 0.8) - 0.8) / 2
            for values in maps:
                draw_cells(ax, x, y, values, fill)
                frame(ax, x + column, y + row, 1, 1)
                y += height + 0.8
            write(ax, x + width / 2, 0.3, name)
            x += width + channels + 6.2
        x = width + 0.2
        arrow(ax, (x + 0.2, middle), (x + 1.3, middle))
        draw_cells(ax, x + 1.5, middle - outputs / 2, weights, KERNEL)
        write(ax, x + 1.5 + channels / 2, 0.3, "weights")
        write(ax, x + 2 + channels, middle, "·", fontsize=16)
        draw_cells(ax, x + 2.5 + channels, middle - channels / 2, inputs[:, row, column, None], INPUT)
        frame(ax, x + 2.5 + channels, middle - channels / 2, 1, channels)
        write(ax, x + 4 + channels, middle, "=", fontsize=16)
        draw_cells(ax, x + 4.5 + channels, middle - outputs / 2, Y[:, row, column, None], OUTPUT)
        frame(ax, x + 4.5 + channels, middle - outputs / 2, 1, outputs)
        arrow(ax, (x + 5.6 + channels, middle), (x + 6.1 + channels, middle))


def _stack(ax: Axes, x: float, y: float, side: float, fills: list[str]) -> None:
    """Draw sheets behind one another, the first in front, lower left."""
    step = 0.22
    for k, fill in reversed(list(enumerate(fills))):
        offset = k * step
        y_sheet = y + step * (len(fills) - 1) - offset
        ax.add_patch(Rectangle((x + offset, y_sheet), side, side, facecolor=fill, edgecolor="black", linewidth=0.9))
