"""Pictures from files of your own: one, or a folder with a folder of pictures for each class."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import numpy as np
from gluon_cnn._checks import pair
from gluon_cnn._runtime import progress_disabled, remark
from PIL import Image, ImageFile, ImageOps
from tqdm.auto import tqdm

__all__ = ["read_folder", "read_picture"]

ENDINGS = {".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}
MODES = {1: "L", 3: "RGB"}  # Pillow's names, by number of channels
PARTS = {"train", "training", "val", "valid", "validation", "test"}  # of a data set
NAMED = 5  # broken files that a message names


def read_picture(path: str | Path, size: tuple[int, int], channels: int = 3) -> np.ndarray:
    """Return a picture file as bytes of one size.

    Parameters
    ----------
    path : str or Path
        JPEG, PNG or another kind that Pillow reads; colour or grey, transparency over black.
    size : (int, int)
        Height and width in pixels. The picture is scaled until it covers them; what is left over at two opposite sides
        is cut off, so that nothing is stretched.
    channels : int
        3 for red, green and blue, 1 for grey.

    Returns
    -------
    numpy.ndarray
        uint8, shape (channels, height, width).

    Raises
    ------
    OSError
        When there is no such file or it is no whole picture. The message names it.
    ValueError
        When ``channels`` is neither 1 nor 3, or ``size`` no pair of whole numbers of at least 1.
    """
    if channels not in MODES:
        raise ValueError(f"channels must be 1 or 3; got {channels!r}")
    size = pair("size", size)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's, about what cameras and programs noted in the file
            pixels = _pixels(path, size, MODES[channels])
    except FileNotFoundError:
        raise FileNotFoundError(f"there is no file {path}") from None
    except Exception as error:  # damaged files make Pillow raise all kinds
        reason = str(error) or type(error).__name__
        for name in (str(path), os.path.realpath(path)):  # older Pillows name the second
            reason = reason.replace(f" {name!r}", "")
        raise OSError(f"{path} cannot be read as a picture ({reason})") from error
    return pixels[None] if channels == 1 else pixels.transpose(2, 0, 1)


def _pixels(path: str | Path, size: tuple[int, int], mode: str) -> np.ndarray:
    if Path(path).exists() and not Path(path).is_file():  # a pipe would be waited for
        raise OSError("it is a folder, a device or a pipe")
    with Image.open(path) as opened:
        lenient = ImageFile.LOAD_TRUNCATED_IMAGES
        ImageFile.LOAD_TRUNCATED_IMAGES = False  # gluoncv sets it for all: half a picture would pass for a whole one
        try:
            opened.load()
        finally:
            ImageFile.LOAD_TRUNCATED_IMAGES = lenient
        picture = _upright(opened)
        if picture.mode == "F" or (picture.mode == "I" and not _in_16_bits(picture)):
            raise ValueError("its values are no bytes and have no fixed range: save it with 8 or 16 bits")
        if picture.mode.startswith("I"):  # Pillow would cut 16 bits off at 255
            picture = Image.fromarray((np.asarray(picture).astype(np.int64) // 257).astype(np.uint8))
        if picture.mode.endswith(("A", "a")) or "transparency" in picture.info:
            picture = Image.alpha_composite(Image.new("RGBA", picture.size, "black"), picture.convert("RGBA"))
        return np.asarray(ImageOps.fit(picture.convert(mode), (size[1], size[0]), Image.Resampling.BILINEAR))


def _in_16_bits(picture: Image.Image) -> bool:
    values = np.asarray(picture)
    return bool(values.min() >= 0 and values.max() < 2**16)


def _upright(opened: Image.Image) -> Image.Image:
    """Turn a picture as the camera that took it says; a damaged note of the camera leaves it as it is."""
    try:
        return ImageOps.exif_transpose(opened) or opened  # never None here, but Pillow 10's types say it may be
    except Exception:  # struct.error, KeyError and others, although the pixels are fine
        return opened


def read_folder(
    folder: str | Path,
    size: tuple[int, int],
    channels: int = 3,
    broken: str = "refuse",
    classes: tuple[str, ...] | None = None,
) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Return all pictures of a folder that holds a folder for each class.

    Parameters
    ----------
    folder : str or Path
        The classes are numbered in the order of their folders' names. Files whose names begin with a dot, or end
        otherwise than pictures' names do, are not looked at.
    size, channels
        See :func:`read_picture`.
    broken : str
        What to do about files that cannot be read: ``"refuse"`` the folder, or ``"skip"`` them with a warning. The
        message names the first five of them.
    classes : tuple of str, optional
        The names of the class folders, when another folder has decided them.

    Returns
    -------
    images, labels, classes
        uint8 of shape (N, channels, height, width), int32 of shape (N,), and the classes' names.

    Raises
    ------
    ValueError
        When the folder has fewer than two class folders, or other ones than ``classes``, when one of them holds no
        picture, when a file cannot be read, or ``broken`` is another word.
    OSError
        When a folder cannot be read.
    """
    if broken not in ("refuse", "skip"):
        raise ValueError(f"broken must be 'refuse' or 'skip'; got {broken!r}")
    folder = Path(folder)
    found = tuple(sorted(f.name for f in folder.iterdir() if f.is_dir() and not _is_hidden(f.name)))
    if len(found) < 2:
        held = f"only the folder {found[0]}" if found else "no folders"
        raise ValueError(f"{folder} holds {held}: make one for each class, with its pictures inside")
    if PARTS.issuperset(name.lower() for name in found):
        raise ValueError(f"{folder} holds {' and '.join(found)}, which are no classes: call them train and test")
    if classes is not None and found != classes:
        raise ValueError(f"{folder} has the classes {', '.join(found)}; expected {', '.join(classes)}")
    files = [(path, label) for label, name in enumerate(found) for path in _picture_files(folder / name)]
    empty = [name for label, name in enumerate(found) if label not in {k for _, k in files}]
    if empty:
        raise ValueError(f"{folder / empty[0]} holds no picture ({', '.join(sorted(ENDINGS))})")
    images, labels, faults = [], [], []
    for path, label in tqdm(files, desc=str(folder), unit="picture", leave=False, disable=progress_disabled()):
        try:
            images.append(read_picture(path, size, channels))
            labels.append(label)
        except OSError as error:
            faults.append(str(error))
    if faults:
        _tell(faults, broken)
    for label, name in enumerate(found):
        if label not in labels:
            raise ValueError(f"{folder / name} holds no picture that can be read")
    return np.stack(images), np.array(labels, np.int32), found


def _picture_files(folder: Path) -> list[Path]:
    found = []
    for place, folders, names in os.walk(folder, onerror=_refuse):
        folders[:] = [name for name in folders if not _is_hidden(name)]
        found += [Path(place, name) for name in names if not _is_hidden(name)]
    return sorted(path for path in found if path.suffix.lower() in ENDINGS)


def _refuse(error: OSError) -> None:
    raise OSError(error.errno, f"the folder {error.filename} cannot be read: {error.strerror}") from None


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name == "__MACOSX"


def _tell(faults: list[str], broken: str) -> None:
    more = f"; and {len(faults) - NAMED} more" if len(faults) > NAMED else ""
    text = "; ".join(faults[:NAMED]) + more
    if broken == "refuse":
        raise ValueError(f"{text}: mend or remove what is broken, or pass broken='skip' (--skip-broken)")
    remark(f"skipped: {text}")
