"""Learning curves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import matplotlib.pyplot as plt
import numpy as np
from gluon_cnn.plots.style import show_or_save, style
from matplotlib.ticker import MaxNLocator


def plot_history(
    loss: Sequence[float],
    train_accuracy: Sequence[float],
    test_accuracy: Sequence[float],
    file: str | Path | BinaryIO | None = None,
) -> None:
    """Plot loss and accuracies, one value per epoch: show the figure, or write it to a file."""
    if not len(loss):
        raise ValueError("there is nothing to plot: no epoch was finished")
    epochs = np.arange(1, len(loss) + 1)
    with style():
        _, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
        left.plot(epochs, loss, marker="o", markersize=4)
        left.set(title=f"Training loss ends at {loss[-1]:.3f}", xlabel="epoch", ylabel="mean loss per image")
        left.set_ylim(bottom=0)
        right.plot(epochs, train_accuracy, marker="o", markersize=4, label="training images")
        right.plot(epochs, test_accuracy, marker="s", markersize=4, linestyle="--", label="test images")
        right.set(title=f"Test accuracy ends at {test_accuracy[-1]:.3f}", xlabel="epoch", ylabel="accuracy")
        right.legend(loc="lower right")
        for ax in (left, right):
            ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        show_or_save(file)
