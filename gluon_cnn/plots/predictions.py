"""Confusion matrix and most confident mistakes."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import matplotlib.pyplot as plt
import numpy as np
from gluon_cnn._core.checks import as_numpy
from gluon_cnn.plots.images import show_in_rows
from gluon_cnn.plots.style import show_or_save, style


def show_mistakes(
    data: Iterable,
    labels: Any,
    probabilities: Any,
    names: Sequence[str],
    count: int = 10,
    images: Any = None,
    file: str | Path | BinaryIO | None = None,
) -> None:
    """Show the incorrect predictions with the highest probabilities, or write the figure to a file.

    The titles are the true class, the predicted class and its probability. ``labels`` and ``probabilities`` are the
    results of :func:`predict_batches` for the batches ``data``; ``names`` are the class names. ``images`` are all
    images, drawn instead of those in ``data``, which may be normalized.
    """
    labels, probabilities = as_numpy(labels), as_numpy(probabilities)
    predictions = probabilities.argmax(axis=1)
    wrong = (predictions != labels).nonzero()[0]
    surest = wrong[probabilities[wrong].max(axis=1).argsort()[::-1][:count]]
    if not len(surest):
        print("No mistakes")
        return
    if images is None:
        images = np.concatenate([as_numpy(X) for X, _ in data])
    found = [(names[int(labels[k])], names[predictions[k]], probabilities[k, predictions[k]]) for k in surest]
    titles = [f"{true}\nas {taken}, {probability:.0%}" for true, taken, probability in found]
    show_in_rows(images[surest], titles, in_a_row=5, height=2.0, file=file)


def plot_confusion(
    labels: Any, predictions: Any, names: Sequence[str], file: str | Path | BinaryIO | None = None
) -> None:
    """Draw how often each class (row) was predicted as each class (column): show the figure, or write it to a file.

    ``labels`` and ``predictions`` are class numbers, or rows of probabilities or scores, of which the largest counts;
    ``names`` are the class names.
    """
    if len(labels) != len(predictions):
        raise ValueError(f"labels and predictions differ in length: {len(labels)} and {len(predictions)}")
    labels = _class_numbers("labels", labels, len(names))
    predictions = _class_numbers("predictions", predictions, len(names))
    for number in (*labels, *predictions):
        if not 0 <= number < len(names):
            raise ValueError(f"there are names for the classes 0 to {len(names) - 1}; got class {number}")
    counts = np.zeros((len(names), len(names)), int)
    np.add.at(counts, (labels, predictions), 1)
    mistakes = counts - np.diag(np.diag(counts))
    commonest = np.argwhere(mistakes == mistakes.max())[:2]  # at most two pairs in case of ties
    pairs = " and ".join(f"{names[true]} taken for {names[taken]}" for true, taken in commonest)
    sizes = np.unique(counts.sum(axis=1))
    with style():
        _, ax = plt.subplots(figsize=(6.6, 6), layout="constrained")
        ax.grid(False)
        ax.imshow(counts, cmap="Blues")
        for (row, column), count in np.ndenumerate(counts):
            if count:
                color = "white" if count > counts.max() / 2 else "black"
                ax.text(column, row, count, ha="center", va="center", color=color)
        ax.set_xticks(range(len(names)), names, rotation=45, ha="right")
        ax.set_yticks(range(len(names)), names)
        title = "No mistakes" if not mistakes.any() else f"Most common: {pairs}"
        each = f" ({sizes[0]} images each)" if len(sizes) == 1 else ""
        ax.set(xlabel="predicted class", ylabel=f"true class{each}", title=title)
        show_or_save(file)


def _class_numbers(name: str, values: Any, classes: int) -> np.ndarray:
    """Return class numbers unchanged; for rows of one value per class, return the index of the largest."""
    numbers = as_numpy(values)
    if numbers.ndim == 2 and numbers.shape[1] == classes and numbers.dtype.kind in "biuf":
        return numbers.argmax(axis=1)
    if numbers.ndim != 1 or numbers.dtype.kind not in "biuf" or (numbers != np.floor(numbers)).any():
        got = f"{numbers.dtype} of shape {numbers.shape}"
        raise ValueError(f"{name} must be class numbers, or rows of {classes} probabilities or scores; got {got}")
    return numbers.astype(int)
