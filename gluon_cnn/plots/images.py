"""Images in a grid."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import matplotlib.pyplot as plt
import numpy as np
from gluon_cnn._core.checks import as_numpy, check_int
from gluon_cnn.data.augmentation import Augmenter, apply_aug_list
from gluon_cnn.plots.style import COLORS, MAX_WIDTH, show_or_save, style
from mxnet import nd


def show_in_rows(
    images: Sequence[Any],
    titles: Sequence[str],
    in_a_row: int,
    height: float,
    file: str | Path | BinaryIO | None = None,
) -> None:
    """Show images with titles in rows of page width, or write the figure to a file."""
    rows = -(-len(titles) // in_a_row)
    columns = min(in_a_row, len(titles))
    figsize = (MAX_WIDTH * columns / in_a_row, height * rows)
    show_images(images, rows, columns, figsize=figsize, titles=titles, file=file)


def show_images(
    images: Sequence[Any] | np.ndarray | nd.NDArray,
    num_rows: int,
    num_cols: int,
    figsize: tuple[float, float] | None = None,
    titles: Sequence[str] | None = None,
    title: str | None = None,
    file: str | Path | BinaryIO | None = None,
) -> None:
    """Show images in a grid, row by row, or write the figure to a file.

    Images have shape (H, W), (H, W, 1), (H, W, 3), (1, H, W) or (3, H, W), and are bytes 0..255 or floats 0..1. The
    first ``num_rows * num_cols`` are shown; cells without an image remain empty. ``figsize`` is in inches; by default,
    the longer side of an image takes 1.5, plus space for ``titles``, one per image. A ``title`` of the whole figure
    increases its height.
    """
    if num_rows < 1 or num_cols < 1:
        raise ValueError(f"num_rows and num_cols must be at least 1; got {num_rows} and {num_cols}")
    shown = [as_image(image) for image, _ in zip(images, range(num_rows * num_cols))]
    rows, columns = (max((p.shape[axis] for p in shown), default=1) for axis in (0, 1))
    width, height = (1.5 * side / max(rows, columns) for side in (columns, rows))
    if titles is not None:
        width, height = max(width, 1.0), height + 0.25
    across, down = figsize or (width * num_cols, height * num_rows)
    with style():
        size = across, down + (0.3 if title else 0)
        figure, axes = plt.subplots(num_rows, num_cols, figsize=size, squeeze=False, layout="constrained")
        if title:
            figure.suptitle(title, fontsize=plt.rcParams["axes.titlesize"])
        for i, ax in enumerate(axes.flat):
            if i >= len(shown):
                ax.axis("off")
                continue
            ax.set(xticks=[], yticks=[])
            ax.spines[:].set(visible=True, color=COLORS["grey"], linewidth=0.6)  # a frame for white images
            ax.imshow(shown[i], vmin=0, vmax=255 if shown[i].dtype.kind in "iu" else 1)
            if titles is not None and i < len(titles):
                ax.set_title(titles[i], fontsize=10)
        show_or_save(file)


def apply(img: nd.NDArray, aug: Augmenter, n: int = 3, title: str | None = None) -> nd.NDArray:
    """Augment an image n * n times, show the results in an n by n grid, and return them.

    ``img`` has shape (height, width, channels) and values 0..255, bytes or floats, and is left unchanged. ``aug`` takes
    and returns an image of floats, such as ``mx.image.BrightnessJitterAug(0.5)``. The result has shape (n * n, height,
    width, channels), float32, clipped to 0..255 and divided by 255.
    """
    results = [apply_aug_list(img, [aug]) for _ in range(check_int("n", n, 1) ** 2)]
    sizes = sorted({result.shape for result in results})
    if len(sizes) > 1:
        raise ValueError(f"aug returns images of different sizes, such as {sizes[0]} and {sizes[-1]}: end with a crop")
    images = nd.stack(*results).clip(0, 255) / 255
    show_images(images, n, n, title=title)
    return images


def as_image(image: Any) -> np.ndarray:
    """Convert an image in any of the shapes of :func:`show_images` to (H, W) or (H, W, 3)."""
    pixels = as_numpy(image)
    if pixels.ndim == 3 and pixels.shape[0] in (1, 3) and pixels.shape[2] not in (1, 3):
        pixels = pixels.transpose(1, 2, 0)
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[:, :, 0]
    if pixels.ndim != 2 and not (pixels.ndim == 3 and pixels.shape[2] == 3):
        raise ValueError(f"an image has shape (H, W), (H, W, 3) or (3, H, W); got {pixels.shape}")
    return pixels
