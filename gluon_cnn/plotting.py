"""Pictures, curves and tables of a network, drawn in one style."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import matplotlib.pyplot as plt
import numpy as np
from gluon_cnn._checks import as_numbers
from matplotlib.ticker import MaxNLocator
from mxnet import nd

if TYPE_CHECKING:
    from gluon_cnn.networks.summary import Summary
    from gluon_cnn.training import History

__all__ = ["COLORS", "plot_confusion", "plot_history", "plot_shares", "show_images", "style"]

# Okabe and Ito's colours, which people with any form of colour blindness can tell apart.
COLORS = {
    "blue": "#0072B2",
    "orange": "#E69F00",
    "green": "#009E73",
    "red": "#D55E00",
    "sky": "#56B4E9",
    "grey": "#666666",
    "purple": "#CC79A7",
    "black": "#000000",
}

WIDEST = 9.0  # inches: what the site's column holds without making letters smaller

STYLE = {
    "axes.prop_cycle": plt.cycler(color=list(COLORS.values())),
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 12,
    "axes.labelsize": 11,
    "axes.grid": True,
    "axes.axisbelow": True,
    "figure.dpi": 100,
    "font.size": 11,
    "grid.alpha": 0.3,
    "image.cmap": "gray",
    "legend.frameon": False,
    "lines.linewidth": 2,
}


@contextmanager
def style() -> Iterator[None]:
    """Draw in the course's colours and sizes inside a ``with`` block; the user's own settings stay as they are."""
    with plt.rc_context(STYLE):
        yield


def show_images(
    images: Sequence[Any] | np.ndarray | nd.NDArray,
    num_rows: int,
    num_cols: int,
    figsize: tuple[float, float] | None = None,
    titles: Sequence[str] | None = None,
    title: str | None = None,
) -> None:
    """Show pictures in a grid, row by row.

    Parameters
    ----------
    images : sequence or array of pictures
        Each of shape (H, W), (H, W, 1), (H, W, 3), (1, H, W) or (3, H, W); bytes 0..255 or floats 0..1.
        The first ``num_rows * num_cols`` are shown; cells without a picture stay empty.
    num_rows, num_cols : int
        Size of the grid.
    figsize : (float, float), optional
        Width and height of the figure in inches. Default: 1.5 for a picture's longer side, with room for titles.
    titles : sequence of str, optional
        One a picture.
    title : str, optional
        Of the whole figure, which gets higher by it.

    Raises
    ------
    ValueError
        When a picture has another shape or the grid has no cell.
    """
    if num_rows < 1 or num_cols < 1:
        raise ValueError(f"num_rows and num_cols must be at least 1; got {num_rows} and {num_cols}")
    pictures = [as_picture(image) for image, _ in zip(images, range(num_rows * num_cols))]
    rows, columns = (max((p.shape[axis] for p in pictures), default=1) for axis in (0, 1))
    width, height = (1.5 * side / max(rows, columns) for side in (columns, rows))
    if titles is not None:
        width, height = max(width, 1.0), height + 0.25
    across, down = figsize or (width * num_cols, height * num_rows)
    with style():
        figure, axes = plt.subplots(
            num_rows,
            num_cols,
            figsize=(across, down + (0.3 if title else 0)),
            squeeze=False,
            layout="constrained",
        )
        if title:
            figure.suptitle(title, fontsize=plt.rcParams["axes.titlesize"])
        for i, ax in enumerate(axes.flat):
            if i >= len(pictures):
                ax.axis("off")
            else:
                ax.set(xticks=[], yticks=[])
                for spine in ax.spines.values():  # white pictures end somewhere
                    spine.set(visible=True, color=COLORS["grey"], linewidth=0.6)
                ax.imshow(pictures[i], vmin=0, vmax=255 if pictures[i].dtype.kind in "iu" else 1)
                if titles is not None and i < len(titles):
                    ax.set_title(titles[i], fontsize=10)
        show_figure()


def as_picture(image: Any) -> np.ndarray:
    """Return a picture as matplotlib takes it, (H, W) or (H, W, 3), from any of the shapes of :func:`show_images`."""
    pixels = as_numbers(image)
    if pixels.ndim == 3 and pixels.shape[0] in (1, 3) and pixels.shape[2] not in (1, 3):
        pixels = pixels.transpose(1, 2, 0)
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[:, :, 0]
    if pixels.ndim != 2 and not (pixels.ndim == 3 and pixels.shape[2] == 3):
        raise ValueError(f"a picture has shape (H, W), (H, W, 3) or (3, H, W); got {pixels.shape}")
    return pixels


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
        show_or_write(file)


def show_figure() -> None:
    """Show the current figure and close it, as pyplot would keep it; interactively (``plt.ion()``) its window stays."""
    figure = plt.gcf()
    plt.show()
    if not plt.isinteractive():
        plt.close(figure)


def show_or_write(file: str | Path | BinaryIO | None) -> None:
    """Show the current figure, or write it to a file; then close it."""
    if file is None:
        show_figure()
        return
    try:
        if isinstance(file, (str, Path)) and Path(file).is_dir():
            raise IsADirectoryError(f"{file} is a folder: name a file in it, such as curves.png")
        plt.savefig(file, dpi=150)
    finally:
        plt.close()


def plot_shares(table: Summary, title: str) -> None:
    """Draw which share of a network's parameters and of its FLOPs each layer or block has.

    Parameters
    ----------
    table : Summary
        What :func:`gluon_cnn.summary` returned; its rows without FLOPs, such as pooling, are left out.
    title : str
        Of the figure.
    """
    layers = [layer for layer in table.layers if layer.flops]
    names = [f"{layer.kind.replace('2D', '')} {layer.details[0]}" for layer in layers]
    x = np.arange(len(layers))
    with style():
        plt.figure(figsize=(max(6.0, min(0.8 * len(layers), WIDEST)), 3.4))
        plt.bar(x - 0.2, [layer.parameters / table.parameters for layer in layers], 0.4, label="share of the weights")
        plt.bar(x + 0.2, [layer.flops / table.flops for layer in layers], 0.4, label="share of the work (FLOPs)")
        plt.xticks(x, names, rotation=30, ha="right")
        plt.xlabel("layer with weights, its width")
        plt.ylabel("share")
        plt.title(title)
        plt.legend()
        show_figure()


def plot_confusion(labels: Any, predictions: Any, names: Sequence[str]) -> None:
    """Draw how often each class (row) was taken for each class (column).

    Parameters
    ----------
    labels, predictions : sequence of int, numpy.ndarray or NDArray
        Right and predicted class numbers, of one length; or of each image the probabilities or scores of all classes,
        of which the largest counts.
    names : sequence of str
        The classes' names, in the order of their numbers.
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
    commonest = np.argwhere(mistakes == mistakes.max())[:2]  # two that are equally common
    pairs = " and ".join(f"{names[true]} taken for {names[taken]}" for true, taken in commonest)
    sizes = np.unique(counts.sum(axis=1))
    with style():
        _, ax = plt.subplots(figsize=(6.6, 6), layout="constrained")
        ax.grid(False)
        ax.imshow(counts, cmap="Blues")
        for (row, column), count in np.ndenumerate(counts):
            if count:
                ax.text(
                    column, row, count, ha="center", va="center", color="white" if count > counts.max() / 2 else "black"
                )
        ax.set_xticks(range(len(names)), names, rotation=45, ha="right")
        ax.set_yticks(range(len(names)), names)
        title = "No mistakes" if not mistakes.any() else f"Most common: {pairs}"
        each = f" ({sizes[0]} pictures each)" if len(sizes) == 1 else ""
        ax.set(xlabel="predicted class", ylabel=f"true class{each}", title=title)
        show_figure()


def _class_numbers(name: str, values: Any, classes: int) -> np.ndarray:
    """Return class numbers as they are, and of rows of one value per class the position of the largest."""
    numbers = as_numbers(values)
    if numbers.ndim == 2 and numbers.shape[1] == classes and numbers.dtype.kind in "biuf":
        return numbers.argmax(axis=1)
    if numbers.ndim != 1 or numbers.dtype.kind not in "biuf" or (numbers != np.floor(numbers)).any():
        raise ValueError(
            f"{name} must be class numbers, or rows of {classes} probabilities or scores; got {numbers.dtype} of shape "
            f"{numbers.shape}"
        )
    return numbers.astype(int)
