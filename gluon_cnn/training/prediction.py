"""Predicted class probabilities."""

from __future__ import annotations

from collections.abc import Iterable

import mxnet as mx
import numpy as np
from gluon_cnn._core.checks import check_array, check_pair
from gluon_cnn._core.contexts import contexts_for, split_batch
from gluon_cnn._core.forward import check_finite, forward_logits
from gluon_cnn.data.augmentation import check_image
from mxnet import gluon, nd


def probabilities(net: gluon.Block, X: nd.NDArray) -> nd.NDArray:
    """Return class probabilities, float32 of shape (N, classes), for images on the context of ``net``."""
    return forward_logits(net, X).astype("float32", copy=False).softmax()


def predict_batches(data: Iterable, net: gluon.Block, ctx: mx.Context | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Return the true labels and the predicted probabilities of all images.

    Parameters
    ----------
    data : iterable of (X, y)
        Batches: X of shape (N, ...), y of shape (N,).
    net : Block
        The network, with output (N, classes), scores before softmax.
    ctx : Context, optional
        Where to compute. Default: the context of the network's parameters.

    Returns
    -------
    labels, probabilities : numpy.ndarray
        Shapes (N,) and (N, classes), in the order of the data.
    """
    contexts, found = contexts_for(net, ctx), []
    for number, batch in enumerate(data):
        for X, y in split_batch(batch, contexts):
            check_finite(f"the images of batch {number}", X)
            found.append((y.asnumpy(), probabilities(net, X).asnumpy()))  # read now, lest pending work fill the memory
    if not found:
        raise ValueError("data yielded no batches")
    labels, predicted = zip(*found)
    return np.concatenate(labels), np.concatenate(predicted)


def five_crop_predict(
    net: gluon.Block, img: nd.NDArray, size: int | tuple[int, int], ctx: mx.Context | None = None
) -> nd.NDArray:
    """Average the predictions for five crops of an image, the four corners and the centre.

    Parameters
    ----------
    net : Block
        The network, from (N, C, H, W) to scores before softmax, (N, classes).
    img : NDArray
        Floats of shape (height, width, channels), scaled like the training images.
    size : int or (int, int)
        Height and width of the crops in pixels.
    ctx : Context, optional
        Where to compute. Default: the context of the network's parameters.

    Returns
    -------
    NDArray
        The mean probabilities over the five crops, of shape (classes,).

    References
    ----------
    Krizhevsky, Sutskever and Hinton, ImageNet classification with deep convolutional neural networks, 2012, section
    4.1, who average ten crops: these five and their mirror images. The function's name and arguments are those of
    notes D.
    """
    img, (height, width) = check_array("img", check_image(img)), check_pair("size", size)
    below, right = img.shape[0] - height, img.shape[1] - width
    if below < 0 or right < 0:
        raise ValueError(
            f"crops of {height}x{width} do not fit into an image of {img.shape[0]}x{img.shape[1]}: enlarge it first"
        )
    corners = [(0, 0), (0, right), (below, 0), (below, right), (below // 2, right // 2)]
    crops = nd.stack(*(img[top : top + height, left : left + width] for top, left in corners))
    X = check_finite("img", crops).transpose((0, 3, 1, 2)).as_in_context(contexts_for(net, ctx)[0])
    return probabilities(net, X).mean(axis=0)
