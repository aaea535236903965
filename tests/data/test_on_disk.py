"""Folders that do not fit into memory."""

import itertools

import gluon_cnn as g
import numpy as np
import pytest
from gluon_cnn.data import on_disk
from PIL import Image


@pytest.fixture
def folder(tmp_path):
    for name, k in itertools.product("ab", range(20)):
        (tmp_path / name).mkdir(exist_ok=True)
        Image.fromarray(np.random.RandomState(ord(name) + k).randint(256, size=(9, 12, 3), dtype="uint8")).save(
            tmp_path / name / f"{k}.png"
        )
    return tmp_path


def epochs(folder):
    return [
        [(X.asnumpy(), y.asnumpy()) for X, y in part]
        for part in g.load_data(folder, 8, 8, seed=1, validation=0.2, augment="flip", normalize="train")
        for _ in range(2)
    ]


def test_the_same_batches_as_from_memory(folder, monkeypatch):
    in_memory = epochs(folder)
    monkeypatch.setattr(on_disk, "MAX_MEMORY_FRACTION", 0)
    train, validation, test = g.load_data(folder, 8, 8, validation=0.2)
    for part in (train, validation, test):
        assert isinstance(part.images, on_disk.LazyImages)
        assert part.images.shape == (len(part.labels), 3, 8, 8)
    for expected, got in zip(in_memory, epochs(folder), strict=True):
        for (X, y), (Z, w) in zip(expected, got, strict=True):
            np.testing.assert_array_equal(X, Z)
            np.testing.assert_array_equal(y, w)


def test_a_file_that_goes_away_is_named(folder, monkeypatch):
    monkeypatch.setattr(on_disk, "MAX_MEMORY_FRACTION", 0)
    train, _ = g.load_data(folder, 8, 8)
    gone = folder / train.files[0].name
    gone.unlink()
    with pytest.raises(FileNotFoundError, match=gone.name):
        list(train)


def test_training_and_evaluation(folder, monkeypatch):
    monkeypatch.setattr(on_disk, "MAX_MEMORY_FRACTION", 0)
    from gluon_cnn.experiments.experiment import experiment

    run = experiment("lenet", folder, resize=28, num_epochs=2, batch_size=8, verbose=False)
    assert g.evaluate_accuracy(run.test_images(), run.net) == run.history.test_accuracy[-1]
