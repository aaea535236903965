"""Figure of lesson 04: what dropout leaves."""

from __future__ import annotations

from typing import Any

import mxnet as mx
import numpy as np
from gluon_cnn._core.checks import as_numpy
from gluon_cnn.course.diagrams.cells import INPUT, OUTPUT, canvas, draw_cells, write
from gluon_cnn.layers.dropout import MODES, dropout
from gluon_cnn.plots.style import COLORS
from mxnet import nd


def draw_dropout(X: Any, p: float = 0.5, draws: int = 3, title: str | None = None) -> None:
    """Draw numbers, some random draws of dropout in training, and its prediction, for both modes.

    Parameters
    ----------
    X : NDArray
        Shape (H, W), without zeros.
    p : float
        Probability of a value to be dropped.
    draws : int
        How many masks are drawn, from mxnet's generator; both modes get the same.
    title : str, optional
        Of the figure.
    """
    X = nd.array(X)
    seed = int(nd.random.randint(0, 2**31 - 1).asscalar())
    height, width = X.shape
    step = width + 0.9
    with canvas((draws + 2) * step + 0.9, 2 * (height + 1.4) + 0.9, title=title) as ax:
        for row, mode in enumerate(MODES):
            y = 1.9 + row * (height + 1.4)
            mx.random.seed(seed)
            outputs = [dropout(X, p, mode=mode) for _ in range(draws)]
            tables = [X, *outputs, dropout(X, p, is_training=False, mode=mode)]
            titles = ["input", *[f"training, draw {k + 1}" for k in range(draws)], "prediction"]
            write(ax, 0.2, y - 0.6, mode, ha="left", fontsize=12, family="monospace")
            for k, (values, title) in enumerate(zip(map(as_numpy, tables), titles)):
                x = 0.2 + k * step
                dropped = values == 0
                fills = np.where(dropped, "#FFFFFF", INPUT if k == 0 else OUTPUT)
                draw_cells(ax, x, y, np.where(dropped, np.nan, values), fills)
                for i, j in zip(*np.nonzero(dropped)):
                    ax.plot([x + j, x + j + 1], [y + i, y + i + 1], color=COLORS["red"], linewidth=1.2)
                    ax.plot([x + j, x + j + 1], [y + i + 1, y + i], color=COLORS["red"], linewidth=1.2)
                if row == 0:
                    write(ax, x + width / 2, 0.4, title, fontsize=10)
