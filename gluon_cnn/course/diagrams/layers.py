"""Figures of lessons 02 to 04: pooling, normalization, dropout."""

from typing import Any

import mxnet as mx
import numpy as np
from gluon_cnn._core.checks import as_numpy
from gluon_cnn.course.diagrams.cells import EMPTY, INPUT, OUTPUT, TINTS, canvas
from gluon_cnn.layers.dropout import MODES, dropout
from gluon_cnn.layers.pooling import pool2d
from gluon_cnn.plots.style import COLORS
from mxnet import nd


def draw_pooling(X: Any, pool_size: int = 2, title: str | None = None) -> None:
    """Draw an image (H, W) divided into adjacent windows, with the maximum and the mean of each."""
    X = nd.array(X)
    largest, mean = (pool2d(X, pool_size, mode).asnumpy() for mode in ("max", "avg"))
    (height, width), (rows, columns), tints = X.shape, largest.shape, _tints(largest.shape)
    fills = np.full(X.shape, EMPTY)
    fills[: rows * pool_size, : columns * pool_size] = _enlarge(tints, pool_size)
    with canvas(width + 2 * columns + 5.4, max(height, rows) + 1.2, title=title) as c:
        middle, x = 0.9 + height / 2, width + 2.2
        c.beside(0.2, middle, as_numpy(X), fills)
        c.arrow((x - 1.7, middle), (x - 0.3, middle))
        for name, values in (("maximum", largest), ("mean", mean)):
            c.write(x + columns / 2, middle - rows / 2 - 0.45, name)
            x = c.beside(x, middle, values, tints) + 0.4


def draw_upsampling(X: Any, times: int = 2, title: str | None = None) -> None:
    """Draw how an image (H, W) is enlarged by copying each pixel."""
    values = as_numpy(X)
    (height, width), fills = values.shape, _tints(values.shape)
    with canvas(width * (1 + times) + 2.4, height * times + 0.4, title=title) as c:
        middle = 0.2 + height * times / 2
        c.beside(0.2, middle, values, fills)
        c.arrow((width + 0.5, middle), (width + 1.9, middle))
        c.beside(width + 2.2, middle, _enlarge(values, times), _enlarge(fills, times))


def _enlarge(table: np.ndarray, times: int) -> np.ndarray:
    return table.repeat(times, 0).repeat(times, 1)


def _tints(shape: tuple[int, ...]) -> np.ndarray:
    """Return a table of colours in which neighbouring cells differ."""
    return np.array([[TINTS[(i + 2 * j) % 4] for j in range(shape[1])] for i in range(shape[0])])


def draw_norm_axes(samples: int = 3, channels: int = 4, side: int = 3, title: str | None = None) -> None:
    """Draw, in the same colour, the numbers that batch norm and layer norm normalize together.

    ``samples`` and ``channels`` are at most 6, the number of colours; ``side`` is the side length of a feature map.
    """
    if not 1 <= min(samples, channels) <= max(samples, channels) <= len(TINTS):
        raise ValueError(f"samples and channels must be 1 to {len(TINTS)}; got {samples} and {channels}")
    map_step = side * 0.5 + 0.3
    with canvas(2 * (channels * map_step + 1.6) - 0.2, samples * (1 + map_step) + 4.2, inches=0.34, title=title) as c:
        for by_map, by_sample in np.ndindex(2, 2):  # above, one number for each cell; below, feature maps
            step = map_step if by_map else 1.0
            width = channels * step
            x = 1.3 + by_sample * (channels * map_step + 1.6) + (channels * map_step - width) / 2
            y = 2 + by_map * (samples + 2)
            if not by_map:
                c.write(x + width / 2, 0.5, "layer norm" if by_sample else "batch norm", fontsize=12)
            c.write(x + width / 2, y - 0.5, f"{channels} {'channels' if by_map else 'features'}", fontsize=10)
            c.write(x - 0.5, y + samples * step / 2, f"{samples} samples", rotation=90, fontsize=10)
            for sample, channel in np.ndindex(samples, channels):  # one number, or one feature map
                for row, column in np.ndindex(*((side, side) if by_map else (1, 1))):
                    left, top = x + channel * step + column / 2, y + sample * step + row / 2
                    fill = TINTS[sample if by_sample else channel]
                    c.cell(left, top, np.nan, fill, side=0.5 if by_map else 1.0)


def draw_dropout(X: Any, p: float = 0.5, draws: int = 3, title: str | None = None) -> None:
    """Draw nonzero numbers (H, W), random draws of dropout in training, and its output in prediction, in both modes.

    The masks come from MXNet's generator; both modes use the same ones.
    """
    X = nd.array(X)
    seed = int(nd.random.randint(0, 2**31 - 1).asscalar())
    height, width = X.shape
    names = ["input", *(f"training, draw {k + 1}" for k in range(draws)), "prediction"]
    with canvas(len(names) * (width + 0.9) + 0.9, 2 * (height + 1.4) + 0.9, title=title) as c:
        for row, mode in enumerate(MODES):
            y = 1.9 + row * (height + 1.4)
            mx.random.seed(seed)
            outputs = [dropout(X, p, mode=mode) for _ in range(draws)]
            c.write(0.2, y - 0.6, mode, ha="left", fontsize=12, family="monospace")
            for k, table in enumerate((X, *outputs, dropout(X, p, is_training=False, mode=mode))):
                x, values = 0.2 + k * (width + 0.9), as_numpy(table)
                fills = np.where(values == 0, EMPTY, INPUT if k == 0 else OUTPUT)
                c.cells(x, y, np.where(values == 0, np.nan, values), fills)
                for i, j in zip(*np.nonzero(values == 0)):
                    for rise in ([i, i + 1], [i + 1, i]):
                        c.ax.plot([x + j, x + j + 1], np.add(y, rise), color=COLORS["red"], linewidth=1.2)
                if row == 0:
                    c.write(x + width / 2, 0.4, names[k], fontsize=10)
