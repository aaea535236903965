"""What all figures are made of: a canvas measured in cells, cells with numbers, frames, signs and arrows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from gluon_cnn.plots.style import COLORS, show_figure, style
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, Rectangle

INPUT, KERNEL, OUTPUT, PADDING = "#DDDDDD", "#F7EFA0", "#A8D8F5", "#FFFFFF"
TINTS = ("#A8D8F5", "#F9D99A", "#A5DCCB", "#F3C3A5", "#DDDDDD", "#E6C3D8")  # groups that belong together
FRAME = COLORS["red"]


@contextmanager
def canvas(width: float, height: float, inches: float = 0.42, title: str | None = None) -> Iterator[Axes]:
    """Give axes of ``width`` times ``height`` cells, the origin in the upper left corner, and show them afterwards."""
    with style():
        _, ax = plt.subplots(figsize=(width * inches, height * inches + (0.3 if title else 0)), layout="constrained")
        ax.set_title(title or "")
        ax.set_xlim(0, width)
        ax.set_ylim(height, 0)
        ax.set_aspect("equal")
        ax.axis("off")
        yield ax
        show_figure()


def draw_cells(ax: Axes, x: float, y: float, values: np.ndarray, fill: Any = INPUT, **settings: Any) -> None:
    """Draw a table of numbers with its upper left corner at (x, y); NaN is an empty cell.

    ``fill`` is one colour or a table of colours; further settings go to matplotlib's ``Rectangle``.
    """
    fills: Any = np.full(values.shape, fill) if isinstance(fill, str) else fill
    for (row, column), value in np.ndenumerate(values):
        draw_cell(ax, x + column, y + row, value, fills[row, column], **settings)


def draw_cell(ax: Axes, x: float, y: float, value: float, fill: str, side: float = 1.0, **settings: Any) -> None:
    """Draw one cell with a number of at most three digits, or an empty one for NaN."""
    settings = {"edgecolor": "black", "linewidth": 0.9, **settings}
    ax.add_patch(Rectangle((x, y), side, side, facecolor=fill, **settings))
    if not np.isnan(value):
        write(ax, x + 0.5, y + 0.5, f"{value:.3g}")


def draw_padded(ax: Axes, x: float, y: float, values: np.ndarray, sides: tuple) -> None:
    """Draw a picture with cells of padding around it; (x, y) is the corner of the padding."""
    (top, bottom), (left, right) = sides
    height, width = values.shape
    zero = np.nan if np.isnan(values).all() else 0
    for row in range(top + height + bottom):
        for column in range(left + width + right):
            if top <= row < top + height and left <= column < left + width:
                draw_cell(ax, x + column, y + row, values[row - top, column - left], INPUT)
            else:
                draw_cell(ax, x + column, y + row, zero, PADDING, edgecolor=COLORS["grey"], linestyle=":")


def frame(ax: Axes, x: float, y: float, width: float, height: float, **settings: Any) -> None:
    """Draw the red frame of a window."""
    settings = {"edgecolor": FRAME, "linewidth": 2.8, "facecolor": "none", "zorder": 3, **settings}
    ax.add_patch(Rectangle((x, y), width, height, **settings))


def write(ax: Axes, x: float, y: float, text: str, **settings: Any) -> None:
    """Write a text centred at a point."""
    ax.text(x, y, text, **{"ha": "center", "va": "center", "fontsize": 10.5, **settings})


def arrow(ax: Axes, start: tuple[float, float], end: tuple[float, float], **settings: Any) -> None:
    """Draw an arrow between two points."""
    ax.add_patch(
        FancyArrowPatch(start, end, **{"arrowstyle": "-|>", "mutation_scale": 13, "color": "black", **settings})
    )
