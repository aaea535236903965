"""What people met with folders of images elsewhere, replayed; each has the issue of another project beside it."""

from __future__ import annotations

import io
import itertools
import os
import subprocess
import sys
import unicodedata
from pathlib import Path

import gluon_cnn as g
import numpy as np
import pytest
from gluon_cnn.data import description, folders, held_out
from gluon_cnn.data import images as pictures
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFile

SIZE = (4, 4)
NO_WARNING: list[str] = []


def write(path, value=100, kind=None, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (8, 8), value).save(path, kind, **options)


@pytest.fixture
def folder(tmp_path):
    """Three images of each of two classes."""
    for name, k in itertools.product("ab", range(3)):
        write(tmp_path / "pics" / name / f"{k}.png", k)
    return tmp_path / "pics"


def told(recwarn):
    return [str(warning.message) for warning in recwarn]


# 35 (keras PR#6152): which images are held out when the folder changes

NAMES = st.lists(st.text(st.characters(blacklist_categories=["Cs"]), min_size=1, max_size=9), min_size=2, unique=True)


def held_out_of(names, classes="ab"):
    files = [f"{c}/{name}" for c in classes for name in sorted(names)]
    labels = np.repeat([0, 1], len(names)).astype(np.int32)
    chosen = held_out.split_by_name(files, labels)
    return {file for file, taken in zip(files, chosen) if taken}


@given(NAMES)
def test_each_class_has_both_parts(names):
    chosen = held_out_of(names)
    for name in "ab":
        assert 1 <= sum(each.startswith(name) for each in chosen) < len(names)


@given(NAMES, NAMES)
def test_other_files_and_the_class_name_decide_nothing(before, after):
    """The exception is a class of which the hash takes none or all: two names, one of each kind, rule it out."""
    low = next(f"{k}.jpg" for k in itertools.count() if held_out.hash_position(f"{k}.jpg") < held_out.TEST_SHARE)
    high = next(f"{k}.jpg" for k in itertools.count() if held_out.hash_position(f"{k}.jpg") >= held_out.TEST_SHARE)
    first, second = ({low, high, *names} for names in (before, after))
    both = {f"{c}/{name}" for c in "ab" for name in first & second}
    assert held_out_of(first) & both == held_out_of(second) & both
    assert {name[1:] for name in held_out_of(first, "xy")} == {name[1:] for name in held_out_of(first)}


def test_about_a_fifth_is_held_out():
    chosen = held_out_of([f"IMG_{k:04}.JPG" for k in range(5000)])
    assert 0.19 < len(chosen) / 10_000 < 0.21


def test_a_name_in_either_normal_form_is_the_same_name(tmp_path):
    chosen = []
    for form in ("NFC", "NFD"):
        place = tmp_path / form
        for name, k in itertools.product(("áé", "ñ"), range(8)):
            write(place / unicodedata.normalize(form, name) / unicodedata.normalize(form, f"ü {k}.png"), k)
        train, test = g.load_data(place, 4, SIZE)
        assert train.classes == ("áé", "ñ")
        chosen.append([file.name for file in test.files])
    assert chosen[0] == chosen[1]
    write(tmp_path / "NFC" / unicodedata.normalize("NFD", "ñ") / "1.png")
    with pytest.raises(ValueError, match="NFC contains two folders whose names are both 'ñ': merge them"):
        g.load_data(tmp_path / "NFC", 4, SIZE)


# 5f (keras#5862): a class that is too small to be split


def test_the_class_that_is_too_small_is_named(folder):
    for k in (1, 2):
        (folder / "b" / f"{k}.png").unlink()
    with pytest.raises(ValueError, match="class b contains a single image"):
        g.load_data(folder, 4, SIZE)


# 5c (pytorch/vision PR#1580): links to folders


def test_links_to_folders_are_followed_and_never_in_circles(folder, recwarn):
    store = folder.parent / "store"
    write(store / "1.png")
    write(store / "deep" / "2.png")
    (folder / "a" / "more").symlink_to(store)
    (folder / "a" / "again").symlink_to(store, target_is_directory=True)  # the same images once more
    (folder / "a" / "self").symlink_to(".")
    (folder / "a" / "up").symlink_to("..")
    (folder / "a" / "top").symlink_to("/")
    (store / "deep" / "back").symlink_to(store)
    (store / "home").symlink_to(folder)
    (folder / "all").symlink_to(folder.parent)
    (folder / "c").symlink_to(store / "deep")
    listing = folders.find_images(folder)
    assert listing.classes == ("a", "b", "c")
    names = [name for name, _, _ in listing.images]
    assert names[:5] == ["a/0.png", "a/1.png", "a/2.png", "a/again/1.png", "a/again/deep/2.png"]
    assert names[5:] == ["b/0.png", "b/1.png", "b/2.png", "c/2.png"]
    assert told(recwarn) == NO_WARNING


def test_a_folder_itself_comes_before_a_link_to_it(folder):
    write(folder / "a" / "real" / "1.png")
    (folder / "a" / "first").symlink_to("real")
    assert "a/real/1.png" in [name for name, _, _ in folders.find_images(folder).images]
    assert len(folders.find_images(folder).images) == 7


def test_links_that_lead_nowhere_are_counted(folder, recwarn):
    (folder / "a" / "gone").symlink_to(folder.parent / "nothing")
    (folder / "b" / "one").symlink_to("two")
    (folder / "b" / "two").symlink_to("one")
    (folder / "c").symlink_to("/not/mounted")
    assert len(pictures.read_folder(folder, SIZE)[0]) == 6
    assert told(recwarn) == [f"{folder}: 6 of 10 files read; 4 broken links"]


# 5d (clip-interrogator-ext#50): endings


def test_what_is_left_out_is_counted_in_one_line(folder, recwarn):
    for k in range(50):
        (folder / "a" / f"IMG_{k}.HEIC").touch()
    for k in range(5):
        write(folder / f"{k}.png")
    assert len(pictures.read_folder(folder, SIZE)[0]) == 6
    assert told(recwarn) == [f"{folder}: 6 of 61 files read; 50 .heic not supported, 5 outside class folders"]


def test_a_split_folder_and_broken_files_are_counted_together(folder, recwarn):
    whole = folder.parent / "whole"
    for part in ("train", "test"):
        for name, k in itertools.product("ab", range(2)):
            write(whole / part / name / f"{k}.png")
    for name in ("train/a/1.MOV", "test/b/2.cr2", "val/a/1.png", "3.png"):
        (whole / name).parent.mkdir(parents=True, exist_ok=True)
        (whole / name).touch()
    (whole / "train" / "a" / "noname").touch()
    (whole / "test" / "a" / "empty.jpg").touch()
    (whole / "val" / "up").symlink_to(whole)
    g.load_data(whole, 4, SIZE, broken="skip")
    empty = whole / "test" / "a" / "empty.jpg"
    assert told(recwarn) == [
        f"skipped: {empty} cannot be read as an image (the file is empty); {whole}: 8 of 14 files read; "
        "2 outside train and test, 1 .cr2 not supported, 1 .mov not supported, "
        "1 without a file extension not supported"
    ]


def test_many_kinds_are_told_in_short(folder, recwarn):
    for kind in "abcdefg":
        (folder / "a" / f"1.{kind}").touch()
    (folder / "a" / "2.g").touch()
    pictures.read_folder(folder, SIZE)
    kinds = ", ".join(["2 .g not supported", *(f"1 .{kind} not supported" for kind in "abcd"), "2 of other types"])
    assert told(recwarn) == [f"{folder}: 6 of 14 files read; {kinds}"]


def test_a_class_of_another_kind_of_file_says_so(folder):
    (folder / "c").mkdir()
    (folder / "c" / "1.HEIC").touch()
    with pytest.raises(ValueError, match=r"pics.c contains no image \(1 .heic not supported\)"):
        pictures.read_folder(folder, SIZE)


@pytest.mark.parametrize(
    ("extension", "kind"),
    [
        *((name, "JPEG") for name in ("jfif", "JPE", "pjpeg", "Jpg")),
        ("apng", "PNG"),
        *((name, None) for name in ("TIFF", "jp2", "ppm", "tga", "dib", "mpo", "pcx", "avif")),
    ],
)
def test_other_names_of_formats_are_read(folder, recwarn, extension, kind):
    try:
        write(folder / "a" / f"x.{extension}", 100, kind)
    except (ValueError, OSError) as error:
        pytest.skip(f"this Pillow does not write it: {error}")
    images, _, _ = pictures.read_folder(folder, SIZE)
    assert len(images) == 7
    assert abs(int(images[3, 0, 0, 0]) - 100) < 3
    assert told(recwarn) == NO_WARNING


# 5a (pytorch/vision#2831), 4 (turicreate#641): what systems leave behind

LEFT_BEHIND = [
    *(".DS_Store", "._0.png", "Thumbs.db", "a/Thumbs.db", "a/DESKTOP.INI", "a/.DS_Store", "a/._0.png", "a/Icon\r"),
    *("@eaDir/x.png", "a/@eaDir/0.png/SYNO_M.jpg", "__MACOSX/a/._0.png", "a/__MACOSX/1.png", "a/.picasa.ini"),
    *(".ipynb_checkpoints/1.png", "a/.ipynb_checkpoints/0-checkpoint.png", ".git/a/1.png", "a/ehthumbs.db"),
    *("$RECYCLE.BIN/1.png", "a/#recycle/1.png", "lost+found/1.png", "System Volume Information/1.png"),
]


def test_what_systems_leave_behind_is_not_looked_at(folder, recwarn):
    for name in LEFT_BEHIND:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"not an image")
    for name in ("README.md", "labels.csv", "a/notes.txt", "a/IMG_1.AAE", "a/1.jpg.json", "a/1.xmp"):
        (folder / name).write_text("notes")
    images, _, classes = pictures.read_folder(folder, SIZE)
    assert (len(images), classes) == (6, ("a", "b"))
    assert told(recwarn) == NO_WARNING


@pytest.mark.parametrize("broken", ["refuse", "skip"])
def test_a_broken_file_has_its_name_and_its_fault_in_one_line(folder, broken, recwarn):
    (folder / "a" / "two\nlines.jpg").write_bytes(b"")
    (folder / "a" / "page.jpg").write_bytes(b"<!DOCTYPE html>")
    if broken == "refuse":
        with pytest.raises(ValueError, match=r"page.jpg .*begins with b'<!DOCTYPE .*two\\nlines.jpg .*file is empty"):
            pictures.read_folder(folder, SIZE)
    else:
        assert len(pictures.read_folder(folder, SIZE, broken=broken)[0]) == 6
        (text,) = told(recwarn)
        assert text.endswith("6 of 8 files read")
        assert "\n" not in text


# 22a: names

ODD = [
    "a b.png",
    "a\nb.png",
    "'\"$(x).png",
    "é.png",
    "😀.PNG",
    "-rf.png",
    "%s{}.png",
    "A.png",
    "Ä.png",
    "x" * 251 + ".png",
]


def test_any_name_is_read(folder, recwarn):
    image = (folder / "a" / "0.png").read_bytes()
    for name in [*map(os.fsencode, ODD), b"\xe9\xff.png"]:
        Path(os.fsdecode(os.fsencode(folder / "a") + b"/" + name)).write_bytes(image)
    os.mkdir(os.fsencode(folder) + b"/\xe9t\xe9")
    for k in range(2):
        Path(os.fsdecode(os.fsencode(folder) + b"/\xe9t\xe9/%d.png" % k)).write_bytes(image)
    train, test = g.load_data(folder, 4, SIZE)
    assert len(train.labels) + len(test.labels) == 6 + len(ODD) + 1 + 2
    assert train.classes == ("a", "b", "\udce9t\udce9")
    assert told(recwarn) == NO_WARNING
    again = g.load_data(folder, 4, SIZE, held_out=description.describe(train, test)["test"]["files"])[1]
    assert again.files == test.files


def test_class_names_of_other_bytes_are_told_in_one_printable_line(folder):
    (folder / os.fsdecode(b"\xe9\n")).mkdir()
    with pytest.raises(ValueError, match=r"pics.\\udce9\\n contains no image"):
        pictures.read_folder(folder, SIZE)


CODE = """
import sys
from gluon_cnn.data import datasets
train, test = datasets.load_data(sys.argv[1], 4, 4)
files = [file.name.encode("utf-8", "surrogateescape").hex() for part in (train, test) for file in part.files]
print(*(name.encode("utf-8", "surrogateescape").hex() for name in train.classes), *files)
"""


def test_the_order_is_the_same_on_every_file_system_and_in_every_locale(folder, monkeypatch):
    for name in ("é.png", "Z.png", "z.png", "É.png", "10.png", "9.png"):
        write(folder / "a" / name)
        write(folder / "ö" / name)
    listed = os.scandir

    class Backwards:
        """A folder as another file system might list it."""

        def __init__(self, path):
            self.entries = sorted(listed(path), key=lambda entry: entry.name, reverse=True)

        def __enter__(self):
            return iter(self.entries)

        def __exit__(self, *_):
            pass

    train, test = g.load_data(folder, 4, SIZE)
    monkeypatch.setattr(os, "scandir", Backwards)
    assert [part.files for part in g.load_data(folder, 4, SIZE)] == [train.files, test.files]
    monkeypatch.undo()
    expected = [name.encode().hex() for name in (*train.classes, *(f.name for p in (train, test) for f in p.files))]
    plain = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    command = [sys.executable, "-c", CODE, str(folder)]
    both = [  # at once
        subprocess.Popen(command, env={**os.environ, **more}, stdout=subprocess.PIPE, text=True) for more in ({}, plain)
    ]
    assert [process.communicate()[0].split() for process in both] == [expected] * 2


# 23a (ir_datasets#107): without permission


def test_what_may_not_be_read_is_named(open_folder, as_nobody):
    for name, k in itertools.product("ab", range(3)):
        write(open_folder / name / f"{k}.png", k)
    (open_folder / "a" / "2.png").chmod(0)
    with as_nobody(), pytest.raises(ValueError, match=r"a.2.png cannot be read as an image \(Permission denied\)"):
        pictures.read_folder(open_folder, SIZE)
    with as_nobody(), pytest.warns(UserWarning, match=r"skipped: .*2.png .*Permission denied.*5 of 6 files"):
        pictures.read_folder(open_folder, SIZE, broken="skip")
    (open_folder / "b").chmod(0)
    with as_nobody(), pytest.raises(OSError, match=r"the folder .*b cannot be read: Permission denied"):
        pictures.read_folder(open_folder, SIZE)
    (open_folder / "b").chmod(0o755)
    open_folder.chmod(0o600)
    with as_nobody(), pytest.raises(OSError, match=r"a cannot be read: Permission denied"):
        g.load_data(open_folder / "a", 4, SIZE)
    open_folder.chmod(0o755)


@pytest.mark.parametrize("name", ["x" * 5000, "no\0file", "nowhere", "~"])
def test_a_name_of_no_folder_is_no_data_set(name):
    with pytest.raises(ValueError, match="there is no data set"):
        g.load_data(name, 4)


# 1a (pytorch/vision#2218), 1c (python-pillow#3011), 2 (stb PR#427): modes

COLOUR, GREY = (200, 100, 50), 124  # 0.299 x 200 + 0.587 x 100 + 0.114 x 50
INTEGERS = np.full((8, 8), 200)


def palette(mode, entry):
    image = Image.new(mode, (8, 8), entry)
    image.putpalette([0, 0, 0] * 3 + list(COLOUR) + [0, 0, 0] * 252)
    return image


MODES = {
    "bit.png": (lambda: Image.new("1", (8, 8), 1), 255, (255,) * 3),
    "bit.tif": (lambda: Image.new("1", (8, 8), 1), 255, (255,) * 3),
    "L.tif": (lambda: Image.new("L", (8, 8), 120), 120, (120,) * 3),
    "LA.png": (lambda: Image.new("LA", (8, 8), (200, 51)), 40, (40,) * 3),
    "LA.tif": (lambda: Image.new("LA", (8, 8), (200, 51)), 40, (40,) * 3),
    "P.png": (lambda: palette("P", 3), GREY, COLOUR),
    "P.gif": (lambda: palette("P", 3), GREY, COLOUR),
    "PA.tif": (lambda: palette("PA", (3, 255)), GREY, COLOUR),
    "RGBA.webp": (lambda: Image.new("RGBA", (8, 8), (200, 100, 50, 0)), 0, (0, 0, 0)),
    "RGBX.tif": (lambda: Image.new("RGBX", (8, 8), (*COLOUR, 0)), GREY, COLOUR),
    "CMYK.tif": (lambda: Image.new("CMYK", (8, 8), (55, 155, 205, 0)), GREY, COLOUR),
    "CMYK.jpg": (lambda: Image.new("CMYK", (8, 8), (55, 155, 205, 0)), GREY, COLOUR),
    "YCbCr.tif": (lambda: Image.new("RGB", (8, 8), COLOUR).convert("YCbCr"), GREY, COLOUR),
    # L* 54.9, a* 22, b* -18 at D50; adapted to D65 by Bradford's matrix, as sRGB
    "LAB.tif": (lambda: Image.new("LAB", (8, 8), (140, 150, 110)), 135, (158, 118, 163)),
    "uint16.png": (lambda: Image.fromarray((INTEGERS * 257).astype(np.uint16)), 200, (200,) * 3),
    "uint16.tif": (lambda: Image.fromarray((INTEGERS * 257).astype(np.uint16)), 200, (200,) * 3),
    "big endian.tif": (lambda: Image.new("I;16B", (8, 8), 200 * 257), 200, (200,) * 3),
    "bytes in uint16.tif": (lambda: Image.fromarray(INTEGERS.astype(np.uint16)), 200, (200,) * 3),
    "int32.tif": (lambda: Image.fromarray((INTEGERS * 257).astype(np.int32)), 200, (200,) * 3),
    "bytes in int32.tif": (lambda: Image.fromarray(INTEGERS.astype(np.int32)), 200, (200,) * 3),
    "black.tif": (lambda: Image.new("I", (8, 8), 0), 0, (0, 0, 0)),
}


@pytest.mark.parametrize("name", MODES)
def test_each_mode_has_its_right_value(tmp_path, name, monkeypatch):
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", False)  # gluoncv sets it, wherever it was imported
    make, grey, colour = MODES[name]
    make().save(tmp_path / name, **({"lossless": True} if name.endswith("webp") else {}))
    try:
        with Image.open(tmp_path / name) as opened:
            opened.load()
    except OSError as error:
        pytest.skip(f"this Pillow does not read what it wrote: {error}")
    for channels, expected in ((1, (grey,)), (3, colour)):
        found = pictures.read_image(tmp_path / name, SIZE, channels)
        np.testing.assert_allclose(found[:, 0, 0], expected, atol=2)
        assert (found == found[:, :1, :1]).all()


def test_a_premultiplied_image_has_the_colour_it_has_over_black():
    raw = io.BytesIO()
    Image.new("LA", (8, 8), (200, 51)).save(raw, "PNG")
    opened = Image.open(io.BytesIO(raw.getvalue())).convert("La")
    assert opened.mode == "La"
    assert pictures._flat(opened).convert("L").getpixel((0, 0)) == pytest.approx(40, abs=2)


def test_white_may_be_zero_in_16_bits(tmp_path):
    """As some scanners write files; Pillow itself inverts such values only in 8 bits."""
    Image.fromarray((INTEGERS * 257).astype(np.uint16)).save(tmp_path / "x.tif", tiffinfo={262: 0})
    assert pictures.read_image(tmp_path / "x.tif", SIZE, 1).max() == 255 - 200


def test_12_bits_reach_to_white():
    image = Image.fromarray(np.full((8, 8), 4095, np.uint16))
    assert np.asarray(pictures._in_8_bits(image, {258: (12,)})).max() == 255
    assert np.asarray(pictures._in_8_bits(image, {})).max() == 4095 // 257


@pytest.mark.parametrize("values", [np.full((8, 8), 0.5, np.float32), INTEGERS.astype(np.int32) - 201, INTEGERS * 400])
def test_values_without_a_range_are_refused_with_the_reason(tmp_path, values):
    values = values.astype(np.int32) if values.dtype == np.int64 else values
    Image.fromarray(values).save(tmp_path / "x.tif")
    with pytest.raises(OSError, match=rf"its values, {values.min()} to {values.max()}, .* save it with 8 or 16 bits"):
        pictures.read_image(tmp_path / "x.tif", SIZE)


def test_transparency_of_16_bits_is_over_black(tmp_path):
    values = np.full((8, 8), 200 * 257, np.uint16)
    Image.fromarray(values).save(tmp_path / "x.png", transparency=200 * 257)
    assert pictures.read_image(tmp_path / "x.png", SIZE, 1).max() == 0


# 3 (tensorflow#49834): EXIF orientation

T = Image.Transpose
STORED = [None, T.FLIP_LEFT_RIGHT, T.ROTATE_180, T.FLIP_TOP_BOTTOM]  # of the orientations 1 to 8
STORED += [T.TRANSPOSE, T.ROTATE_90, T.TRANSVERSE, T.ROTATE_270]


@pytest.mark.parametrize("extension", ["jpg", "png", "webp", "tif", "mpo"])
def test_a_turned_image_is_upright(tmp_path, extension):
    upright = np.zeros((16, 32), np.uint8)
    upright[:8, :16], upright[:8, 16:], upright[8:, :16] = 250, 170, 90
    for orientation, way in enumerate(STORED, start=1):
        stored = Image.fromarray(upright) if way is None else Image.fromarray(upright).transpose(way)
        exif = stored.getexif()
        exif[0x0112] = orientation
        stored.convert("RGB").save(tmp_path / f"x.{extension}", exif=exif, quality=100)
        found = pictures.read_image(tmp_path / f"x.{extension}", (16, 32), 1)[0]
        assert abs(found.astype(int) - upright).max() < 40, orientation
