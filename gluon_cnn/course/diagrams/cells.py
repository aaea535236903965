"""Elements of all figures: a canvas measured in cells, with numbers, frames, signs and arrows."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from gluon_cnn.plots.style import COLORS, show_figure, style
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, Rectangle

INPUT, KERNEL, OUTPUT, PADDING, EMPTY = "#DDDDDD", "#F7EFA0", "#A8D8F5", "#FFFFFF", "#FFFFFF"
TINTS = ("#A8D8F5", "#F9D99A", "#A5DCCB", "#F3C3A5", "#DDDDDD", "#E6C3D8")  # one for each group of cells
FRAME = COLORS["red"]
LEGIBLE = 5.5  # inches: in a wider figure, which a phone shrinks more, the letters are larger


@contextmanager
def canvas(width: float, height: float, inches: float = 0.42, title: str | None = None) -> Iterator["Canvas"]:
    """Create a canvas of ``width`` x ``height`` cells, with the origin in the upper left corner; show it at the end."""
    scale = float(np.clip(width * inches / LEGIBLE, 1, 1.3))
    with style():
        _, ax = plt.subplots(figsize=(width * inches, height * inches + (0.3 if title else 0)), layout="constrained")
        ax.set(xlim=(0, width), ylim=(height, 0), aspect="equal")
        ax.set_title(title or "", fontsize=scale * 12)
        ax.axis("off")
        yield Canvas(ax, scale)
        show_figure()


class Canvas:
    """Axes to draw on, with letters enlarged by ``scale``; additional settings are passed to matplotlib."""

    def __init__(self, ax: Axes, scale: float = 1.0) -> None:
        self.ax, self.scale = ax, scale

    def box(self, x: float, y: float, width: float, height: float, fill: str, **settings: Any) -> None:
        """Draw a rectangle with a thin black edge."""
        settings = {"facecolor": fill, "edgecolor": "black", "linewidth": 0.9, **settings}
        self.ax.add_patch(Rectangle((x, y), width, height, **settings))

    def frame(self, x: float, y: float, width: float, height: float, fill: str = "none") -> None:
        """Draw a red frame."""
        self.box(x, y, width, height, fill, edgecolor=FRAME, linewidth=2.8, zorder=3)

    def cell(self, x: float, y: float, value: float, fill: str, side: float = 1.0, **settings: Any) -> None:
        """Draw one cell with a number rounded to three significant digits, or an empty one for NaN."""
        self.box(x, y, side, side, fill, **settings)
        if not np.isnan(value):
            self.write(x + 0.5, y + 0.5, f"{value:.3g}")

    def cells(self, x: float, y: float, values: np.ndarray, fill: Any = INPUT) -> None:
        """Draw a table of numbers from its upper left corner, in one colour or a table of colours; NaN is empty."""
        fills = np.broadcast_to(fill, values.shape)
        for (row, column), value in np.ndenumerate(values):
            self.cell(x + column, y + row, value, str(fills[row, column]))

    def beside(self, x: float, middle: float, values: np.ndarray, fill: Any, sign: str = "") -> float:
        """Draw a table vertically centred at ``middle`` and a sign to its right; return where the next table begins."""
        self.cells(x, middle - len(values) / 2, values, fill)
        self.write(x + values.shape[1] + 0.6, middle, sign, fontsize=16)
        return x + values.shape[1] + 1.2

    def padded(self, x: float, y: float, values: np.ndarray, sides: Sequence[tuple[int, int]]) -> None:
        """Draw an image with cells of padding around it; (x, y) is the corner of the padding."""
        (top, _), (left, _) = sides
        zero = np.nan if np.isnan(values).all() else 0
        for row, column in np.argwhere(np.pad(np.zeros(values.shape), sides, constant_values=1)):
            self.cell(x + column, y + row, zero, PADDING, edgecolor=COLORS["grey"], linestyle=":")
        self.cells(x + left, y + top, values)

    def write(self, x: float, y: float, text: str, **settings: Any) -> None:
        """Write text centred at a point."""
        settings = {"ha": "center", "va": "center", "fontsize": 10.5, **settings}
        self.ax.text(x, y, text, **{**settings, "fontsize": settings["fontsize"] * self.scale})

    def arrow(self, start: tuple[float, float], end: tuple[float, float], **settings: Any) -> None:
        """Draw an arrow between two points."""
        settings = {"arrowstyle": "-|>", "mutation_scale": 13, "color": "black", **settings}
        self.ax.add_patch(FancyArrowPatch(start, end, **settings))
