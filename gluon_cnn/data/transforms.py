"""Random transforms of training images and their deterministic versions for test images, computed on batches in NumPy.

A transform is called with images of shape (N, C, H, W) and a random number generator, and returns the transformed
images. Images are float32, with bytes scaled to 0..1; if ``on_bytes`` is True, a transform may also get bytes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from gluon_cnn._core.checks import check_float, check_pair
from gluon_cnn._core.imagenet import RGB_MEAN, RGB_STD
from gluon_cnn.data.resizing import one_blas_thread, resize
from numpy.random import RandomState

Transform = Callable[[np.ndarray, RandomState], np.ndarray]

LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # weights of red, green and blue, ITU-R BT.601


@dataclass(frozen=True)
class Flip:
    """Flip each image horizontally with probability ``p``. Test images are unchanged."""

    p: float = 0.5
    on_bytes: ClassVar[bool] = True

    def __call__(self, X: np.ndarray, random: RandomState) -> np.ndarray:
        flipped = random.rand(len(X)) < self.p
        X[flipped] = X[flipped, :, :, ::-1]
        return X

    def for_test(self) -> None:
        return None


@dataclass(frozen=True)
class Crop:
    """Crop each image to ``size`` pixels at a random position, and test images at the centre.

    ``size`` is a side length or (height, width). By default, images are padded with black by an eighth of their size on
    each side and cropped to their original size; test images are then unchanged.
    """

    size: int | tuple[int, int] | None = None
    on_bytes: ClassVar[bool] = True

    def __call__(self, X: np.ndarray, random: RandomState) -> np.ndarray:
        height, width = _crop_size(self.size, X)
        if self.size is None:
            X = np.pad(X, ((0, 0), (0, 0), (height // 8,) * 2, (width // 8,) * 2))
        tops = random.randint(X.shape[2] - height + 1, size=len(X))
        lefts = random.randint(X.shape[3] - width + 1, size=len(X))
        cropped = np.empty((*X.shape[:2], height, width), X.dtype)
        for image, top, left, out in zip(X, tops, lefts, cropped):
            out[...] = image[:, top : top + height, left : left + width]
        return cropped

    def for_test(self) -> Transform | None:
        return None if self.size is None else CenterCrop(self.size)


@dataclass(frozen=True)
class CenterCrop:
    """Crop images at the centre to ``size`` pixels, a side length or (height, width)."""

    size: int | tuple[int, int]
    on_bytes: ClassVar[bool] = True

    def __call__(self, X: np.ndarray, random: RandomState) -> np.ndarray:
        height, width = _crop_size(self.size, X)
        top, left = (X.shape[2] - height) // 2, (X.shape[3] - width) // 2
        return np.ascontiguousarray(X[:, :, top : top + height, left : left + width])

    def for_test(self) -> CenterCrop:
        return self


@dataclass(frozen=True)
class ResizedCrop:
    """Crop a region of random area and aspect ratio, and resize it bilinearly to the size of the image.

    ``area`` is the range of the crop's share of the image; ``ratio`` is the range of its aspect ratio, width / height,
    relative to the image's, sampled uniformly on a log scale. Test images are unchanged.
    """

    area: tuple[float, float] = (0.35, 1.0)
    ratio: tuple[float, float] = (3 / 4, 4 / 3)

    def __call__(self, X: np.ndarray, random: RandomState) -> np.ndarray:
        count, _, height, width = X.shape
        areas, ratios = (
            random.uniform(*self.area, count),
            np.exp(random.uniform(np.log(self.ratio[0]), np.log(self.ratio[1]), count)),
        )
        # a crop that would be wider or taller than the image is clipped to it
        heights = np.clip(height * np.sqrt(areas / ratios), 1, height).round().astype(int)
        widths = np.clip(width * np.sqrt(areas * ratios), 1, width).round().astype(int)
        tops = (random.rand(count) * (height - heights + 1)).astype(int)
        lefts = (random.rand(count) * (width - widths + 1)).astype(int)
        out = np.empty_like(X)
        for k, (top, left, h, w) in enumerate(zip(tops, lefts, heights, widths)):
            out[k] = resize(X[k, :, top : top + h, left : left + w], (height, width))
        return out

    def for_test(self) -> None:
        return None


@dataclass(frozen=True)
class Brightness:
    """Multiply each image by a random factor from 1 - ``amount`` to 1 + ``amount``. Test images are unchanged."""

    amount: float = 0.3

    def __call__(self, X: np.ndarray, random: RandomState) -> np.ndarray:
        X *= random.uniform(1 - self.amount, 1 + self.amount, (len(X), 1, 1, 1)).astype(np.float32)
        return X.clip(0, 1, out=X)

    def for_test(self) -> None:
        return None


@dataclass(frozen=True)
class Hue:
    """Rotate the hue of each colour image by a random fraction of the circle, up to ``amount`` in either direction.

    The rotation preserves luma. Grey images and test images are unchanged.
    """

    amount: float = 0.05

    def __call__(self, X: np.ndarray, random: RandomState) -> np.ndarray:
        if X.shape[1] != 3:
            return X
        turns = _hue_matrices(2 * np.pi * random.uniform(-self.amount, self.amount, len(X)))
        with one_blas_thread():
            turned = (turns @ X.reshape(len(X), 3, -1)).reshape(X.shape)
        return turned.clip(0, 1, out=turned)

    def for_test(self) -> None:
        return None


def _hue_matrices(angles: np.ndarray) -> np.ndarray:
    """Return the float32 matrices (N, 3, 3) that rotate colours of equal luma about the grey axis."""
    to_yiq = np.array([LUMA, (0.596, -0.274, -0.322), (0.211, -0.523, 0.312)])
    turns = np.tile(np.eye(3), (len(angles), 1, 1))
    turns[:, 1, 1] = turns[:, 2, 2] = np.cos(angles)
    turns[:, 1, 2], turns[:, 2, 1] = -np.sin(angles), np.sin(angles)
    return (np.linalg.inv(to_yiq) @ turns @ to_yiq).astype(np.float32)


@dataclass(frozen=True)
class Normalize:
    """Subtract ``mean`` and divide by ``std``, one number per channel, for training and test images in 0..1."""

    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __call__(self, X: np.ndarray, random: RandomState | None = None) -> np.ndarray:
        if len(self.mean) not in (1, X.shape[1]):
            raise ValueError(
                f"normalize has {len(self.mean)} means, but the images have {X.shape[1]} channels: pass images with "
                f"{len(self.mean)} channels, or one mean and one standard deviation"
            )
        X -= np.array(self.mean, np.float32)[:, None, None]
        X /= np.array(self.std, np.float32)[:, None, None]
        return X

    def for_test(self) -> Normalize:
        return self


AUGMENTATIONS: dict[str, Transform] = {
    "flip": Flip(),
    "crop": Crop(),
    "resized-crop": ResizedCrop(),
    "brightness": Brightness(),
    "hue": Hue(),
}


def augmentations(augment: Any) -> list[Transform]:
    """Look up transforms by name in :data:`AUGMENTATIONS`; transforms are returned unchanged."""
    items = [augment] if isinstance(augment, str) or callable(augment) else list(augment)
    for item in items:
        if not callable(item) and item not in AUGMENTATIONS:
            raise ValueError(f"there is no augmentation {item!r}; choose from {', '.join(AUGMENTATIONS)}")
    return [item if callable(item) else AUGMENTATIONS[item] for item in items]


def describe_transforms(transforms: Sequence[Transform]) -> str:
    """Describe transforms as text that does not depend on the process."""
    return ", ".join(getattr(step, "__qualname__", "") or re.sub(r" at 0x\w+", "", repr(step)) for step in transforms)


def for_test(transforms: Sequence[Transform]) -> list[Transform]:
    """Return the deterministic versions of the transforms, for test images."""
    versions = [transform.for_test() if hasattr(transform, "for_test") else None for transform in transforms]
    return [version for version in versions if version is not None]


def normalization(normalize: Any, images: np.ndarray) -> Normalize:
    """Return the normalization ``"imagenet"``, ``"train"`` (by the statistics of ``images``), or (mean, std)."""
    if normalize == "imagenet":
        return Normalize(RGB_MEAN, RGB_STD)
    if normalize == "train":
        scaled = images[:MAX_STATISTICS_IMAGES] / np.float32(255 if images.dtype == np.uint8 else 1)
        normalize = (scaled.mean((0, 2, 3), np.float64), scaled.std((0, 2, 3), np.float64))
    if isinstance(normalize, str) or np.shape(normalize) not in ((2,), (2, 1), (2, 3)):
        raise ValueError(f"normalize must be 'imagenet', 'train' or (mean, std); got {normalize!r}")
    mean, std = (tuple(float(number) for number in np.atleast_1d(part)) for part in normalize)
    for number in (*mean, *std):
        check_float("normalize", number, -1e6)
    if min(std) <= 0:
        raise ValueError(f"the standard deviations of normalize must be positive; got {std}")
    return Normalize(mean, std)


MAX_STATISTICS_IMAGES = 1_000  # maximum number of images for estimating mean and standard deviation


def _crop_size(size: int | tuple[int, int] | None, X: np.ndarray) -> tuple[int, int]:
    height, width = X.shape[2:] if size is None else check_pair("size", size)
    if height > X.shape[2] or width > X.shape[3]:
        raise ValueError(f"a crop of {height}x{width} does not fit into images of {X.shape[2]}x{X.shape[3]}")
    return height, width
