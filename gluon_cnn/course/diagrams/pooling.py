"""Figures of lesson 02: windows that keep one number."""

from __future__ import annotations

from typing import Any

import numpy as np
from gluon_cnn._core.checks import as_numpy
from gluon_cnn.course.diagrams.cells import TINTS, arrow, canvas, draw_cells, write
from gluon_cnn.layers.pooling import pool2d
from mxnet import nd


def draw_pooling(X: Any, pool_size: int = 2, title: str | None = None) -> None:
    """Draw a picture in windows that touch, the largest value and the mean of each.

    Parameters
    ----------
    X : NDArray
        Picture, shape (H, W).
    pool_size : int
        Side of a window, and the stride.
    title : str, optional
        Of the figure.
    """
    X = nd.array(X)
    largest, mean = (pool2d(X, pool_size, mode).asnumpy() for mode in ("max", "avg"))
    tints = _tints(largest.shape)
    whole = np.full(X.shape, "#FFFFFF")
    whole[: largest.shape[0] * pool_size, : largest.shape[1] * pool_size] = tints.repeat(pool_size, 0).repeat(
        pool_size, 1
    )
    height, width = X.shape
    rows, columns = largest.shape
    with canvas(width + 2 * columns + 5.4, max(height, rows) + 1.2, title=title) as ax:
        middle = 0.9 + height / 2
        draw_cells(ax, 0.2, 0.9, as_numpy(X), whole)
        x = width + 2.2
        arrow(ax, (x - 1.7, middle), (x - 0.3, middle))
        for name, values in (("maximum", largest), ("mean", mean)):
            draw_cells(ax, x, middle - rows / 2, values, tints)
            write(ax, x + columns / 2, middle - rows / 2 - 0.45, name)
            x += columns + 1.6


def draw_upsampling(X: Any, times: int = 2, title: str | None = None) -> None:
    """Draw how a picture grows by copying each pixel.

    Parameters
    ----------
    X : NDArray
        Picture, shape (H, W).
    times : int
        Copies down and to the right.
    title : str, optional
        Of the figure.
    """
    values = as_numpy(X)
    large = values.repeat(times, 0).repeat(times, 1)
    fills = _tints(values.shape)
    with canvas(values.shape[1] + large.shape[1] + 2.4, large.shape[0] + 0.4, title=title) as ax:
        middle = 0.2 + large.shape[0] / 2
        draw_cells(ax, 0.2, middle - values.shape[0] / 2, values, fills)
        arrow(ax, (values.shape[1] + 0.5, middle), (values.shape[1] + 1.9, middle))
        draw_cells(ax, values.shape[1] + 2.2, 0.2, large, fills.repeat(times, 0).repeat(times, 1))


def _tints(shape: tuple[int, ...]) -> np.ndarray:
    """Return a table of colours in which neighbours differ."""
    return np.array([[TINTS[(i + 2 * j) % 4] for j in range(shape[1])] for i in range(shape[0])])
