"""Figure of lesson 04: what dropout leaves."""

from typing import Any

import mxnet as mx
import numpy as np
from gluon_cnn._core.checks import as_numpy
from gluon_cnn.course.diagrams.cells import INPUT, OUTPUT, canvas, draw_cells, write
from gluon_cnn.layers.dropout import MODES, dropout
from gluon_cnn.plots.style import COLORS
from mxnet import nd


def draw_dropout(X: Any, p: float = 0.5, draws: int = 3, title: str | None = None) -> None:
    """Draw numbers (H, W), none of them 0, some random draws of dropout in training, and its prediction, in both modes.

    The masks come from MXNet's generator; both modes get the same.
    """
    X = nd.array(X)
    seed = int(nd.random.randint(0, 2**31 - 1).asscalar())
    height, width = X.shape
    names = ["input", *(f"training, draw {k + 1}" for k in range(draws)), "prediction"]
    with canvas(len(names) * (width + 0.9) + 0.9, 2 * (height + 1.4) + 0.9, title=title) as ax:
        for row, mode in enumerate(MODES):
            y = 1.9 + row * (height + 1.4)
            mx.random.seed(seed)
            outputs = [dropout(X, p, mode=mode) for _ in range(draws)]
            write(ax, 0.2, y - 0.6, mode, ha="left", fontsize=12, family="monospace")
            for k, table in enumerate((X, *outputs, dropout(X, p, is_training=False, mode=mode))):
                x, values = 0.2 + k * (width + 0.9), as_numpy(table)
                fills = np.where(values == 0, "#FFFFFF", INPUT if k == 0 else OUTPUT)
                draw_cells(ax, x, y, np.where(values == 0, np.nan, values), fills)
                for i, j in zip(*np.nonzero(values == 0)):
                    for rise in ([i, i + 1], [i + 1, i]):
                        ax.plot([x + j, x + j + 1], np.add(y, rise), color=COLORS["red"], linewidth=1.2)
                if row == 0:
                    write(ax, x + width / 2, 0.4, names[k], fontsize=10)
