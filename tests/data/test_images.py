"""A user's own pictures: files of different sizes, grey and colour, one of them broken."""

import gluon_cnn as g
import numpy as np
import pytest
from gluon_cnn.data import images as pictures
from gluon_cnn.experiments.experiment import experiment
from PIL import Image, ImageOps

pytestmark = pytest.mark.filterwarnings("ignore:using the CPU:UserWarning")  # no test needs a GPU

RED, BLUE = (250, 10, 10), (10, 10, 250)


@pytest.fixture
def folder(tmp_path, write_images):
    """Ten red and ten blue pictures, as JPEG and PNG, each of another size."""
    for k in range(10):
        ending = ("jpg", "png")[k % 2]
        write_images(tmp_path, {f"red/{k}.{ending}": RED}, (20 + k, 40 - k))
        write_images(tmp_path, {f"blue/{k}.{ending}": BLUE}, (40 - k, 20 + k))
    (tmp_path / "red" / "notes.txt").write_text("not a picture, and not named like one")
    return tmp_path


def test_a_folder_of_pictures_trains_a_network(folder, write_images):
    run = experiment("lenet", folder, resize=28, batch_size=4, num_epochs=3, learning_rate=0.05)
    assert run.classes == ("blue", "red")
    assert run.input_shape == (3, 28, 28)
    assert run.history.images == [16] * 3
    assert run.history.test_accuracy[-1] == 1
    write_images(folder, {"new.png": RED}, (100, 50))
    (probabilities,) = run.predict([folder / "new.png"])
    assert probabilities.argmax() == 1


def test_a_folder_with_train_and_test(tmp_path, write_images):
    both = {"red/1.png": RED, "blue/1.png": BLUE}
    split = write_images(tmp_path, {f"{part}/{name}": both[name] for part in ("train", "test") for name in both})
    train, test = g.load_data(split, 2, resize=4)
    for part in (train, test):
        assert part.classes == ("blue", "red")
        np.testing.assert_array_equal(part.images[:, :, 0, 0], [BLUE, RED])
    write_images(split, {"test/green/1.png": (0, 255, 0)})
    with pytest.raises(ValueError, match="test has the classes blue, green, red; expected blue, red"):
        g.load_data(split, 2, resize=4)


def test_broken_files_are_refused_or_skipped_by_name(folder):
    """One of each kind: tests/test_wrong_files.py."""
    (folder / "red" / "0.jpg").write_bytes(b"hello")
    with pytest.raises(ValueError, match=r"red.0\.jpg cannot be read as an image .* pass broken='skip'"):
        g.load_data(folder, 4, resize=8)
    with pytest.warns(UserWarning, match=r"skipped: .*red.0\.jpg cannot be read"):
        train, test = g.load_data(folder, 4, resize=8, broken="skip")
    assert len(train.labels) + len(test.labels) == 19
    for other in (folder / "red").glob("[1-7].*"):
        other.write_bytes(b"")
    with pytest.raises(ValueError, match="and 3 more: repair"):
        g.load_data(folder, 4, resize=8)


def test_nothing_is_stretched_the_middle_is_kept(tmp_path):
    pixels = np.zeros((10, 30, 3), np.uint8)
    pixels[:, 10:20] = RED
    Image.fromarray(pixels).save(tmp_path / "wide.png")
    read = pictures.read_image(tmp_path / "wide.png", (10, 10))
    np.testing.assert_array_equal(read, np.broadcast_to(np.array(RED)[:, None, None], (3, 10, 10)))


@pytest.mark.parametrize("orientation", [1, 6])  # upright, and lying on its side
def test_a_large_jpeg_shows_the_same_as_a_png(tmp_path, orientation):
    """It is decoded at a fraction of its size."""
    exif = Image.Exif()
    exif[274] = orientation
    rows, columns = np.ogrid[:1200, :1600]
    waves = [np.sin(rows / 30 + k) + np.sin(columns / 50 - k) for k in range(3)]
    photo = Image.fromarray((64 * np.stack(waves, axis=2) + 128).astype(np.uint8))
    photo.save(tmp_path / "photo.jpg", exif=exif, quality=95)
    with Image.open(tmp_path / "photo.jpg") as opened:
        ImageOps.exif_transpose(opened).save(tmp_path / "photo.png")
    jpeg, png = pictures.read_images([tmp_path / f"photo.{extension}" for extension in ("jpg", "png")], (64, 96))
    difference = np.abs(jpeg.astype(int) - png)
    assert 0 < difference.mean() < 1
    assert difference.max() < 16


def test_a_damaged_note_of_the_camera_leaves_the_pixels(tmp_path):
    Image.new("L", (9, 9), 77).save(tmp_path / "1.jpg", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    assert abs(int(pictures.read_image(tmp_path / "1.jpg", (4, 4), 1)[0, 0, 0]) - 77) < 3


@pytest.mark.parametrize(
    ("folders", "message"),
    [
        ([], "holds no folders: make one for each class"),
        (["red"], "holds only the folder red: make one for each class"),
        (["red", "blue"], "blue contains no image"),
        (["train", "val"], "holds train and val, which are not classes: call them train and test"),
    ],
)
def test_folders_that_are_no_data_set(tmp_path, folders, message):
    for name in folders:
        (tmp_path / name).mkdir()
    with pytest.raises(ValueError, match=message):
        g.load_data(tmp_path, 4, resize=8)


def test_wrong_arguments_are_named(folder):
    with pytest.raises(ValueError, match="may differ in size: pass resize"):
        g.load_data(folder, 4)
    with pytest.raises(ValueError, match="broken must be 'refuse' or 'skip'; got 'ignore'"):
        g.load_data(folder, 4, resize=8, broken="ignore")
    with pytest.raises(ValueError, match="channels must be 1 or 3; got 4"):
        g.load_data(folder, 4, resize=8, channels=4)
    with pytest.raises(OSError, match="there is no file nowhere.png"):
        pictures.read_image("nowhere.png", (4, 4))
