"""Probabilities that a trained network predicts."""

from __future__ import annotations

from collections.abc import Iterable

import mxnet as mx
import numpy as np
from gluon_cnn._core.checks import check_array, check_pair
from gluon_cnn._core.contexts import contexts_for, split_batch
from gluon_cnn._core.forward import check_finite, forward_logits
from gluon_cnn.data.augmentation import check_image
from mxnet import gluon, nd


def predict_batches(data: Iterable, net: gluon.Block, ctx: mx.Context | None = None) -> tuple[np.ndarray, np.ndarray]:
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
        for X, y in split_batch(batch, contexts):
            check_finite(f"the pictures of batch {number}", X)
            # read at once: without any wait all of the data would be queued in memory
            answers.append((y.asnumpy(), forward_logits(net, X).astype("float32", copy=False).softmax().asnumpy()))
    if not answers:
        raise ValueError("data gave no batch")
    labels, probabilities = zip(*answers)
    return np.concatenate(labels), np.concatenate(probabilities)


def five_crop_predict(
    net: gluon.Block, img: nd.NDArray, size: int | tuple[int, int], ctx: mx.Context | None = None
) -> nd.NDArray:
    """Return the mean prediction for five crops of a picture: its four corners and its centre.

    Parameters
    ----------
    net : Block
        Takes (N, C, H, W) and gives scores before the softmax, (N, classes).
    img : NDArray
        Shape (height, width, channels), floats, scaled as those the network was trained on.
    size : int or (int, int)
        Height and width of the crops in pixels.
    ctx : Context, optional
        Where to compute. Default: where the network's parameters are.

    Returns
    -------
    NDArray
        Shape (classes,): the mean of the five crops' probabilities.

    Raises
    ------
    TypeError
        When ``img`` is no NDArray of floats, or ``net`` no network.
    ValueError
        When ``img`` is no picture, holds NaN or infinity, or is smaller than the crops; or the network does not take
        the crops, is not initialized, or not on ``ctx``.

    References
    ----------
    Krizhevsky, Sutskever and Hinton, ImageNet classification with deep convolutional neural networks, 2012, section
    4.1, who average ten: these five and their mirror images. Name and arguments are those of notes D.
    """
    img, (height, width) = check_array("img", check_image(img)), check_pair("size", size)
    below, right = img.shape[0] - height, img.shape[1] - width
    if below < 0 or right < 0:
        raise ValueError(
            f"crops of {height}x{width} do not fit into a picture of {img.shape[0]}x{img.shape[1]}: enlarge it first"
        )
    places = [(0, 0), (0, right), (below, 0), (below, right), (below // 2, right // 2)]
    crops = nd.stack(*(img[top : top + height, left : left + width] for top, left in places))
    X = check_finite("img", crops).transpose((0, 3, 1, 2)).as_in_context(contexts_for(net, ctx)[0])
    return forward_logits(net, X).softmax().mean(axis=0)
