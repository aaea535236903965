"""Fashion-MNIST: the sample in the package, and the full data set from disk or the network."""

from __future__ import annotations

import functools
import os
import stat
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from gluon_cnn.data.download import download as download_file
from gluon_cnn.data.download import usual_folders
from gluon_cnn.data.folders import has_mode
from gluon_cnn.data.idx import read_idx
from mxnet import nd

FASHION_MNIST_CLASSES = (
    *("t-shirt", "trouser", "pullover", "dress", "coat"),
    *("sandal", "shirt", "sneaker", "bag", "ankle boot"),
)
Split = tuple[np.ndarray, np.ndarray]  # images, labels
SAMPLE_FOLDER = Path(__file__).parent / "fashion_mnist_sample"
DEBIAN_FOLDER = Path("/usr/share/datasets/fashion-mnist")

# SHA-256 of the decompressed files, which does not depend on the compression.
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


def fashion_mnist_labels(labels: Iterable[int] | nd.NDArray) -> list[str]:
    """Return the class names of Fashion-MNIST labels, 0..9, from any iterable, NumPy array or NDArray."""
    numbers = labels.asnumpy() if isinstance(labels, nd.NDArray) else labels
    names = []
    for number in numbers:
        if number not in range(len(FASHION_MNIST_CLASSES)):
            raise ValueError(f"Fashion-MNIST labels are 0 to {len(FASHION_MNIST_CLASSES) - 1}; got {number}")
        names.append(FASHION_MNIST_CLASSES[int(number)])
    return names


def read_fashion_mnist(root: str | Path | None = None, download: bool = False) -> tuple[Split, Split]:
    """Return Fashion-MNIST as ``(train_images, train_labels), (test_images, test_labels)``.

    Images are uint8 of shape (N, 28, 28), labels uint8 of shape (N,). For the arguments see
    :func:`gluon_cnn.load_data_fashion_mnist`.
    """
    folder = find_fashion_mnist(root)
    if folder is None and download:
        folder = download_fashion_mnist(root)
    if folder is None:
        places = "\n".join(f"  {place} ({_state(place)})" for place in _places(root))
        raise FileNotFoundError(
            f"the full Fashion-MNIST is in none of these folders:\n{places}\n"
            "Either of these commands installs it:\n"
            "  gluon-cnn data                              (downloads 30 MB; in the course: make data)\n"
            "  sudo apt-get install dataset-fashion-mnist  (on Debian and Ubuntu)\n"
            'Without it, the sample in the package works offline: load_data("sample", batch_size)'
        )
    return read_files(folder, verify=True)


def find_fashion_mnist(root: str | Path | None = None) -> Path | None:
    """Return the first folder that contains all four files, or None."""
    return next((place for place in _places(root) if not _missing(place)), None)


def download_fashion_mnist(root: str | Path | None = None, hosts: Iterable[str] = HOSTS) -> Path:
    """Download the four files to ``root`` or else the first of the usual folders, and return that folder.

    An interrupted download resumes where it stopped; a file is accepted only if its SHA-256 matches.
    """
    folder = _places(root)[0]
    hosts = list(hosts)
    for name, sha256 in CHECKSUMS.items():
        if _file(folder, name) is None:
            check = functools.partial(read_idx, sha256=sha256)
            download_file([f"{host}{name}.gz" for host in hosts], folder / f"{name}.gz", check)
    return folder


def _places(root: str | Path | None) -> list[Path]:
    return [*usual_folders("fashion-mnist", root), DEBIAN_FOLDER]


def _file(folder: Path, name: str) -> Path | None:
    return next((path for path in (folder / f"{name}.gz", folder / name) if has_mode(stat.S_ISREG, path)), None)


def _missing(folder: Path) -> list[str]:
    return [name for name in CHECKSUMS if _file(folder, name) is None]


def _state(folder: Path) -> str:
    if not os.path.isdir(folder):
        return "no such folder"
    missing = _missing(folder)
    return f"without {', '.join(missing)}" if len(missing) < len(CHECKSUMS) else "none of the four files"


def read_files(folder: Path, verify: bool) -> tuple[Split, Split]:
    train_images, train_labels, test_images, test_labels = (
        read_idx(_file(folder, name) or folder / name, sha256 if verify else None) for name, sha256 in CHECKSUMS.items()
    )
    return (train_images, train_labels), (test_images, test_labels)
