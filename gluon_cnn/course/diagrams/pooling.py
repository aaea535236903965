"""Figures of lesson 02: windows that keep one number."""

from typing import Any

import numpy as np
from gluon_cnn._core.checks import as_numpy
from gluon_cnn.course.diagrams.cells import TINTS, arrow, canvas, draw_beside, write
from gluon_cnn.layers.pooling import pool2d
from mxnet import nd


def draw_pooling(X: Any, pool_size: int = 2, title: str | None = None) -> None:
    """Draw an image (H, W) in windows that touch, the largest value and the mean of each."""
    X = nd.array(X)
    largest, mean = (pool2d(X, pool_size, mode).asnumpy() for mode in ("max", "avg"))
    (height, width), (rows, columns), tints = X.shape, largest.shape, _tints(largest.shape)
    fills = np.full(X.shape, "#FFFFFF")
    fills[: rows * pool_size, : columns * pool_size] = _enlarge(tints, pool_size)
    with canvas(width + 2 * columns + 5.4, max(height, rows) + 1.2, title=title) as ax:
        middle, x = 0.9 + height / 2, width + 2.2
        draw_beside(ax, 0.2, middle, as_numpy(X), fills)
        arrow(ax, (x - 1.7, middle), (x - 0.3, middle))
        for name, values in (("maximum", largest), ("mean", mean)):
            write(ax, x + columns / 2, middle - rows / 2 - 0.45, name)
            x = draw_beside(ax, x, middle, values, tints) + 0.4


def draw_upsampling(X: Any, times: int = 2, title: str | None = None) -> None:
    """Draw how an image (H, W) grows by copying each pixel."""
    values = as_numpy(X)
    (height, width), fills = values.shape, _tints(values.shape)
    with canvas(width * (1 + times) + 2.4, height * times + 0.4, title=title) as ax:
        middle = 0.2 + height * times / 2
        draw_beside(ax, 0.2, middle, values, fills)
        arrow(ax, (width + 0.5, middle), (width + 1.9, middle))
        draw_beside(ax, width + 2.2, middle, _enlarge(values, times), _enlarge(fills, times))


def _enlarge(table: np.ndarray, times: int) -> np.ndarray:
    return table.repeat(times, 0).repeat(times, 1)


def _tints(shape: tuple[int, ...]) -> np.ndarray:
    """Return a table of colours in which neighbours differ."""
    return np.array([[TINTS[(i + 2 * j) % 4] for j in range(shape[1])] for i in range(shape[0])])
