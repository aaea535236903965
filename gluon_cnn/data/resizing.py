"""Bilinear resizing of many images at once, as two matrix products computed by BLAS."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cache, lru_cache

import numpy as np
from threadpoolctl import ThreadpoolController


def resize(images: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resize float32 images (..., H, W) to a new height and width: row weights x image x column weights."""
    *outer, height, width = images.shape
    with one_blas_thread():
        columns = (images.reshape(-1, width) @ _bilinear(width, size[1]).T).reshape(*outer, height, size[1])
        return _bilinear(height, size[0]) @ columns


def one_blas_thread() -> AbstractContextManager:
    """Let NumPy compute products in one thread: BLAS's others would keep the cores busy after each product.

    Next to a network that trains on all cores, as when it gets resized batches, that takes several times as long.
    """
    return _libraries().limit(limits=1, user_api="blas")


@cache
def _libraries() -> ThreadpoolController:
    return ThreadpoolController()


@lru_cache(maxsize=256)
def _bilinear(old: int, new: int) -> np.ndarray:
    """Return the weights, float32 of shape (new, old), for linear interpolation between pixel centres."""
    centres = ((np.arange(new) + 0.5) * old / new - 0.5).clip(0, old - 1)
    return np.maximum(0, 1 - np.abs(centres[:, None] - np.arange(old))).astype(np.float32)
