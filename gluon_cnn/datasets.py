"""Data by name: Fashion-MNIST, as a sample in the package and in full from disk; folders, arrays; a few photos."""

from __future__ import annotations

import functools
import os
import stat
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Tuple, Union

import mxnet as mx
import numpy as np
from gluon_cnn._checks import as_numbers, pair, whole
from gluon_cnn._description import DataFile, describe, difference, shown
from gluon_cnn._download import download as download_file
from gluon_cnn._folders import count_outside, find_images, tell_left_out
from gluon_cnn._held_out import chosen_by_name, chosen_by_order, listed
from gluon_cnn._idx import read_idx
from gluon_cnn.batches import Batches
from gluon_cnn.pictures import Images, read_images
from mxnet import nd

__all__ = [
    "DATASETS",
    "FASHION_MNIST_CLASSES",
    "DataFile",
    "cat",
    "describe",
    "difference",
    "download_fashion_mnist",
    "fashion_mnist_labels",
    "load_data",
    "load_data_fashion_mnist",
    "picture",
    "read_fashion_mnist",
]

DATASETS = ("sample", "fashion-mnist")

FASHION_MNIST_CLASSES = (
    "t-shirt",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle boot",
)

SAMPLE_FOLDER = Path(__file__).parent / "data" / "fashion_mnist_sample"
DEBIAN_FOLDER = Path("/usr/share/datasets/fashion-mnist")

# SHA-256 of the decompressed files: they are the same wherever a file was compressed.
CHECKSUMS = {
    "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}

HOSTS = (
    "https://fashion-mnist.s3.eu-central-1.amazonaws.com/",
    "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
)

# Those of skimage.data that are in scikit-image's wheel and need no download.
PICTURES = ("astronaut", "camera", "chelsea", "coffee")

Split = Tuple[np.ndarray, np.ndarray]  # images, labels
Arrays = Union[Split, Tuple[Split, Split]]


def fashion_mnist_labels(labels: Iterable[int] | nd.NDArray) -> list[str]:
    """Return the class names of numeric Fashion-MNIST labels.

    Parameters
    ----------
    labels : iterable of int, numpy.ndarray or NDArray
        Labels 0..9.

    Raises
    ------
    ValueError
        When a label is not one of 0..9.
    """
    numbers = labels.asnumpy() if isinstance(labels, nd.NDArray) else labels
    names = []
    for number in numbers:
        if number not in range(len(FASHION_MNIST_CLASSES)):
            raise ValueError(f"Fashion-MNIST labels are 0 to {len(FASHION_MNIST_CLASSES) - 1}; got {number}")
        names.append(FASHION_MNIST_CLASSES[int(number)])
    return names


def load_data(
    dataset: str | Path | Arrays,
    batch_size: int,
    resize: int | tuple[int, int] | None = None,
    seed: int | None = None,
    channels: int = 3,
    broken: str = "refuse",
    held_out: Iterable[str | DataFile | Mapping[str, Any]] | None = None,
) -> tuple[Batches, Batches]:
    """Return training and test batches of one of the course's data sets, by name, or of your own pictures.

    Parameters
    ----------
    dataset : str, Path or arrays
        ``"sample"``: 4,000 and 1,000 Fashion-MNIST pictures that ship with the package, balanced over the classes.

        ``"fashion-mnist"``: all 60,000 and 10,000, see :func:`load_data_fashion_mnist`.

        A folder: either with a folder of pictures for each class, of which about a fifth are set aside for the test;
        or with two folders ``train`` and ``test`` of that kind. See the notes.

        Arrays ``(images, labels)`` as :class:`Batches` takes them, of which a fifth are set aside, too; or
        ``((images, labels), (images, labels))``, for training and for the test.
    batch_size, resize, seed
        See :class:`Batches`. The training pictures are shuffled in each epoch, the test pictures are not. Pictures of a
        folder differ in size, so there ``resize`` is needed.
    channels, broken
        Of the pictures in a folder: 3 for colour or 1 for grey, and what to do about files that cannot be read; see
        :func:`gluon_cnn.pictures.read_folder`.
    held_out : iterable, optional
        The files of a folder that are for the test, whatever has been added to the folder since: their names, what
        :func:`describe` lists, or a :attr:`Batches.files`. One that was renamed is found by its SHA-256.

    Raises
    ------
    ValueError
        When there is no data set of that name and no such folder, when pictures and labels do not fit, or when a file
        of ``held_out`` is missing or has changed.
    TypeError
        When ``dataset`` is something else.

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
        return _batches(_train_and_test(dataset), batch_size, resize, seed)
    if dataset == "sample":
        sample = _read_folder(SAMPLE_FOLDER, verify=False)
        return _batches(sample, batch_size, resize, seed, FASHION_MNIST_CLASSES)
    if dataset == "fashion-mnist":
        return load_data_fashion_mnist(batch_size, resize, seed=seed)
    if _is(stat.S_ISDIR, dataset):
        return _load_folder(Path(dataset), batch_size, resize, seed, channels, broken, held_out)
    raise ValueError(
        f"there is no data set {str(dataset)!r}; choose one of {', '.join(map(repr, DATASETS))}, or name a folder that "
        "holds a folder of pictures for each class"
    )


def load_data_fashion_mnist(
    batch_size: int,
    resize: int | tuple[int, int] | None = None,
    root: str | Path | None = None,
    download: bool = False,
    seed: int | None = None,
) -> tuple[Batches, Batches]:
    """Return training and test batches of the full Fashion-MNIST: 60,000 and 10,000 pictures of 28x28 pixels.

    Parameters
    ----------
    batch_size, resize, seed
        See :class:`Batches`. The training pictures are shuffled in each epoch, the test pictures are not.
    root : str or Path, optional
        Folder to look in first. Then follow ``$GLUON_CNN_DATA``, mxnet's data folder and Debian's.
    download : bool
        Download the files (30 MB) when they are in none of these folders. Without it nothing uses the network.

    Returns
    -------
    train_iter, test_iter : Batches
        Pairs of float32 pictures (batch, 1, 28, 28) in 0..1, or resized, and int32 labels (batch,).

    Raises
    ------
    FileNotFoundError
        When no folder holds all four files. The message lists the folders and what to do.
    ValueError
        When a file is cut off or is not the original. The message names it.
    OSError
        When the download fails.

    References
    ----------
    Xiao, Rasul and Vollgraf, Fashion-MNIST: a novel image dataset for benchmarking machine learning algorithms, 2017.
    The function's name and arguments are those of notes C.
    """
    whole("batch_size", batch_size, 1)  # before the data is looked for, which may not be there
    size = None if resize is None else pair("resize", resize)
    return _batches(read_fashion_mnist(root, download), batch_size, size, seed, FASHION_MNIST_CLASSES)


def read_fashion_mnist(root: str | Path | None = None, download: bool = False) -> tuple[Split, Split]:
    """Return Fashion-MNIST as ``(train_images, train_labels), (test_images, test_labels)``.

    Images are uint8 of shape (N, 28, 28), labels uint8 of shape (N,). For the arguments and the errors see
    :func:`load_data_fashion_mnist`.
    """
    folder = find_fashion_mnist(root)
    if folder is None and download:
        folder = download_fashion_mnist(root)
    if folder is None:
        places = "\n".join(f"  {place} ({_state(place)})" for place in _places(root))
        raise FileNotFoundError(
            f"the full Fashion-MNIST is in none of these folders:\n{places}\n"
            "Either of these commands gets it:\n"
            "  gluon-cnn data                              (downloads 30 MB; in the course: make data)\n"
            "  sudo apt-get install dataset-fashion-mnist  (on Debian and Ubuntu)\n"
            'Without it, the sample in the package works offline: load_data("sample", batch_size)'
        )
    return _read_folder(folder, verify=True)


def find_fashion_mnist(root: str | Path | None = None) -> Path | None:
    """Return the first folder that holds all four files, or None."""
    return next((place for place in _places(root) if not _missing(place)), None)


def download_fashion_mnist(root: str | Path | None = None, hosts: Iterable[str] = HOSTS) -> Path:
    """Download the four files to ``root``, else to the first of the usual folders, and return that folder.

    A download that was cut off goes on where it stopped; a file counts only when its SHA-256 is right.
    """
    folder = _places(root)[0]
    hosts = list(hosts)
    for name, sha256 in CHECKSUMS.items():
        if _file(folder, name) is None:
            check = functools.partial(read_idx, sha256=sha256)
            download_file([f"{host}{name}.gz" for host in hosts], folder / f"{name}.gz", check)
    return folder


def cat() -> nd.NDArray:
    """Return a photo of a cat, uint8 of shape (300, 451, 3); it comes with scikit-image (``data.chelsea``)."""
    return picture("chelsea")


def picture(name: str) -> nd.NDArray:
    """Return one of the pictures in scikit-image's wheel as uint8, shape (H, W, 3), or (H, W) when it is grey.

    Parameters
    ----------
    name : str
        ``"chelsea"`` (a cat), ``"astronaut"``, ``"coffee"``, ``"camera"`` (grey), ...: a function of ``skimage.data``.

    Raises
    ------
    ImportError
        When scikit-image is not installed.
    ValueError
        When its wheel carries no picture of that name.
    """
    try:
        from skimage import data
    except ImportError as error:
        raise ImportError("the pictures come with scikit-image: pip install scikit-image") from error
    if name not in PICTURES:
        raise ValueError(f"there is no picture {name!r}; choose one of {', '.join(map(repr, PICTURES))}")
    pixels = getattr(data, name)()
    return nd.array(pixels, dtype="uint8")


def _places(root: str | Path | None) -> list[Path]:
    places = [Path(os.path.expanduser(root))] if root is not None else []
    if os.environ.get("GLUON_CNN_DATA"):
        places.append(Path(os.path.expanduser(os.environ["GLUON_CNN_DATA"])))
    places.append(Path(mx.base.data_dir()) / "datasets" / "fashion-mnist")
    return [*places, DEBIAN_FOLDER]


def _file(folder: Path, name: str) -> Path | None:
    return next((path for path in (folder / f"{name}.gz", folder / name) if _is(stat.S_ISREG, path)), None)


def _missing(folder: Path) -> list[str]:
    return [name for name in CHECKSUMS if _file(folder, name) is None]


def _state(folder: Path) -> str:
    if not os.path.isdir(folder):
        return "no such folder"
    missing = _missing(folder)
    return f"without {', '.join(missing)}" if len(missing) < len(CHECKSUMS) else "none of the four files"


def _read_folder(folder: Path, verify: bool) -> tuple[Split, Split]:
    train_images, train_labels, test_images, test_labels = (
        read_idx(_file(folder, name) or folder / name, sha256 if verify else None) for name, sha256 in CHECKSUMS.items()
    )
    return (train_images, train_labels), (test_images, test_labels)


def _is(kind: Callable[[int], bool], path: str | Path) -> bool:
    """Return whether a path is a folder (``stat.S_ISDIR``) or a file; raise OSError when it may not be looked at."""
    try:
        return kind(os.stat(path).st_mode)
    except PermissionError as error:
        raise OSError(error.errno, f"{shown(path)} cannot be read: {error.strerror}") from None
    except (OSError, ValueError):  # no such file, or a name that no file can have
        return False


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
        raise ValueError(f"the pictures in {shown(folder)} may differ in size: pass resize, the pixels of a side")
    size, parts = pair("resize", resize), [folder / "train", folder / "test"]
    if all(_is(stat.S_ISDIR, part) for part in parts):
        train = find_images(parts[0], prefix="train/")
        test = find_images(parts[1], train.classes, prefix="test/")
        images, skipped = read_images(train, size, channels, broken)
        test_images, more = read_images(test, size, channels, broken)
        left_out, skipped = train.left_out + test.left_out, skipped + more
        left_out["outside train and test"] = count_outside(folder, parts)
        listing, read = train, len(images.files) + len(test_images.files)
        chosen = None if held_out is None else listed(folder, test_images.files, held_out)
        if chosen is not None:
            left_out["not among those held out"] = int((~chosen).sum())
            read = read - left_out["not among those held out"]
            test_images = _of(test_images, chosen)
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
    train_batches, test_batches = (
        Batches(
            part.pixels, part.labels, batch_size, shuffle=shuffle, seed=seed, classes=listing.classes, files=part.files
        )
        for part, shuffle in ((images, True), (test_images, False))
    )
    return train_batches, test_batches


def _of(images: Images, chosen: np.ndarray) -> Images:
    files = [file for file, taken in zip(images.files, chosen) if taken]
    return Images(images.pixels[chosen], images.labels[chosen], files)


def _train_and_test(arrays: Any) -> tuple[Split, Split]:
    if len(arrays) != 2:
        raise ValueError(f"arrays must be (images, labels), or two such pairs for training and test; got {len(arrays)}")
    first, second = arrays
    if all(isinstance(part, (tuple, list)) and len(part) == 2 and np.ndim(part[1]) for part in arrays):
        return _pair_of_arrays(*first), _pair_of_arrays(*second)
    return _set_aside(*_pair_of_arrays(first, second))


def _pair_of_arrays(images: Any, labels: Any) -> Split:
    images, labels = as_numbers(images), as_numbers(labels)
    if images.shape[:1] != labels.shape:
        raise ValueError(
            f"images and labels must be (N, H, W) or (N, C, H, W) and (N,); got {images.shape} and {labels.shape}"
        )
    return images, labels


def _set_aside(images: np.ndarray, labels: np.ndarray) -> tuple[Split, Split]:
    chosen = chosen_by_order(labels)
    return (images[~chosen], labels[~chosen]), (images[chosen], labels[chosen])


def _batches(
    data: tuple[Split, Split],
    batch_size: int,
    resize: int | tuple[int, int] | None,
    seed: int | None,
    classes: Sequence[str] | None = None,
) -> tuple[Batches, Batches]:
    train = Batches(*data[0], batch_size, resize, shuffle=True, seed=seed, classes=classes)
    # a class that only the training pictures have counts in the test, too
    return train, Batches(*data[1], batch_size, resize, seed=seed, classes=train.classes)
