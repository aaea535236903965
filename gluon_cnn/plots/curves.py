"""Learning curves."""

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
    validation_loss: Sequence[float] = (),
    validation_accuracy: Sequence[float] = (),
) -> None:
    """Plot loss and accuracies, one value per epoch, and show the figure or write it to a file.

    With validation data, ``test_accuracy`` may be a single value, that of the best epoch.
    """
    if not len(loss):
        raise ValueError("there is nothing to plot: no epoch was completed")
    epochs = np.arange(1, len(loss) + 1)
    with style():
        _, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
        marks, other = {"marker": "o", "markersize": 4}, {"marker": "s", "markersize": 4, "linestyle": "--"}
        left.plot(epochs, loss, **marks, label="training images")
        left.set(title=f"Training loss ends at {loss[-1]:.3f}", xlabel="epoch", ylabel="mean loss per image")
        left.set_ylim(bottom=0)
        right.plot(epochs, train_accuracy, **marks, label="training images")
        right.set(xlabel="epoch", ylabel="accuracy")
        if not validation_accuracy:
            right.plot(epochs, test_accuracy, **other, label="test images")
            right.set_title(f"Test accuracy ends at {test_accuracy[-1]:.3f}")
        else:
            # ties go to the lowest loss
            best = int(np.lexsort((-np.array(validation_loss), np.array(validation_accuracy)))[-1]) + 1
            left.plot(epochs, validation_loss, **other, label="validation images")
            left.legend(loc="upper right")
            right.plot(epochs, validation_accuracy, **other, label="validation images")
            right.axvline(best, color="grey", linestyle=":", label=f"best epoch: {best}")
            tested = f"; test {test_accuracy[-1]:.3f}" if test_accuracy else ""
            right.set_title(f"Best validation accuracy {max(validation_accuracy):.3f}{tested}")
        right.legend(loc="lower right")
        for ax in (left, right):
            ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        show_or_save(file)


def plot_range_test(
    rates: Sequence[float], losses: Sequence[float], suggestion: float, file: str | Path | BinaryIO | None = None
) -> None:
    """Plot the smoothed loss against the learning rate, mark the suggested rate, and show or write the figure.

    The arguments are those of :class:`gluon_cnn.training.learning_rate.RangeTest`.
    """
    with style():
        _, ax = plt.subplots(figsize=(6, 3.4), layout="constrained")
        ax.plot(rates, losses)
        ax.axvline(suggestion, color="grey", linestyle=":")
        ax.set(xscale="log", xlabel="learning rate", ylabel="smoothed loss", title=f"Suggested rate: {suggestion:g}")
        ax.set_ylim(0, 1.2 * losses[0])
        show_or_save(file)
