"""Loading data sets: the Fashion-MNIST sample, the full Fashion-MNIST, CIFAR-10, image folders, and arrays."""

from __future__ import annotations

import stat
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from gluon_cnn._core.checks import as_numpy, check_float, check_int, check_pair
from gluon_cnn.data.batches import Batches
from gluon_cnn.data.cifar10 import CIFAR10_CLASSES, read_cifar10
from gluon_cnn.data.description import DataFile, printable
from gluon_cnn.data.fashion_mnist import FASHION_MNIST_CLASSES, SAMPLE_FOLDER, Split, read_fashion_mnist, read_files
from gluon_cnn.data.folders import count_outside, find_images, has_mode, report_skipped
from gluon_cnn.data.held_out import match_held_out, split_by_index, split_by_name
from gluon_cnn.data.images import Images, read_listed
from gluon_cnn.data.transforms import MAX_STATISTICS_IMAGES, augmentations, for_test, normalization

DATASETS = ("sample", "fashion-mnist", "cifar-10")
Arrays = Split | tuple[Split, Split]


class Source(NamedTuple):
    """A data set before it is divided into batches."""

    train: Images
    test: Images
    classes: Sequence[str] | None = None  # default: the numbers up to the largest label
    prefix: str = ""  # of training files' names


def load_data(
    dataset: str | Path | Arrays,
    batch_size: int,
    resize: int | tuple[int, int] | None = None,
    seed: int | None = None,
    channels: int = 3,
    broken: str = "refuse",
    held_out: Iterable[str | DataFile | Mapping[str, Any]] | None = None,
    validation: float = 0.0,
    validation_seed: int = 0,
    augment: Any = (),
    normalize: Any = None,
) -> tuple[Batches, ...]:
    """Return training and test batches of a named data set or of your own images.

    Parameters
    ----------
    dataset : str, Path or arrays
        ``"sample"``: 4,000 and 1,000 Fashion-MNIST images that ship with the package, balanced over the classes.

        ``"fashion-mnist"``: all 60,000 and 10,000, see :func:`load_data_fashion_mnist`.

        ``"cifar-10"``: 50,000 and 10,000 colour images of 32x32 pixels, from disk, see
        :func:`gluon_cnn.data.cifar10.read_cifar10`.

        A folder with one subfolder of images per class, about a fifth of which are held out for testing; or a folder
        with two such folders, ``train`` and ``test``. See Notes below.

        Arrays ``(images, labels)`` as in :class:`Batches`, a fifth of which are held out for testing; or
        ``((images, labels), (images, labels))`` for training and testing.
    batch_size, resize, seed
        See :class:`Batches`. The training images are shuffled in each epoch, the test images are not. Images in a
        folder differ in size, so folders require ``resize``.
    channels, broken
        For images in a folder: 3 channels for colour or 1 for grey, and how to handle unreadable files; see
        :func:`gluon_cnn.data.images.read_folder`.
    held_out : iterable, optional
        The test files of a folder, regardless of files added since: their names, the entries of
        ``["test"]["files"]`` from :func:`describe`, or :attr:`Batches.files`. A renamed file is recognized by its
        SHA-256.
    validation : float
        Fraction of the training images of each class, 0 to less than 1, to hold out for validation.
    validation_seed : int
        Seed for choosing the validation images.
    augment : str, callable or sequence of them
        Random changes to the training images, in the given order: ``"flip"``, ``"crop"``, ``"resized-crop"``,
        ``"brightness"``, ``"hue"``, or transforms as in :class:`Batches`, see :mod:`gluon_cnn.data.transforms`. Other
        images get the deterministic versions, such as a centre crop.
    normalize : str or (mean, std), optional
        Normalize all images by the mean and standard deviation of each channel: ``"imagenet"``, for pretrained
        networks; ``"train"``, those of the first 1,000 training images; or two numbers, or two sequences of one number
        per channel, for images scaled to 0..1.

    Returns
    -------
    tuple of Batches
        ``(train, test)``, or ``(train, validation, test)`` with ``validation``.

    Notes
    -----
    Whether an image is a test image depends only on a hash of its name within its class folder: adding, removing or
    renaming a file never moves another between the training and test sets. The only exception ensures that neither part
    of a class is empty: if the hash selects none of its images, the one closest to being selected becomes a test image;
    if it selects all, the one closest to being left out remains a training image. This affects only classes with few
    images, and never occurs with ``held_out``. Validation images are chosen in the same way.

    If its decoded images would need more than a quarter of the machine's memory, a folder is decoded batch by batch in
    the background.
    """
    share, seed_ = check_float("validation", validation, 0), check_int("validation_seed", validation_seed, 0)
    if share >= 1:
        raise ValueError(f"validation must be a share of the training images, less than 1; got {share}")
    check_int("batch_size", batch_size, 1)  # before looking for data that may be missing
    size = None if resize is None else check_pair("resize", resize)
    changes = augmentations(augment)
    source = _find(dataset, size, channels, broken, held_out)
    train, validated = _split_validation(source, share, seed_) if share else (source.train, None)
    more = [] if normalize is None else [normalization(normalize, _first(train.pixels))]
    batches = _batches(train, batch_size, size, source.classes, [*changes, *more], shuffle=True, seed=seed)
    others = [part for part in (validated, source.test) if part is not None]
    # the test set also has the classes that occur only in the training images
    unchanged = for_test([*changes, *more])
    return batches, *(_batches(part, batch_size, size, batches.classes, unchanged, seed=seed) for part in others)


def load_data_fashion_mnist(
    batch_size: int,
    resize: int | tuple[int, int] | None = None,
    root: str | Path | None = None,
    download: bool = False,
    seed: int | None = None,
) -> tuple[Batches, Batches]:
    """Return training and test batches of the full Fashion-MNIST, with 60,000 and 10,000 images of 28x28 pixels.

    Parameters
    ----------
    batch_size, resize, seed
        See :class:`Batches`. The training images are shuffled in each epoch, the test images are not.
    root : str or Path, optional
        Folder to search first, before ``$GLUON_CNN_DATA``, MXNet's data folder and Debian's.
    download : bool
        Whether to download the files (30 MB) if none of these folders contains them.

    Returns
    -------
    train_iter, test_iter : Batches
        Pairs of float32 images in 0..1, (batch, 1, 28, 28) unless resized, and int32 labels, (batch,).

    Raises
    ------
    FileNotFoundError
        If no folder contains all four files. The message lists the folders and the remedy.

    References
    ----------
    Xiao, Rasul and Vollgraf, Fashion-MNIST: a novel image dataset for benchmarking machine learning algorithms, 2017.
    The function's name and arguments are those of notes C.
    """
    check_int("batch_size", batch_size, 1)  # before looking for data that may be missing
    size = None if resize is None else check_pair("resize", resize)
    train, test = (Images(*part) for part in read_fashion_mnist(root, download))
    names = FASHION_MNIST_CLASSES
    return _batches(train, batch_size, size, names, shuffle=True, seed=seed), _batches(test, batch_size, size, names)


def _batches(
    images: Images,
    batch_size: int,
    size: tuple[int, int] | None,
    classes: Sequence[str] | None,
    transform: Sequence[Any] = (),
    **order: Any,
) -> Batches:
    files = images.files or None
    size = None if files else size  # files are decoded at the requested size
    return Batches(*images[:2], batch_size, size, classes=classes, files=files, transform=transform, **order)


def _find(dataset: Any, size: tuple[int, int] | None, channels: int, broken: str, held_out: Any) -> Source:
    if not isinstance(dataset, (str, Path, tuple, list)):
        raise TypeError(f"dataset must be a name, a folder or arrays (images, labels); got {type(dataset).__name__}")
    if held_out is not None and (isinstance(dataset, (tuple, list)) or dataset in DATASETS):
        raise ValueError(
            "held_out names files of a folder of images, but the data set is not a folder: leave out held_out"
        )
    if isinstance(dataset, (tuple, list)):
        return _from_arrays(dataset)
    if dataset == "cifar-10":
        train, test = (Images(*part) for part in read_cifar10())
        return Source(train, test, CIFAR10_CLASSES)
    if dataset in DATASETS:
        parts = read_files(SAMPLE_FOLDER, verify=False) if dataset == "sample" else read_fashion_mnist()
        return Source(Images(*parts[0]), Images(*parts[1]), FASHION_MNIST_CLASSES)
    if not has_mode(stat.S_ISDIR, dataset):
        raise ValueError(
            f"there is no data set {str(dataset)!r}; choose one of {', '.join(map(repr, DATASETS))}, or name a folder "
            "that holds a folder of images for each class"
        )
    if size is None:
        raise ValueError(
            f"the images in {printable(dataset)} may differ in size: pass resize, the side length in pixels"
        )
    return _from_folder(Path(dataset), size, channels, broken, held_out)


def _from_folder(folder: Path, size: tuple[int, int], channels: int, broken: str, held_out: Any) -> Source:
    parts = [folder / "train", folder / "test"]
    if all(has_mode(stat.S_ISDIR, part) for part in parts):
        return _from_two_folders(folder, parts, size, channels, broken, held_out)
    listing = find_images(folder)
    images, skipped = read_listed(listing, size, channels, broken)
    if held_out is None:
        chosen = split_by_name([file.name for file in images.files], images.labels)
    else:
        chosen = match_held_out(folder, images.files, held_out)
    if chosen.all():
        raise ValueError(f"held_out names every image in {printable(folder)}: leave some to train on")
    report_skipped(folder, len(chosen), +listing.left_out, skipped)
    return Source(images.part(~chosen), images.part(chosen), listing.classes)


def _from_two_folders(
    folder: Path, parts: Sequence[Path], size: tuple[int, int], channels: int, broken: str, held_out: Any
) -> Source:
    train = find_images(parts[0], prefix="train/")
    test = find_images(parts[1], train.classes, prefix="test/")
    images, skipped = read_listed(train, size, channels, broken)
    test_images, more = read_listed(test, size, channels, broken)
    left_out = train.left_out + test.left_out
    left_out["outside train and test"] = count_outside(folder, parts)
    if held_out is not None:
        chosen = match_held_out(folder, test_images.files, held_out)
        left_out["not among those held out"] = int((~chosen).sum())
        test_images = test_images.part(chosen)
    report_skipped(folder, len(images.labels) + len(test_images.labels), +left_out, skipped + more)
    return Source(images, test_images, train.classes, "train/")


def _from_arrays(arrays: Any) -> Source:
    if len(arrays) != 2:
        raise ValueError(f"arrays must be (images, labels), or two such pairs for training and test; got {len(arrays)}")
    if all(isinstance(part, (tuple, list)) and len(part) == 2 and np.ndim(part[1]) for part in arrays):
        return Source(_pair_of_arrays(*arrays[0]), _pair_of_arrays(*arrays[1]))
    images = _pair_of_arrays(*arrays)
    chosen = split_by_index(images.labels)
    return Source(images.part(~chosen), images.part(chosen))


def _pair_of_arrays(images: Any, labels: Any) -> Images:
    images, labels = as_numpy(images), as_numpy(labels)
    if images.shape[:1] != labels.shape:
        raise ValueError(
            f"images and labels must be (N, H, W) or (N, C, H, W) and (N,); got {images.shape} and {labels.shape}"
        )
    return Images(images, labels)


def _split_validation(source: Source, share: float, seed: int) -> tuple[Images, Images]:
    images = source.train
    if images.files:
        names = [file.name.removeprefix(source.prefix) for file in images.files]
        chosen = split_by_name(names, images.labels, share, f"validation {seed}")
    else:
        chosen = split_by_index(images.labels, share, seed + 1)  # 0 chose the test images
    return images.part(~chosen), images.part(chosen)


def _first(pixels: Any) -> np.ndarray:
    """Return enough images to estimate the mean and standard deviation, (N, C, H, W)."""
    some = pixels[np.arange(min(len(pixels), MAX_STATISTICS_IMAGES))]
    return some[:, None] if some.ndim == 3 else some
