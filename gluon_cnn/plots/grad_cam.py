"""Grad-CAM: which part of an image supports a class."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import matplotlib.pyplot as plt
import numpy as np
from gluon_cnn._core.block import changed_inside
from gluon_cnn._core.checks import as_numpy
from gluon_cnn._core.forward import forward_logits
from gluon_cnn.data.resizing import resize
from gluon_cnn.plots.images import as_image
from gluon_cnn.plots.style import MAX_WIDTH, show_or_save, style
from mxnet import autograd, gluon, nd


def show_grad_cam(
    net: gluon.Block,
    X: nd.NDArray,
    names: Sequence[str],
    labels: Sequence[int] | None = None,
    images: Sequence[Any] | np.ndarray | None = None,
    file: str | Path | BinaryIO | None = None,
) -> None:
    """Show images with the heat maps of :func:`grad_cam` over them, or write the figure to a file.

    ``X`` are up to five images as the network takes them, ``names`` the names of all classes; ``labels`` are the
    classes to explain, by default the predicted ones. ``images`` are drawn under the maps instead of ``X``, which may
    be normalized.
    """
    scores = forward_logits(net, X).softmax().asnumpy()
    chosen = scores.argmax(axis=1) if labels is None else np.asarray(labels)
    heats = grad_cam(net, X, chosen)
    with style():
        size = (MAX_WIDTH * max(len(X), 2) / 5, 2.4)
        _, axes = plt.subplots(1, len(X), figsize=size, squeeze=False, layout="constrained")
        shown = as_numpy(X) if images is None else images
        for ax, image, heat, label, row in zip(axes.flat, shown, heats, chosen, scores):
            box = (0, X.shape[3], X.shape[2], 0)
            ax.imshow(as_image(image), extent=box)
            ax.imshow(heat, cmap="inferno", alpha=0.55, vmin=0, vmax=1, extent=box)
            ax.set(xticks=[], yticks=[])
            ax.set_title(f"{names[int(label)]} {row[int(label)]:.0%}", fontsize=10)
        show_or_save(file)


def grad_cam(net: gluon.Block, X: nd.NDArray, labels: Sequence[int] | np.ndarray | None = None) -> np.ndarray:
    """Return heat maps, (N, H, W) in 0..1: how much each position of an image raises the score of a class.

    ``X`` are images as the network takes them, (N, C, H, W); ``labels`` are one class number per image, by default the
    predicted classes. A heat map is the sum of the last feature maps larger than 1x1, each weighted by
    the mean gradient of the score, with negative values set to 0, and resized to the image.

    Source: Selvaraju and others, Grad-CAM: visual explanations from deep networks via gradient-based localization,
    2017.
    """
    if isinstance(net, gluon.SymbolBlock):
        raise TypeError("a quantized network is a graph and has no gradients: pass the network it was made from")
    outputs: list[Any] = []
    with _hooked(net, outputs.append):
        scores = forward_logits(net, X)
    spatial = [k for k, y in enumerate(outputs) if getattr(y, "ndim", 0) == 4 and y.shape[2] * y.shape[3] > 1]
    if not spatial:
        raise ValueError(f"{type(net).__name__} has no feature maps larger than 1x1")
    classes = scores.argmax(axis=1) if labels is None else nd.array(labels, ctx=X.context)
    seen: list[Any] = []

    def remember(output: Any) -> None:
        if len(seen) == spatial[-1]:
            output.attach_grad()  # from here on the graph begins with these feature maps
        seen.append(output)

    with _hooked(net, remember), autograd.record(train_mode=False):
        score = net(X).pick(classes).sum()
    score.backward()
    maps = seen[spatial[-1]]
    weights = maps.grad.mean(axis=(2, 3), keepdims=True)
    heat = (weights * maps).sum(axis=1).relu().astype("float32").asnumpy()
    heat /= np.maximum(heat.max(axis=(1, 2), keepdims=True), 1e-12)
    return resize(heat, X.shape[2:])


@contextmanager
def _hooked(net: gluon.Block, see: Callable[[Any], None]) -> Iterator[None]:
    """Call ``see`` with the output of each block of the network, in the order in which they are computed."""
    handles: list[Any] = []
    net.apply(lambda block: handles.append(block.register_forward_hook(lambda _block, _inputs, output: see(output))))
    try:
        with changed_inside(net, _active=False):  # not hybridized, so that each hook is called
            yield
    finally:
        for handle in handles:
            handle.detach()
