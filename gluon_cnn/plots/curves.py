"""Learning curves."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import matplotlib.pyplot as plt
import numpy as np
from gluon_cnn.plots.style import show_or_save, style
from gluon_cnn.training.history import History
from matplotlib.ticker import MaxNLocator


def plot_history(history: History, file: str | Path | BinaryIO | None = None) -> None:
    """Plot loss and accuracies of a training over its epochs: show them, or write them to a file."""
    if not len(history):
        raise ValueError("there is nothing to plot: no epoch was finished")
    epochs = np.arange(1, len(history) + 1)
    with style():
        _, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
        left.plot(epochs, history.loss, marker="o", markersize=4)
        left.set(title=f"Training loss ends at {history.loss[-1]:.3f}", xlabel="epoch", ylabel="mean loss of a picture")
        left.set_ylim(bottom=0)
        right.plot(epochs, history.train_accuracy, marker="o", markersize=4, label="training pictures")
        right.plot(epochs, history.test_accuracy, marker="s", markersize=4, linestyle="--", label="test pictures")
        right.set(title=f"Test accuracy ends at {history.test_accuracy[-1]:.3f}", xlabel="epoch", ylabel="accuracy")
        right.legend(loc="lower right")
        for ax in (left, right):
            ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        show_or_save(file)
