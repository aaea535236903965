"""Image augmentation: a picture that was changed at random is one more picture to learn from. Lesson 12."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Callable

import mxnet as mx
from gluon_cnn._checks import finite, floats, in_our_words, pair, scores_of, whole
from gluon_cnn.plotting import show_images
from gluon_cnn.training import contexts_for
from mxnet import gluon, nd

__all__ = ["apply", "apply_aug_list", "five_crop_predict"]

Augmenter = Callable[[nd.NDArray], nd.NDArray]


def apply(img: nd.NDArray, aug: Augmenter, n: int = 3, title: str | None = None) -> nd.NDArray:
    """Augment a picture n * n times and show the results in an n by n grid.

    Parameters
    ----------
    img : NDArray
        Shape (height, width, channels), values 0..255, bytes or floats; it is left as it is.
    aug : callable
        Takes and returns a picture of floats, such as ``mx.image.BrightnessJitterAug(0.5)``.
    n : int
        Rows and columns of the grid, at least 1.
    title : str, optional
        Of the grid.

    Returns
    -------
    NDArray
        Shape (n * n, height, width, channels), float32: the results, clipped to 0..255 and divided by 255.

    Raises
    ------
    TypeError
        When ``img`` is no NDArray, ``n`` no whole number, or ``aug`` returns no NDArray.
    ValueError
        When ``img`` is no picture, or the results differ in size.

    Notes
    -----
    Name and arguments are those of notes A. The order matters: changed bytes would start again at 0 above 255, and
    floats that left 0..255 have to be clipped before they can be shown.
    """
    results = [apply_aug_list(img, [aug]) for _ in range(whole("n", n, 1) ** 2)]
    sizes = sorted({result.shape for result in results})
    if len(sizes) > 1:
        raise ValueError(f"aug makes pictures of different sizes, such as {sizes[0]} and {sizes[-1]}: end with a crop")
    pictures = nd.stack(*results).clip(0, 255) / 255
    show_images(pictures, n, n, title=title)
    return pictures


def apply_aug_list(img: nd.NDArray, augs: Iterable[Augmenter]) -> nd.NDArray:
    """Return a picture after one augmenter after the other.

    Parameters
    ----------
    img : NDArray
        Shape (height, width, channels); bytes are converted to floats first. It is left as it is, although some of
        mxnet's augmenters change the array they get.
    augs : iterable of callable
        As in :func:`apply`.

    Returns
    -------
    NDArray
        float32; what the last augmenter made, not clipped.

    Raises
    ------
    TypeError, ValueError
        When ``img`` is no NDArray or no picture, or an augmenter returns no NDArray.

    Notes
    -----
    Name and arguments are those of notes D, which have one list for training, with random changes, and one for tests,
    without.
    """
    img = _check(img).astype("float32")  # a copy
    for aug in augs:
        with in_our_words(f"{type(aug).__name__} does not take a picture of shape {img.shape}"):
            img = aug(img)
            if not isinstance(img, nd.NDArray):
                raise TypeError(f"an augmenter must return the changed picture, an NDArray; got {type(img).__name__}")
            img.wait_to_read()
    return img


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
    img, (height, width) = floats("img", _check(img)), pair("size", size)
    below, right = img.shape[0] - height, img.shape[1] - width
    if below < 0 or right < 0:
        raise ValueError(
            f"crops of {height}x{width} do not fit into a picture of {img.shape[0]}x{img.shape[1]}: enlarge it first"
        )
    places = [(0, 0), (0, right), (below, 0), (below, right), (below // 2, right // 2)]
    crops = nd.stack(*(img[top : top + height, left : left + width] for top, left in places))
    X = finite("img", crops).transpose((0, 3, 1, 2)).as_in_context(contexts_for(net, ctx)[0])
    return scores_of(net, X).softmax().mean(axis=0)


def _check(img: nd.NDArray) -> nd.NDArray:
    if not isinstance(img, nd.NDArray):
        raise TypeError(f"img must be an NDArray; got {type(img).__name__}: pass nd.array(img)")
    if img.ndim != 3 or img.shape[2] not in (1, 3) or not img.size:
        first = img.ndim == 3 and img.shape[0] in (1, 3)
        hint = ": pass img.transpose((1, 2, 0))" if first else ""
        raise ValueError(f"img must have shape (height, width, 1 or 3); got {img.shape}{hint}")
    return img
