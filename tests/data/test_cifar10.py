"""CIFAR-10's readers on small files in both formats."""

import csv
import hashlib
import io
import tarfile

import gluon_cnn as g
import numpy as np
import pytest
from gluon_cnn.data import cifar10
from PIL import Image

PIXELS = np.random.RandomState(0).randint(256, size=(60, 3, 32, 32), dtype=np.uint8)
LABELS = np.arange(60, dtype=np.uint8) % 10


@pytest.fixture
def archive(no_usual_places, monkeypatch):
    """Ten images in each of the six files."""
    path = no_usual_places / "data" / cifar10.ARCHIVE
    path.parent.mkdir()
    with tarfile.open(path, "w:gz") as tar:
        for k, name in enumerate([*(f"data_batch_{k}" for k in range(1, 6)), "test_batch"]):
            part = slice(10 * k, 10 * k + 10)
            content = np.column_stack([LABELS[part], PIXELS[part].reshape(10, -1)]).tobytes()
            member = tarfile.TarInfo(f"cifar-10-batches-bin/{name}.bin")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    monkeypatch.setenv("GLUON_CNN_DATA", str(path.parent))
    check, right = cifar10._check, hashlib.sha256(path.read_bytes()).hexdigest()
    monkeypatch.setattr(cifar10, "_check", lambda path, sha256=None: check(path, right))
    return path


def test_the_official_archive(archive):
    train, test = g.load_data("cifar-10", 50)
    np.testing.assert_array_equal(train.images, PIXELS[:50])
    np.testing.assert_array_equal(test.labels, LABELS[50:])
    assert train.classes[3] == "cat"
    (X, _), *_ = g.load_data("cifar-10", 10, augment=["flip", "crop"], normalize="train", validation=0.2)[0]
    assert X.shape == (10, 3, 32, 32)


def test_a_damaged_archive_is_refused(archive):
    archive.write_bytes(archive.read_bytes()[:-1] + b"x")
    with pytest.raises(ValueError, match="SHA-256"):
        g.load_data("cifar-10", 5)


def test_kaggles_folder(no_usual_places, monkeypatch):
    folder = no_usual_places / "kaggle"
    (folder / "train").mkdir(parents=True)
    with open(folder / "trainLabels.csv", "w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["id", "label"])
        for k, (pixels, label) in enumerate(zip(PIXELS, LABELS), 1):
            Image.fromarray(pixels.transpose(1, 2, 0)).save(folder / "train" / f"{k}.png")
            rows.writerow([k, cifar10.CIFAR10_CLASSES[label]])
    monkeypatch.setenv("GLUON_CNN_DATA", str(folder))
    train, test = g.load_data("cifar-10", 8)
    assert len(train.labels) + len(test.labels) == 60
    assert 5 < len(test.labels) < 20
    for image, label in zip(test.images, test.labels):
        (k,) = (image == PIXELS).all((1, 2, 3)).nonzero()[0]
        assert LABELS[k] == label
    (folder / "trainLabels.csv").write_text("id,label\n1,car\n")
    with pytest.raises(ValueError, match=r"got \['car'\]"):
        g.load_data("cifar-10", 8)


def test_where_it_was_looked_for(no_usual_places):
    with pytest.raises(FileNotFoundError, match="gluon-cnn data cifar-10"):
        g.load_data("cifar-10", 8)
