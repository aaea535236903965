"""CIFAR-10 from disk: the archive from the data set's own page, or the folder from Kaggle's competition."""

import csv
import hashlib
import tarfile
from pathlib import Path

import numpy as np
from gluon_cnn.data.download import download as download_file
from gluon_cnn.data.download import usual_folders
from gluon_cnn.data.held_out import TEST_SHARE, hash_position
from gluon_cnn.data.images import read_images

CIFAR10_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
ARCHIVE = "cifar-10-binary.tar.gz"
SHA256 = "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"
HOST = "https://www.cs.toronto.edu/~kriz/"
LABELS = "trainLabels.csv"  # of Kaggle's folder, whose images are train/1.png, train/2.png, ...

Split = tuple[np.ndarray, np.ndarray]  # images, labels


def read_cifar10(root: str | Path | None = None) -> tuple[Split, Split]:
    """Return CIFAR-10 as ``(train_images, train_labels), (test_images, test_labels)``.

    Images are uint8 of shape (N, 3, 32, 32), labels uint8 of shape (N,). They are read from the first of
    ``root``, ``$GLUON_CNN_DATA`` and MXNet's data folder that holds the archive, whose SHA-256 is checked, or Kaggle's
    labels. Kaggle's test labels are not public, so a fifth of its labelled images are held out for testing, by name.

    Source: Krizhevsky, Learning multiple layers of features from tiny images, 2009.
    """
    for folder in usual_folders("cifar-10", root):
        if (folder / ARCHIVE).is_file():
            return read_archive(folder / ARCHIVE)
        if (folder / LABELS).is_file():
            return _read_kaggle(folder)
    names = "\n".join(f"  {folder}" for folder in usual_folders("cifar-10", root))
    raise FileNotFoundError(
        f"CIFAR-10 is in none of these folders:\n{names}\n"
        f"Put {ARCHIVE} (or Kaggle's train/ and {LABELS}) into one of them, or download it (170 MB):\n"
        "  gluon-cnn data cifar-10"
    )


def download_cifar10(root: str | Path | None = None) -> Path:
    """Download the archive to ``root``, else to the first of the usual folders, and return its path."""
    path = usual_folders("cifar-10", root)[0] / ARCHIVE
    if not path.exists():
        download_file([HOST + ARCHIVE], path, _check)
    return path


def read_archive(path: Path, sha256: str = SHA256) -> tuple[Split, Split]:
    """Read the archive: six files of records, each a label and 3,072 bytes (red, green, blue)."""
    _check(path, sha256)
    parts = {}
    with tarfile.open(path) as archive:
        for name in (*(f"data_batch_{k}" for k in range(1, 6)), "test_batch"):
            file = archive.extractfile(f"cifar-10-batches-bin/{name}.bin")
            records = np.frombuffer(file.read() if file else b"", np.uint8).reshape(-1, 1 + 3 * 32 * 32)
            parts[name] = records[:, 1:].reshape(-1, 3, 32, 32), records[:, 0]
    test = parts.pop("test_batch")
    images, labels = zip(*parts.values())
    return (np.concatenate(images), np.concatenate(labels)), test


def _check(path: Path, sha256: str = SHA256) -> None:
    if hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
        raise ValueError(f"{path} is not the archive of CIFAR-10 or is damaged (incorrect SHA-256): get it again")


def _read_kaggle(folder: Path) -> tuple[Split, Split]:
    with open(folder / LABELS, newline="") as file:
        rows = [(row["id"], row["label"]) for row in csv.DictReader(file)]
    unknown = sorted({label for _, label in rows} - set(CIFAR10_CLASSES))
    if unknown or not rows:
        raise ValueError(f"{folder / LABELS} must have the columns id and label; got {unknown[:3] or 'no row'}")
    images = read_images([folder / "train" / f"{name}.png" for name, _ in rows], (32, 32))
    labels = np.array([CIFAR10_CLASSES.index(label) for _, label in rows], np.uint8)
    chosen = np.array([hash_position(f"{name}.png") < TEST_SHARE for name, _ in rows])
    return (images[~chosen], labels[~chosen]), (images[chosen], labels[chosen])
