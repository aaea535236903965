"""What an augmenter makes of an image, in a grid."""

from __future__ import annotations

from gluon_cnn._core.checks import check_int
from gluon_cnn.data.augmentation import Augmenter, apply_aug_list
from gluon_cnn.plots.images import show_images
from mxnet import nd


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
    results = [apply_aug_list(img, [aug]) for _ in range(check_int("n", n, 1) ** 2)]
    sizes = sorted({result.shape for result in results})
    if len(sizes) > 1:
        raise ValueError(f"aug makes pictures of different sizes, such as {sizes[0]} and {sizes[-1]}: end with a crop")
    pictures = nd.stack(*results).clip(0, 255) / 255
    show_images(pictures, n, n, title=title)
    return pictures
