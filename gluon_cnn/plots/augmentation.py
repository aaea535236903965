"""What an augmenter makes of an image, in a grid."""

from gluon_cnn._core.checks import check_int
from gluon_cnn.data.augmentation import Augmenter, apply_aug_list
from gluon_cnn.plots.images import show_images
from mxnet import nd


def apply(img: nd.NDArray, aug: Augmenter, n: int = 3, title: str | None = None) -> nd.NDArray:
    """Augment an image n * n times, show the results in an n by n grid, and return them.

    ``img`` has shape (height, width, channels) and values 0..255, bytes or floats, and is left unchanged. ``aug`` takes
    and returns an image of floats, such as ``mx.image.BrightnessJitterAug(0.5)``. The result has shape (n * n, height,
    width, channels), float32, clipped to 0..255 and divided by 255.
    """
    results = [apply_aug_list(img, [aug]) for _ in range(check_int("n", n, 1) ** 2)]
    sizes = sorted({result.shape for result in results})
    if len(sizes) > 1:
        raise ValueError(f"aug makes images of different sizes, such as {sizes[0]} and {sizes[-1]}: end with a crop")
    images = nd.stack(*results).clip(0, 255) / 255
    show_images(images, n, n, title=title)
    return images
