"""Data by name: Fashion-MNIST, as a sample in the package and in full from disk; folders, arrays."""

from __future__ import annotations

import functools
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from gluon_cnn._core.checks import as_numpy, check_pair
from gluon_cnn.data.batches import Batches, Split, train_and_test
from gluon_cnn.data.description import DataFile, shown
from gluon_cnn.data.fashion_mnist import FASHION_MNIST_CLASSES, SAMPLE_FOLDER, load_data_fashion_mnist, read_files
from gluon_cnn.data.folders import count_outside, find_images, is_kind, tell_left_out
from gluon_cnn.data.held_out import chosen_by_name, chosen_by_order, listed
from gluon_cnn.data.images import Images, read_images

DATASETS = ("sample", "fashion-mnist")
Arrays = Split | tuple[Split, Split]


def load_data(
    dataset: str | Path | Arrays,
    batch_size: int,
    resize: int | tuple[int, int] | None = None,
    seed: int | None = None,
    channels: int = 3,
    broken: str = "refuse",
    held_out: Iterable[str | DataFile | Mapping[str, Any]] | None = None,
) -> tuple[Batches, Batches]:
    """Return training and test batches of one of the course's data sets, by name, or of your own images.

    Parameters
    ----------
    dataset : str, Path or arrays
        ``"sample"``: 4,000 and 1,000 Fashion-MNIST images that ship with the package, balanced over the classes.

        ``"fashion-mnist"``: all 60,000 and 10,000, see :func:`load_data_fashion_mnist`.

        A folder: either with a folder of images for each class, of which about a fifth are set aside for the test;
        or with two folders ``train`` and ``test`` of that kind. See the notes.

        Arrays ``(images, labels)`` as :class:`Batches` takes them, of which a fifth are set aside, too; or
        ``((images, labels), (images, labels))``, for training and for the test.
    batch_size, resize, seed
        See :class:`Batches`. The training images are shuffled in each epoch, the test images are not. Images of a
        folder differ in size, so there ``resize`` is needed.
    channels, broken
        Of the images in a folder: 3 for colour or 1 for grey, and what to do about files that cannot be read; see
        :func:`gluon_cnn.data.images.read_folder`.
    held_out : iterable, optional
        The files of a folder that are for the test, whatever has been added to the folder since: their names, what
        :func:`describe` lists, or a :attr:`Batches.files`. One that was renamed is found by its SHA-256.

    Notes
    -----
    Whether an image is for the test depends on a hash of its name within the folder of its class, and on nothing else:
    adding, removing or renaming a file never moves another one between training and test. The one exception keeps both
    parts of a class from being empty: if the hash chooses none of its images, the test gets the one that is closest to
    being chosen; if it chooses all, the one that is furthest from it stays for training. That happens in classes of a
    few images only, and does not happen with ``held_out``.
    """
    if not isinstance(dataset, (str, Path, tuple, list)):
        raise TypeError(f"dataset must be a name, a folder or arrays (images, labels); got {type(dataset).__name__}")
    if held_out is not None and (isinstance(dataset, (tuple, list)) or dataset in DATASETS):
        raise ValueError("held_out names files of a folder of images, and the data set is not one: leave it out")
    if isinstance(dataset, (tuple, list)):
        return train_and_test(_train_and_test(dataset), batch_size, resize, seed)
    if dataset == "sample":
        sample = read_files(SAMPLE_FOLDER, verify=False)
        return train_and_test(sample, batch_size, resize, seed, FASHION_MNIST_CLASSES)
    if dataset == "fashion-mnist":
        return load_data_fashion_mnist(batch_size, resize, seed=seed)
    if is_kind(stat.S_ISDIR, dataset):
        return _load_folder(Path(dataset), batch_size, resize, seed, channels, broken, held_out)
    raise ValueError(
        f"there is no data set {str(dataset)!r}; choose one of {', '.join(map(repr, DATASETS))}, or name a folder that "
        "holds a folder of images for each class"
    )


def _load_folder(
    folder: Path,
    batch_size: int,
    resize: int | tuple[int, int] | None,
    seed: int | None,
    channels: int,
    broken: str,
    held_out: Iterable[str | DataFile | Mapping[str, Any]] | None,
) -> tuple[Batches, Batches]:
    if resize is None:
        raise ValueError(f"the images in {shown(folder)} may differ in size: pass resize, the pixels of a side")
    size, parts = check_pair("resize", resize), [folder / "train", folder / "test"]
    if all(is_kind(stat.S_ISDIR, part) for part in parts):
        train = find_images(parts[0], prefix="train/")
        test = find_images(parts[1], train.classes, prefix="test/")
        images, skipped = read_images(train, size, channels, broken)
        test_images, more = read_images(test, size, channels, broken)
        left_out, skipped = train.left_out + test.left_out, skipped + more
        left_out["outside train and test"] = count_outside(folder, parts)
        listing, read = train, len(images.files) + len(test_images.files)
        if held_out is not None:
            chosen = listed(folder, test_images.files, held_out)
            left_out["not among those held out"] = others = int((~chosen).sum())
            read, test_images = read - others, _of(test_images, chosen)
    else:
        listing = find_images(folder)
        images, skipped = read_images(listing, size, channels, broken)
        left_out, read = listing.left_out, len(images.files)
        chosen = (
            chosen_by_name(folder, listing.classes, images.files, images.labels)
            if held_out is None
            else listed(folder, images.files, held_out)
        )
        if chosen.all():
            raise ValueError(f"held_out names every image in {shown(folder)}: leave some to train on")
        images, test_images = _of(images, ~chosen), _of(images, chosen)
    tell_left_out(folder, read, +left_out, skipped)
    batches = functools.partial(Batches, batch_size=batch_size, seed=seed, classes=listing.classes)
    train_data = batches(images.pixels, images.labels, shuffle=True, files=images.files)
    return train_data, batches(test_images.pixels, test_images.labels, files=test_images.files)


def _of(images: Images, chosen: np.ndarray) -> Images:
    files = [file for file, taken in zip(images.files, chosen) if taken]
    return Images(images.pixels[chosen], images.labels[chosen], files)


def _train_and_test(arrays: Any) -> tuple[Split, Split]:
    if len(arrays) != 2:
        raise ValueError(f"arrays must be (images, labels), or two such pairs for training and test; got {len(arrays)}")
    first, second = arrays
    if all(isinstance(part, (tuple, list)) and len(part) == 2 and np.ndim(part[1]) for part in arrays):
        return _pair_of_arrays(*first), _pair_of_arrays(*second)
    images, labels = _pair_of_arrays(first, second)
    chosen = chosen_by_order(labels)
    return (images[~chosen], labels[~chosen]), (images[chosen], labels[chosen])


def _pair_of_arrays(images: Any, labels: Any) -> Split:
    images, labels = as_numpy(images), as_numpy(labels)
    if images.shape[:1] != labels.shape:
        raise ValueError(
            f"images and labels must be (N, H, W) or (N, C, H, W) and (N,); got {images.shape} and {labels.shape}"
        )
    return images, labels
