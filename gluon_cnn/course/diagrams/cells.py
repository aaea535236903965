"""What all figures are made of: a canvas measured in cells, cells with numbers, frames, signs and arrows."""

from collections.abc import Iterator, Sequence
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
        ax.set(title=title or "", xlim=(0, width), ylim=(height, 0), aspect="equal")
        ax.axis("off")
        yield ax
        show_figure()


def box(ax: Axes, x: float, y: float, width: float, height: float, fill: str, **settings: Any) -> None:
    """Draw a rectangle with a thin black edge; settings go to matplotlib's ``Rectangle``."""
    settings = {"facecolor": fill, "edgecolor": "black", "linewidth": 0.9, **settings}
    ax.add_patch(Rectangle((x, y), width, height, **settings))


def draw_cell(ax: Axes, x: float, y: float, value: float, fill: str, side: float = 1.0, **settings: Any) -> None:
    """Draw one cell with a number of at most three digits, or an empty one for NaN."""
    box(ax, x, y, side, side, fill, **settings)
    if not np.isnan(value):
        write(ax, x + 0.5, y + 0.5, f"{value:.3g}")


def draw_cells(ax: Axes, x: float, y: float, values: np.ndarray, fill: Any = INPUT) -> None:
    """Draw a table of numbers, its upper left corner at (x, y), in one colour or a table of colours; NaN is empty."""
    fills: Any = np.full(values.shape, fill) if isinstance(fill, str) else fill
    for (row, column), value in np.ndenumerate(values):
        draw_cell(ax, x + column, y + row, value, fills[row, column])


def draw_beside(ax: Axes, x: float, middle: float, values: np.ndarray, fill: Any, sign: str = "") -> float:
    """Draw a table centred at a height, a sign to its right; return where the next table begins."""
    draw_cells(ax, x, middle - len(values) / 2, values, fill)
    write(ax, x + values.shape[1] + 0.6, middle, sign, fontsize=16)
    return x + values.shape[1] + 1.2


def draw_padded(ax: Axes, x: float, y: float, values: np.ndarray, sides: Sequence[tuple[int, int]]) -> None:
    """Draw an image with cells of padding around it; (x, y) is the corner of the padding."""
    (top, _), (left, _) = sides
    inside = np.pad(np.ones(values.shape, bool), sides)
    for row, column in zip(*np.nonzero(~inside)):
        zero = np.nan if np.isnan(values).all() else 0
        draw_cell(ax, x + column, y + row, zero, PADDING, edgecolor=COLORS["grey"], linestyle=":")
    draw_cells(ax, x + left, y + top, values)


def frame(ax: Axes, x: float, y: float, width: float, height: float, fill: str = "none") -> None:
    """Draw the red frame of a window."""
    box(ax, x, y, width, height, fill, edgecolor=FRAME, linewidth=2.8, zorder=3)


def write(ax: Axes, x: float, y: float, text: str, **settings: Any) -> None:
    """Write a text centred at a point."""
    ax.text(x, y, text, **{"ha": "center", "va": "center", "fontsize": 10.5, **settings})


def arrow(ax: Axes, start: tuple[float, float], end: tuple[float, float], **settings: Any) -> None:
    """Draw an arrow between two points."""
    settings = {"arrowstyle": "-|>", "mutation_scale": 13, "color": "black", **settings}
    ax.add_patch(FancyArrowPatch(start, end, **settings))
