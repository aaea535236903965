"""Batches of images from arrays in memory."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from gluon_cnn._core.checks import as_numpy, check_bool, check_int, check_pair
from gluon_cnn.data.on_disk import LazyImages
from gluon_cnn.data.resizing import resize as resized
from gluon_cnn.data.transforms import Transform
from mxnet import nd

MAX_CLASSES = 1_000_000  # a larger label is a mistake, and naming every class would exhaust the memory

Split = tuple[np.ndarray, np.ndarray]  # images, labels


class Batches:
    """Images and labels in batches, which can be iterated repeatedly.

    Iteration yields pairs ``(X, y)``: ``X`` float32 of shape (batch, channels, height, width), bytes scaled to 0..1;
    ``y`` int32 of shape (batch,). The last batch may be shorter. ``len()`` is the number of batches.

    Parameters
    ----------
    images : numpy.ndarray
        Shape (N, H, W) or (N, C, H, W). uint8 is divided by 255; floats are used unchanged.
    labels : numpy.ndarray
        Shape (N,), integers.
    batch_size : int
        Number of images per batch, at least 1.
    resize : int or (int, int), optional
        New height and width in pixels; interpolation is bilinear, as in ``mx.image.imresize``.
    shuffle : bool
        Whether to draw a new order in each epoch, from ``seed`` and the number of the epoch.
    seed : int, optional
        Default: drawn from NumPy's global generator, which ``gluon_cnn.seed`` seeds.
    classes : sequence of str, optional
        Class names, in the order of the labels. Default: the numbers up to the largest label.
    files : sequence, optional
        The file of each image, as :func:`gluon_cnn.load_data` records it for folders.
    transform : callable or sequence of callable, optional
        Applied in order to each batch, such as :class:`gluon_cnn.data.transforms.Flip`. Each is called with float32
        images (N, C, H, W) and a ``numpy.random.RandomState`` seeded by ``seed``, epoch and batch, and returns float32
        images, possibly of another height and width.

    Attributes
    ----------
    images, labels, classes
        All images, (N, C, H, W), in their original type; their labels, (N,) int32; the class names, a tuple.
    files
        The files of the images, in the same order; None for images from arrays.
    image_shape
        (channels, height, width) of the images in a batch.

    Notes
    -----
    Scaling, resizing and transforms act on a whole batch at once. Images are converted to floats before resizing;
    integer division of resized bytes by 255 would make nearly all of them 0.
    """

    def __init__(
        self,
        images: np.ndarray | LazyImages,
        labels: np.ndarray,
        batch_size: int,
        resize: int | tuple[int, int] | None = None,
        shuffle: bool = False,
        seed: int | None = None,
        classes: Sequence[str] | None = None,
        files: Sequence[Any] | None = None,
        transform: Transform | Sequence[Transform] | None = None,
    ) -> None:
        images = images if isinstance(images, LazyImages) else as_numpy(images)
        labels = as_numpy(labels)
        _check(images, labels, classes)
        if files is not None and len(files) != len(labels):
            raise ValueError(f"files must have one entry for each image; got {len(files)} for {len(labels)} images")
        self.images: Any = images[:, None] if images.ndim == 3 else images
        self.labels = labels.astype(np.int32)
        self.classes = tuple(map(str, range(labels.max() + 1) if classes is None else classes))
        self.files = None if files is None else tuple(files)
        self.batch_size = check_int("batch_size", batch_size, 1)
        self.resize = None if resize is None else check_pair("resize", resize)
        self.shuffle = check_bool("shuffle", shuffle)
        self.seed = int(np.random.randint(2**31)) if seed is None else check_int("seed", seed, 0)
        self.epoch = 0  # the number of iterations so far; with the seed, it determines the next order
        self._worker, self._workers = 0, 1
        self.transform = tuple(transform if isinstance(transform, (tuple, list)) else [transform] if transform else ())
        for step in self.transform:
            if not callable(step):
                raise TypeError(f"transform must be a function of images and random numbers; got {step!r}")
        _ = self.image_shape  # an invalid transform fails here

    @property
    def image_shape(self) -> tuple[int, int, int]:
        if not self.transform:
            return (self.images.shape[1], *(self.resize or self.images.shape[2:]))
        return self._prepared(np.arange(1), np.random.RandomState(0)).shape[1:]

    def share(self, worker: int, workers: int) -> Batches:
        """Return one worker's part of each batch of ``workers * batch_size`` images.

        If all workers use the same seed, their parts together are the batches of a single worker with that batch size.
        A smaller last batch is divided as evenly as possible.
        """
        if not 0 <= check_int("worker", worker, 0) < check_int("workers", workers, 1):
            raise ValueError(f"worker must be 0 to {workers - 1}; got {worker}")
        part = copy.copy(self)
        part._worker, part._workers = worker, workers
        return part

    def __len__(self) -> int:
        together = self.batch_size * self._workers
        return len(self.labels) // together + (len(self.labels) % together > self._worker)

    def __iter__(self) -> Iterator[tuple[nd.NDArray, nd.NDArray]]:
        order: np.ndarray = np.arange(len(self.labels))
        if self.shuffle:
            order = np.random.RandomState([self.seed, self.epoch]).permutation(order)
        self.epoch += 1
        together = self.batch_size * self._workers
        parts = (
            np.array_split(order[i : i + together], self._workers)[self._worker] for i in range(0, len(order), together)
        )
        key = (self.seed, self.epoch, self._worker)
        shape = self.image_shape
        batches = (self._batch(part, (*key, k), shape) for k, part in enumerate(parts) if len(part))
        return _prefetch(batches) if isinstance(self.images, LazyImages) else batches

    def _batch(
        self, chosen: np.ndarray, key: tuple[int, ...], shape: tuple[int, int, int]
    ) -> tuple[nd.NDArray, nd.NDArray]:
        X = self._prepared(chosen, np.random.RandomState(key) if self.transform else None)
        if X.shape[1:] != shape:
            raise ValueError(
                f"transform must return images of one size; got {X.shape[1:]} after {shape}: end with a crop"
            )
        # nd.array would wait for the engine to finish its pending work; a view of NumPy's memory does not. The arrays
        # were created for this batch alone, so nothing writes to them later.
        return nd.from_numpy(X), nd.from_numpy(self.labels[chosen])

    def _prepared(self, chosen: np.ndarray, random: np.random.RandomState | None) -> np.ndarray:
        """Return scaled, resized and transformed images, ready for a network."""
        X = self.images[chosen]
        if self.resize and self.resize != X.shape[2:]:
            X = resized(scale(X), self.resize)
        for step in self.transform:
            X = step(X if getattr(step, "on_bytes", False) else scale(X), random)
            _check_transformed(step, X, self.images.shape[1], len(chosen))
        return scale(X)


def _check_transformed(step: Transform, X: Any, channels: int, count: int) -> None:
    if not isinstance(X, np.ndarray) or X.dtype not in (np.float32, np.uint8) or X.shape[:2] != (count, channels):
        got = f"{X.dtype} of shape {X.shape}" if isinstance(X, np.ndarray) else type(X).__name__
        raise ValueError(f"transform {step} must return float32 images ({count}, {channels}, H, W); got {got}")


def _prefetch(batches: Iterator) -> Iterator:
    """Yield batches, preparing the next one while the caller processes the current one."""
    with ThreadPoolExecutor(1) as thread:
        waiting = thread.submit(next, batches, None)
        while (batch := waiting.result()) is not None:
            waiting = thread.submit(next, batches, None)
            yield batch


def _check(images: Any, labels: np.ndarray, classes: Sequence[str] | None) -> None:
    if images.ndim not in (3, 4):
        raise ValueError(f"images must have shape (N, H, W) or (N, C, H, W); got {images.shape}")
    if images.ndim == 4 and images.shape[3] in (1, 3) and images.shape[1] not in (1, 3):
        raise ValueError(f"images must have their channels first; got {images.shape}: pass .transpose(0, 3, 1, 2)")
    if images.dtype != np.uint8 and images.dtype.kind != "f":
        raise TypeError(f"images must be uint8 (0..255) or floats; got {images.dtype}")
    if labels.shape != images.shape[:1] or labels.dtype.kind not in "iu":
        raise ValueError(
            f"labels must be {images.shape[0]} integers, one per image; got {labels.dtype} of shape {labels.shape}"
        )
    if images.size == 0:
        raise ValueError(f"images is empty: its shape is {images.shape}")
    if images.dtype.kind == "f":
        with np.errstate(over="ignore"):
            finite = np.isfinite(images.astype(np.float32, copy=False))  # the dtype of a batch
        if not finite.all():
            first = int((~finite).reshape(len(images), -1).any(axis=1).argmax())
            raise ValueError(f"images must contain finite 32-bit numbers; image {first} contains NaN or infinity")
    largest = MAX_CLASSES if classes is None else len(classes)
    if labels.min() < 0 or labels.max() >= largest:
        of = "" if classes is None else f", for the classes {', '.join(map(str, classes))}"
        raise ValueError(f"labels must be numbers from 0 to {largest - 1}{of}; got {labels.min()} to {labels.max()}")


def scale(images: np.ndarray) -> np.ndarray:
    """Return images as contiguous float32: bytes 0..255 are scaled to 0..1, floats keep their values."""
    images = np.ascontiguousarray(images)  # required by nd.from_numpy
    return (
        np.divide(images, 255, dtype=np.float32) if images.dtype == np.uint8 else images.astype(np.float32, copy=False)
    )
