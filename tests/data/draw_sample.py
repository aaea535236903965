"""How the Fashion-MNIST sample in the package was drawn from the full set; test_datasets.py compares the bytes."""

from __future__ import annotations

import gzip
import struct

import numpy as np
from gluon_cnn.data.fashion_mnist import CHECKSUMS, read_fashion_mnist

SEED = 20260101
TRAIN_PER_CLASS = 400
TEST_PER_CLASS = 100


def draw(labels: np.ndarray, per_class: int, rng: np.random.RandomState) -> np.ndarray:
    """Return the sorted positions of ``per_class`` random images of each class."""
    chosen = [rng.choice(np.flatnonzero(labels == c), per_class, replace=False) for c in np.unique(labels)]
    return np.sort(np.concatenate(chosen))


def to_idx(array: np.ndarray) -> bytes:
    """Return an unsigned byte array in the IDX format, compressed without a time stamp."""
    header = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
    return gzip.compress(header + array.tobytes(), compresslevel=9, mtime=0)


def draw_sample() -> dict[str, np.ndarray]:
    """Return the arrays of the sample under the names of their files."""
    (train_images, train_labels), (test_images, test_labels) = read_fashion_mnist()
    rng = np.random.RandomState(SEED)
    train = draw(train_labels, TRAIN_PER_CLASS, rng)
    test = draw(test_labels, TEST_PER_CLASS, rng)
    return dict(zip(CHECKSUMS, (train_images[train], train_labels[train], test_images[test], test_labels[test])))
