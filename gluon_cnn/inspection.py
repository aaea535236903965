"""Looking inside a trained network: its filters, its feature maps, its answers and worst mistakes, what it needs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import mxnet as mx
import numpy as np
from gluon_cnn._checks import as_numbers, finite, scores_of
from gluon_cnn.plotting import WIDEST, show_images
from gluon_cnn.training import contexts_for, split
from mxnet import gluon, nd

__all__ = ["predict", "restored", "show_filters", "show_maps", "show_mistakes"]


def predict(data: Iterable, net: gluon.Block, ctx: mx.Context | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Return the right labels and the predicted probabilities of all pictures.

    Parameters
    ----------
    data : iterable of (X, y)
        Batches: X of shape (N, ...), y of shape (N,).
    net : Block
        The network; output (N, classes), scores before the softmax.
    ctx : Context, optional
        Where to compute. Default: where the network's parameters are.

    Returns
    -------
    labels, probabilities : numpy.ndarray
        Shapes (N,) and (N, classes), in the order of the data.

    Raises
    ------
    ValueError
        When ``data`` gives no batch, or pictures that hold NaN or infinity or that the network does not take, or the
        network is not initialized, or not on ``ctx``.
    TypeError
        When ``data`` does not consist of pairs (X, y), or ``net`` is no network.
    """
    contexts, answers = contexts_for(net, ctx), []
    for number, batch in enumerate(data):
        for X, y in split(batch, contexts):
            finite(f"the pictures of batch {number}", X)
            # read at once: without any wait all of the data would be queued in memory
            answers.append((y.asnumpy(), scores_of(net, X).astype("float32", copy=False).softmax().asnumpy()))
    if not answers:
        raise ValueError("data gave no batch")
    labels, probabilities = zip(*answers)
    return np.concatenate(labels), np.concatenate(probabilities)


@contextmanager
def restored(parameters: Iterable[gluon.Parameter]) -> Iterator[None]:
    """Inside a ``with`` block parameters may be changed, to see what becomes of the network; then they are put back."""
    saved = [(parameter, parameter.data(parameter.list_ctx()[0]).copy()) for parameter in parameters]
    try:
        yield
    finally:
        for parameter, values in saved:
            parameter.set_data(values)


def show_filters(weights: nd.NDArray, num_rows: int, num_cols: int, title: str | None = None) -> None:
    """Show a first convolution's kernels: dark is negative, grey zero, bright positive, each scaled by its largest.

    Parameters
    ----------
    weights : NDArray
        Shape (filters, 1 or 3, height, width).
    num_rows, num_cols : int
        Size of the grid.
    title : str, optional
        Of the figure.
    """
    filters = as_numbers(weights)
    filters = 0.5 + 0.5 * filters / np.abs(filters).max(axis=(1, 2, 3), keepdims=True)
    filters = filters.transpose(0, 2, 3, 1)  # a window of 3x3 must not be taken for three colours
    show_images(filters, num_rows, num_cols, figsize=(0.55 * num_cols, 0.6 * num_rows), title=title)


def show_maps(maps: nd.NDArray, picture: nd.NDArray, count: int = 11, title: str = "input", name: str = "map") -> None:
    """Show a picture and where its strongest feature maps see something, each scaled by its largest value.

    Parameters
    ----------
    maps : NDArray
        Shape (channels, height, width).
    picture : NDArray
        What the maps were made from, in one of the shapes of :func:`gluon_cnn.show_images`.
    count : int
        How many maps, the strongest first.
    title : str
        Of the picture.
    name : str
        Stands before each map's number.
    """
    values = as_numbers(maps)
    peaks = values.max(axis=(1, 2))
    strongest = peaks.argsort()[::-1][:count]
    shown = [np.maximum(values[k], 0) / max(peaks[k], 1e-12) for k in strongest]
    titles = [title, *(f"{name} {k}" for k in strongest)]
    _show_in_rows([picture, *shown], titles, in_a_row=6, height=1.7)


def show_mistakes(data: Iterable, labels: Any, probabilities: Any, names: Sequence[str], count: int = 10) -> None:
    """Show the wrong answers that the network was surest of, with the right class and the predicted one.

    Parameters
    ----------
    data : iterable of (X, y)
        The batches that :func:`predict` got, in the same order.
    labels, probabilities
        What it returned.
    names : sequence of str
        The classes' names, in the order of their numbers.
    count : int
        How many pictures at most.
    """
    labels, probabilities = as_numbers(labels), as_numbers(probabilities)
    predictions = probabilities.argmax(axis=1)
    wrong = (predictions != labels).nonzero()[0]
    surest = wrong[probabilities[wrong].max(axis=1).argsort()[::-1][:count]]
    if not len(surest):
        print("No mistakes")
        return
    pictures = np.concatenate([as_numbers(X) for X, _ in data])
    titles = [f"{names[int(labels[k])]}\nas {names[predictions[k]]}" for k in surest]
    _show_in_rows(pictures[surest], titles, in_a_row=5, height=2.0)


def _show_in_rows(pictures: Sequence[Any], titles: Sequence[str], in_a_row: int, height: float) -> None:
    """Show pictures with titles in rows that are as wide as a page."""
    rows = -(-len(titles) // in_a_row)
    columns = min(in_a_row, len(titles))
    show_images(pictures, rows, columns, figsize=(WIDEST * columns / in_a_row, height * rows), titles=titles)
