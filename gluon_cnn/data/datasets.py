"""Data by name: Fashion-MNIST, as a sample in the package and in full from disk; folders, arrays."""

from __future__ import annotations

import stat
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from gluon_cnn._core.checks import as_numpy, check_float, check_int, check_pair
from gluon_cnn.data.batches import Batches
from gluon_cnn.data.cifar10 import CIFAR10_CLASSES, read_cifar10
from gluon_cnn.data.description import DataFile, shown
from gluon_cnn.data.fashion_mnist import FASHION_MNIST_CLASSES, SAMPLE_FOLDER, Split, read_fashion_mnist, read_files
from gluon_cnn.data.folders import count_outside, find_images, is_kind, tell_left_out
from gluon_cnn.data.held_out import chosen_by_name, chosen_by_order, listed
from gluon_cnn.data.images import Images, read_images
from gluon_cnn.data.transforms import MOST_IMAGES, augmentations, for_test, normalization

DATASETS = ("sample", "fashion-mnist", "cifar-10")
Arrays = Split | tuple[Split, Split]


class Source(NamedTuple):
    """A data set before it is divided into batches."""

    train: Images
    test: Images
    classes: Sequence[str] | None = None  # by default the numbers that occur in the labels
    folder: Path = Path()
    prefix: str = ""  # of the names of training files


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
    """Return training and test batches of one of the course's data sets, by name, or of your own images.

    Parameters
    ----------
    dataset : str, Path or arrays
        ``"sample"``: 4,000 and 1,000 Fashion-MNIST images that ship with the package, balanced over the classes.

        ``"fashion-mnist"``: all 60,000 and 10,000, see :func:`load_data_fashion_mnist`.

        ``"cifar-10"``: 50,000 and 10,000 colour images of 32x32 pixels, from disk, see
        :func:`gluon_cnn.data.cifar10.read_cifar10`.

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
    validation : float
        Share of the training images of each class, 0 to less than 1, that is set aside to choose settings by.
    validation_seed : int
        Another number sets aside other images.
    augment : str, callable or sequence of them
        Random changes of the training images, in this order: ``"flip"``, ``"crop"``, ``"resized-crop"``,
        ``"brightness"``, ``"hue"``, or transforms as :class:`Batches` takes them, see
        :mod:`gluon_cnn.data.transforms`. Other images get their deterministic version, such as the crop of the centre.
    normalize : str or (mean, std), optional
        Subtract the mean of each channel and divide by its standard deviation, in all images: ``"imagenet"``, for
        pretrained networks; ``"train"``, those of the first 1,000 training images; or two numbers, or two sequences of
        one number per channel, for images scaled to 0..1.

    Returns
    -------
    tuple of Batches
        ``(train, test)``; with ``validation`` ``(train, validation, test)``.

    Notes
    -----
    Whether an image is for the test depends on a hash of its name within the folder of its class, and on nothing else:
    adding, removing or renaming a file never moves another one between training and test. The one exception keeps both
    parts of a class from being empty: if the hash chooses none of its images, the test gets the one that is closest to
    being chosen; if it chooses all, the one that is furthest from it stays for training. That happens in classes of a
    few images only, and does not happen with ``held_out``. Validation images are chosen in the same way.

    A folder whose decoded images would take more than a quarter of the machine's memory is decoded batch by batch, in
    the background.
    """
    share, seed_ = check_float("validation", validation, 0), check_int("validation_seed", validation_seed, 0)
    if share >= 1:
        raise ValueError(f"validation is a share of the training images, less than 1; got {share}")
    check_int("batch_size", batch_size, 1)  # before data is looked for, which may not be there
    size = None if resize is None else check_pair("resize", resize)
    changes = augmentations(augment)
    source = _find(dataset, size, channels, broken, held_out)
    train, validated = _split_validation(source, share, seed_) if share else (source.train, None)
    more = [] if normalize is None else [normalization(normalize, _first(train.pixels))]
    batches = _batches(train, batch_size, size, source.classes, [*changes, *more], shuffle=True, seed=seed)
    others = [part for part in (validated, source.test) if part is not None]
    # a class that only the training images have counts in the test, too
    unchanged = for_test([*changes, *more])
    return batches, *(_batches(part, batch_size, size, batches.classes, unchanged, seed=seed) for part in others)


def load_data_fashion_mnist(
    batch_size: int,
    resize: int | tuple[int, int] | None = None,
    root: str | Path | None = None,
    download: bool = False,
    seed: int | None = None,
) -> tuple[Batches, Batches]:
    """Return training and test batches of the full Fashion-MNIST: 60,000 and 10,000 images of 28x28 pixels.

    Parameters
    ----------
    batch_size, resize, seed
        See :class:`Batches`. The training images are shuffled in each epoch, the test images are not.
    root : str or Path, optional
        Folder to look in first. Then follow ``$GLUON_CNN_DATA``, mxnet's data folder and Debian's.
    download : bool
        Download the files (30 MB) when they are in none of these folders. Without it nothing uses the network.

    Returns
    -------
    train_iter, test_iter : Batches
        Pairs of float32 images (batch, 1, 28, 28) in 0..1, or resized, and int32 labels (batch,).

    Raises
    ------
    FileNotFoundError
        When no folder holds all four files. The message lists the folders and what to do.

    References
    ----------
    Xiao, Rasul and Vollgraf, Fashion-MNIST: a novel image dataset for benchmarking machine learning algorithms, 2017.
    The function's name and arguments are those of notes C.
    """
    check_int("batch_size", batch_size, 1)  # before the data is looked for, which may not be there
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
    size = None if files else size  # files are decoded in the size asked for
    return Batches(*images[:2], batch_size, size, classes=classes, files=files, transform=transform, **order)


def _find(dataset: Any, size: tuple[int, int] | None, channels: int, broken: str, held_out: Any) -> Source:
    if not isinstance(dataset, (str, Path, tuple, list)):
        raise TypeError(f"dataset must be a name, a folder or arrays (images, labels); got {type(dataset).__name__}")
    if held_out is not None and (isinstance(dataset, (tuple, list)) or dataset in DATASETS):
        raise ValueError("held_out names files of a folder of images, and the data set is not one: leave it out")
    if isinstance(dataset, (tuple, list)):
        return _from_arrays(dataset)
    if dataset == "cifar-10":
        train, test = (Images(*part) for part in read_cifar10())
        return Source(train, test, CIFAR10_CLASSES)
    if dataset in DATASETS:
        parts = read_files(SAMPLE_FOLDER, verify=False) if dataset == "sample" else read_fashion_mnist()
        return Source(Images(*parts[0]), Images(*parts[1]), FASHION_MNIST_CLASSES)
    if not is_kind(stat.S_ISDIR, dataset):
        raise ValueError(
            f"there is no data set {str(dataset)!r}; choose one of {', '.join(map(repr, DATASETS))}, or name a folder "
            "that holds a folder of images for each class"
        )
    if size is None:
        raise ValueError(f"the images in {shown(dataset)} may differ in size: pass resize, the pixels of a side")
    return _from_folder(Path(dataset), size, channels, broken, held_out)


def _from_folder(folder: Path, size: tuple[int, int], channels: int, broken: str, held_out: Any) -> Source:
    parts = [folder / "train", folder / "test"]
    if all(is_kind(stat.S_ISDIR, part) for part in parts):
        return _from_two_folders(folder, parts, size, channels, broken, held_out)
    listing = find_images(folder)
    images, skipped = read_images(listing, size, channels, broken)
    if held_out is None:
        chosen = chosen_by_name(folder, listing.classes, images.files, images.labels)
    else:
        chosen = listed(folder, images.files, held_out)
    if chosen.all():
        raise ValueError(f"held_out names every image in {shown(folder)}: leave some to train on")
    tell_left_out(folder, len(chosen), +listing.left_out, skipped)
    return Source(images.part(~chosen), images.part(chosen), listing.classes, folder)


def _from_two_folders(
    folder: Path, parts: Sequence[Path], size: tuple[int, int], channels: int, broken: str, held_out: Any
) -> Source:
    train = find_images(parts[0], prefix="train/")
    test = find_images(parts[1], train.classes, prefix="test/")
    images, skipped = read_images(train, size, channels, broken)
    test_images, more = read_images(test, size, channels, broken)
    left_out = train.left_out + test.left_out
    left_out["outside train and test"] = count_outside(folder, parts)
    if held_out is not None:
        chosen = listed(folder, test_images.files, held_out)
        left_out["not among those held out"] = int((~chosen).sum())
        test_images = test_images.part(chosen)
    tell_left_out(folder, len(images.labels) + len(test_images.labels), +left_out, skipped + more)
    return Source(images, test_images, train.classes, folder, "train/")


def _from_arrays(arrays: Any) -> Source:
    if len(arrays) != 2:
        raise ValueError(f"arrays must be (images, labels), or two such pairs for training and test; got {len(arrays)}")
    if all(isinstance(part, (tuple, list)) and len(part) == 2 and np.ndim(part[1]) for part in arrays):
        return Source(_pair_of_arrays(*arrays[0]), _pair_of_arrays(*arrays[1]))
    images = _pair_of_arrays(*arrays)
    chosen = chosen_by_order(images.labels)
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
        classes, key = source.classes or (), f"validation {seed}/"
        chosen = chosen_by_name(source.folder, classes, images.files, images.labels, share, key, source.prefix)
    else:
        chosen = chosen_by_order(images.labels, share, seed + 1)  # 0 chose the test images
    return images.part(~chosen), images.part(chosen)


def _first(pixels: Any) -> np.ndarray:
    """Return enough images to tell mean and standard deviation, (N, C, H, W)."""
    some = pixels[np.arange(min(len(pixels), MOST_IMAGES))]
    return some[:, None] if some.ndim == 3 else some
