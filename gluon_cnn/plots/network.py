"""Figures of a network: its layers' shares of the cost, its filters, its feature maps."""

import matplotlib.pyplot as plt
import numpy as np
from gluon_cnn._core.checks import as_numpy
from gluon_cnn.networks.summary import Summary
from gluon_cnn.plots.images import show_images, show_in_rows
from gluon_cnn.plots.style import MAX_WIDTH, show_figure, style
from mxnet import nd


def show_filters(weights: nd.NDArray, num_rows: int, num_cols: int, title: str | None = None) -> None:
    """Show the kernels of a first convolution, (filters, 1 or 3, height, width), each scaled by its largest weight.

    Negative weights are dark, zero is grey, positive weights are bright.
    """
    filters = as_numpy(weights)
    filters = 0.5 + 0.5 * filters / np.abs(filters).max(axis=(1, 2, 3), keepdims=True)
    filters = filters.transpose(0, 2, 3, 1)  # so that a 3x3 kernel is not mistaken for three channels
    show_images(filters, num_rows, num_cols, figsize=(0.55 * num_cols, 0.6 * num_rows), title=title)


def show_feature_maps(
    maps: nd.NDArray, image: nd.NDArray, count: int = 11, title: str = "input", name: str = "map"
) -> None:
    """Show an image and its ``count`` strongest feature maps, each scaled by its largest value.

    The feature maps have shape (channels, height, width), the image any shape of :func:`gluon_cnn.show_images`;
    ``title`` is the title of the image, ``name`` precedes the number of each feature map.
    """
    values = as_numpy(maps)
    peaks = values.max(axis=(1, 2))
    strongest = peaks.argsort()[::-1][:count]
    shown = [np.maximum(values[k], 0) / max(peaks[k], 1e-12) for k in strongest]
    titles = [title, *(f"{name} {k}" for k in strongest)]
    show_in_rows([image, *shown], titles, in_a_row=6, height=1.7)


def plot_shares(table: Summary, title: str) -> None:
    """Plot the share of parameters and FLOPs for each layer or block of :func:`summary` that has FLOPs."""
    layers = [layer for layer in table.layers if layer.flops]
    names = [f"{layer.kind.replace('2D', '')} {layer.details[0]}" for layer in layers]
    x = np.arange(len(layers))
    with style():
        plt.figure(figsize=(max(6.0, min(0.8 * len(layers), MAX_WIDTH)), 3.4))
        plt.bar(x - 0.2, [layer.parameters / table.parameters for layer in layers], 0.4, label="share of the weights")
        plt.bar(x + 0.2, [layer.flops / table.flops for layer in layers], 0.4, label="share of the work (FLOPs)")
        plt.xticks(x, names, rotation=30, ha="right")
        plt.gca().set(xlabel="layer with weights and its width", ylabel="share", title=title)
        plt.legend()
        show_figure()
