"""Image collections that do not fit into memory."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

MAX_MEMORY_FRACTION = 0.25  # of the machine's memory; folders whose decoded images need more are decoded batch by batch


class LazyImages:
    """Image files that act as an array (N, C, H, W), decoded each time they are accessed.

    Parameters
    ----------
    paths : sequence of Path
        The files.
    shape : (int, int, int)
        Channels, height and width of the decoded images.
    decode : callable
        Called with paths, (height, width) and channels; returns the decoded images, uint8, (N, C, H, W).
    """

    dtype, ndim = np.dtype(np.uint8), 4

    def __init__(self, paths: Sequence[Path], shape: tuple[int, int, int], decode: Callable[..., np.ndarray]) -> None:
        self._paths, self._decode = list(paths), decode
        self.shape = (len(self._paths), *shape)
        self.size = int(np.prod(self.shape))

    def __len__(self) -> int:
        return len(self._paths)

    def part(self, chosen: np.ndarray) -> LazyImages:
        """Select images by a mask, without decoding them."""
        paths = [path for path, taken in zip(self._paths, chosen) if taken]
        return LazyImages(paths, self.shape[1:], self._decode)

    def __getitem__(self, chosen: Any) -> np.ndarray:
        paths = np.array(self._paths, object)[chosen]
        images = self._decode([paths] if isinstance(paths, Path) else list(paths), self.shape[2:], self.shape[1])
        return images[0] if isinstance(paths, Path) else images


def fits_into_memory(size: int) -> bool:
    """Return whether ``size`` bytes are at most :data:`MAX_MEMORY_FRACTION` of the machine's memory."""
    return size <= MAX_MEMORY_FRACTION * os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
