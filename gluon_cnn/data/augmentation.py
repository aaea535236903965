"""Image augmentation: random changes produce additional training images. Lesson 12."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from gluon_cnn._core.errors import translate_mxnet_errors
from mxnet import nd

Augmenter = Callable[[nd.NDArray], nd.NDArray]


def apply_aug_list(img: nd.NDArray, augs: Iterable[Augmenter]) -> nd.NDArray:
    """Apply one augmenter after the other to an image.

    Parameters
    ----------
    img : NDArray
        Shape (height, width, channels); bytes are converted to floats first. The image is not modified, although some
        of MXNet's augmenters modify their input.
    augs : iterable of callable
        As in :func:`apply`.

    Returns
    -------
    NDArray
        The output of the last augmenter, float32, not clipped.

    Notes
    -----
    From notes D, which use one list for training, with random changes, and one for testing, without.
    """
    img = check_image(img).astype("float32")  # a copy
    for aug in augs:
        with translate_mxnet_errors(f"{type(aug).__name__} does not take an image of shape {img.shape}"):
            img = aug(img)
            if not isinstance(img, nd.NDArray):
                raise TypeError(f"an augmenter must return the changed image, an NDArray; got {type(img).__name__}")
            img.wait_to_read()
    return img


def check_image(img: nd.NDArray) -> nd.NDArray:
    if not isinstance(img, nd.NDArray):
        raise TypeError(f"img must be an NDArray; got {type(img).__name__}: pass nd.array(img)")
    if img.ndim != 3 or img.shape[2] not in (1, 3) or not img.size:
        first = img.ndim == 3 and img.shape[0] in (1, 3)
        hint = ": pass img.transpose((1, 2, 0))" if first else ""
        raise ValueError(f"img must have shape (height, width, 1 or 3); got {img.shape}{hint}")
    return img
