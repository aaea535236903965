"""Figure of lesson 03: which numbers share a mean and a variance."""

from __future__ import annotations

import numpy as np
from gluon_cnn.course.diagrams.cells import TINTS, canvas, draw_cell, write
from matplotlib.axes import Axes


def draw_norm_axes(samples: int = 3, channels: int = 4, side: int = 3, title: str | None = None) -> None:
    """Draw which numbers are normalized together by batch norm and by layer norm: those of one colour.

    Parameters
    ----------
    samples, channels : int
        N, and K or C; at most as many as there are colours, 6.
    side : int
        Height and width of a feature map.
    title : str, optional
        Of the figure.
    """
    if not 1 <= min(samples, channels) <= max(samples, channels) <= len(TINTS):
        raise ValueError(f"samples and channels must be 1 to {len(TINTS)}; got {samples} and {channels}")
    map_step = side * 0.5 + 0.3
    widths = [channels * step for step in (1.0, 1.0, map_step, map_step)]
    with canvas(sum(widths) + 4 * 1.9, samples * map_step + 2, inches=0.34, title=title) as ax:
        x = 1.5
        for k, width in enumerate(widths):
            step, by_sample = width / channels, bool(k % 2)
            _draw_table(ax, x, 1.9, (samples, channels), side, step, by_sample)
            write(ax, x + width / 2, 0.5, "layer norm" if by_sample else "batch norm", fontsize=12)
            write(ax, x + width / 2, 1.4, f"{channels} {'features' if step == 1 else 'channels'}", fontsize=10)
            write(ax, x - 0.5, 1.9 + samples * step / 2, f"{samples} samples", rotation=90, fontsize=10)
            x += width + 1.9


def _draw_table(ax: Axes, x: float, y: float, shape: tuple[int, int], side: int, step: float, by_sample: bool) -> None:
    """Draw one number, or one feature map, for each sample (row) and feature or channel (column)."""
    for sample, channel in np.ndindex(*shape):
        fill = TINTS[sample if by_sample else channel]
        left, top = x + channel * step, y + sample * step
        if step == 1:
            draw_cell(ax, left, top, np.nan, fill)
        else:
            for row, column in np.ndindex(side, side):
                draw_cell(ax, left + column / 2, top + row / 2, np.nan, fill, side=0.5)
