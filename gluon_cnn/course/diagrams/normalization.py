"""Figure of lesson 03: which numbers share a mean and a variance."""

import numpy as np
from gluon_cnn.course.diagrams.cells import TINTS, canvas, draw_cell, write


def draw_norm_axes(samples: int = 3, channels: int = 4, side: int = 3, title: str | None = None) -> None:
    """Draw which numbers are normalized together by batch norm and by layer norm: those of one colour.

    ``samples`` and ``channels`` are at most as many as there are colours, 6; ``side`` is that of a feature map.
    """
    if not 1 <= min(samples, channels) <= max(samples, channels) <= len(TINTS):
        raise ValueError(f"samples and channels must be 1 to {len(TINTS)}; got {samples} and {channels}")
    map_step = side * 0.5 + 0.3
    steps = (1.0, 1.0, map_step, map_step)
    with canvas(sum(steps) * channels + 4 * 1.9, samples * map_step + 2, inches=0.34, title=title) as ax:
        x = 1.5
        for k, step in enumerate(steps):
            width, by_sample = channels * step, bool(k % 2)
            write(ax, x + width / 2, 0.5, "layer norm" if by_sample else "batch norm", fontsize=12)
            write(ax, x + width / 2, 1.4, f"{channels} {'features' if step == 1 else 'channels'}", fontsize=10)
            write(ax, x - 0.5, 1.9 + samples * step / 2, f"{samples} samples", rotation=90, fontsize=10)
            for sample, channel in np.ndindex(samples, channels):  # one number, or one feature map
                for row, column in np.ndindex(*((1, 1) if step == 1 else (side, side))):
                    left, top = x + channel * step + column / 2, 1.9 + sample * step + row / 2
                    fill = TINTS[sample if by_sample else channel]
                    draw_cell(ax, left, top, np.nan, fill, side=1.0 if step == 1 else 0.5)
            x += width + 1.9
