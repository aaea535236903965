"""What a data set says of itself, and what a list of held-out files fixes."""

import json
import shutil

import gluon_cnn as g
import numpy as np
import pytest
from gluon_cnn.data import datasets, description

ALL = [f"{name}/{k}.png" for name in ("blue", "red") for k in range(12)]


@pytest.fixture
def folder(tmp_path, write_images):
    """Twelve images of each of two classes, no two alike."""
    colours = {"blue": 0, "red": 100}
    return write_images(tmp_path, {f"{name}/{k}.png": first + k for name, first in colours.items() for k in range(12)})


def loaded(folder, **options):
    return datasets.load_data(folder, 4, 8, channels=1, **options)


def described(folder, **options):
    return json.loads(json.dumps(description.describe(*loaded(folder, **options))))


def names(description, part="test"):
    return [file["name"] for file in description[part]["files"]]


def test_a_folder_is_described_by_its_files(folder):
    told = described(folder)
    assert told["classes"] == ["blue", "red"]
    how = {"channels": 1, "height": 8, "width": 8, "resize": "crop", "divisor": 255, "transform": ""}
    assert told["preprocessing"] == how
    assert told["training"]["count"] + told["test"]["count"] == 24
    assert sorted(names(told) + names(told, "training")) == sorted(ALL)
    first = told["test"]["files"][0]
    assert first["size"] == (folder / first["name"]).stat().st_size
    assert len(first["sha256"]) == 64
    assert described(folder) == told


def test_arrays_are_described_by_their_contents():
    images = np.arange(40, dtype=np.uint8).reshape(10, 2, 2)
    told = [description.describe(*g.load_data((images + k, np.arange(10) % 2), 4, resize=6)) for k in (0, 0, 1)]
    assert told[0] == told[1]
    how = {"channels": 1, "height": 6, "width": 6, "resize": "stretch", "divisor": 255, "transform": ""}
    assert told[0]["preprocessing"] == how
    assert told[0]["test"]["files"] is None
    assert description.difference(told[0], told[1]) is None
    assert "training images: there were 8; now there are 8, and they are different" in description.difference(*told[1:])
    floats = description.describe(*g.load_data((images / 9, np.arange(10) % 2), 4))["preprocessing"]
    assert (floats["resize"], floats["divisor"]) == (None, 1)


def test_what_differs_is_named(folder, write_images):
    before = described(folder)
    trained, tested = names(before, "training")[0], names(before)[0]
    (folder / trained).unlink()
    write_images(folder, {tested: 255, "blue/new.png": 254})
    text = description.difference(before, described(folder, held_out=names(before)))
    assert text == (
        f"training images: 1 added (blue/new.png), 1 missing ({trained}); test images: 1 changed ({tested})"
    )
    assert description.difference(before, before) is None
    other = {**before, "preprocessing": {**before["preprocessing"], "height": 9}}
    assert description.difference(before, other) == "height of the images was 8; now it is 9"
    (folder / "blue").rename(folder / "sky")
    text = description.difference(before, described(folder))
    assert text == "the classes were blue, red; now they are red, sky"


def test_exactly_the_listed_files_are_held_out(folder, write_images):
    before = described(folder)
    write_images(folder, {f"red/later {k}.png": 200 + k for k in range(40)})
    now = described(folder, held_out=before["test"]["files"])
    assert now["test"] == before["test"]
    assert now["training"]["count"] == before["training"]["count"] + 40
    assert len(names(described(folder))) > len(names(before))
    assert described(folder, held_out=iter(names(before)))["test"] == before["test"]
    test = loaded(folder, held_out=names(before))[1]
    assert loaded(folder, held_out=test.files)[1].files == test.files
    assert description.difference(before, now, ["test"]) is None


def test_a_held_out_file_is_known_by_its_contents_when_it_was_renamed(folder):
    before = described(folder)
    old = names(before)[0]
    (folder / old).rename(folder / "blue" / "another name.png")
    shutil.copy(folder / names(before)[1], folder / "red" / "the same.png")  # no reason to hold this out, too
    now = described(folder, held_out=before["test"]["files"])
    assert names(now) == sorted(["blue/another name.png", *names(before)[1:]])


def test_held_out_files_alike_are_all_found(folder, write_images):
    write_images(folder, {"blue/1.png": 255, "blue/2.png": 255})
    test = loaded(folder, held_out=["blue/1.png", "blue/2.png"])[1]
    for name in ("blue/1.png", "blue/2.png"):
        (folder / name).rename(folder / name.replace("blue/", "blue/new "))
    assert [file.name for file in loaded(folder, held_out=test.files)[1].files] == ["blue/new 1.png", "blue/new 2.png"]


def test_a_held_out_file_that_is_missing_or_changed_is_named(folder, write_images):
    before = described(folder)["test"]["files"]
    write_images(folder, {before[0]["name"]: 255})
    with pytest.raises(ValueError, match=f"1 of {len(before)} held-out .* missing .*: {before[0]['name']}; restore"):
        loaded(folder, held_out=before)
    (folder / before[0]["name"]).unlink()
    with pytest.raises(ValueError, match=before[0]["name"]):
        loaded(folder, held_out=[file["name"] for file in before])


def test_a_list_for_a_folder_with_train_and_test(folder, write_images):
    files = [f"{c}/{k}.png" for c in ("blue", "red") for k in range(2)]
    whole = write_images(folder / "whole", {f"{part}/{file}": 0 for part in ("train", "test") for file in files})
    before = described(whole)
    assert names(before) == [f"test/{file}" for file in files]
    write_images(whole, {"test/red/2.png": 9})
    with pytest.warns(UserWarning, match="8 of 9 files read; 1 not among those held out"):
        assert described(whole, held_out=before["test"]["files"]) == before


@pytest.mark.parametrize(
    ("held_out", "error", "message"),
    [
        ([], ValueError, "held_out is empty"),
        (ALL, ValueError, "leave some to train on"),
        ("blue/1.png", TypeError, "held_out must be a list of files"),
        ({"name": "blue/1.png"}, TypeError, "held_out must be a list of files"),
    ],
)
def test_lists_that_cannot_be(folder, held_out, error, message):
    with pytest.raises(error, match=message):
        loaded(folder, held_out=held_out)
    for dataset in ("sample", (np.zeros((4, 2, 2)), np.array([0, 0, 1, 1]))):
        with pytest.raises(ValueError, match="held_out names files of a folder of images"):
            g.load_data(dataset, 4, held_out=held_out)
