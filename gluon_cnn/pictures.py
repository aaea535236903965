"""Pictures from files of your own: one, or a folder with a folder of pictures for each class."""

from __future__ import annotations

import hashlib
import io
import os
import unicodedata
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from gluon_cnn._checks import pair
from gluon_cnn._description import NAMED, DataFile, shown
from gluon_cnn._runtime import progress_disabled, remark
from PIL import Image, ImageCms, ImageFile, ImageOps, UnidentifiedImageError
from tqdm.auto import tqdm

__all__ = [
    "Images",
    "count_outside",
    "files_below",
    "find_images",
    "in_one_form",
    "normal",
    "read_folder",
    "read_images",
    "read_picture",
    "tell_left_out",
]

MODES = {1: "L", 3: "RGB"}  # Pillow's names, by number of channels
PARTS = {"train", "training", "val", "valid", "validation", "test"}  # of a data set

# Formats for still images whose file extensions are read, as far as this Pillow has them. HEIF comes with a plug-in.
FORMATS = {"AVIF", "BMP", "DIB", "GIF", "HEIF", "ICO", "JPEG", "JPEG2000", "MPO", "PCX", "PNG", "PPM", "QOI", "SGI"}
FORMATS |= {"TGA", "TIFF", "WEBP"}
COMMON = ("*.jpg", "*.png", "*.tif", "*.webp")
JPEG_TOO = {".jif", ".jfi", ".pjp", ".pjpeg"}  # names for JPEG that Pillow does not list, some of them Chrome's

# What systems leave in folders, in lower case; so are all names that begin with a dot.
SYSTEM = {"__macosx", "@eadir", "#recycle", "#snapshot", "$recycle.bin", "system volume information", "lost+found"}
SYSTEM |= {"thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", "picasa.ini", "icon\r", "@recycle", "@tmp"}

# Notes about the images and what cameras write beside them: nobody misses these among the images.
NOTES = {".aae", ".csv", ".htm", ".html", ".ini", ".json", ".log", ".md", ".tsv", ".txt", ".url", ".xml", ".xmp"}
NOTES |= {".yaml", ".yml"}


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

    Notes
    -----
    Pixels of 16 bits are scaled to 8. Integers of 16 or 32 bits that would all fit into 8 are taken as they are, as
    scaled they would all be black.
    """
    return _read(path, *_form(size, channels))[0]


def _form(size: tuple[int, int], channels: int) -> tuple[tuple[int, int], str]:
    if channels not in MODES:
        raise ValueError(f"channels must be 1 or 3; got {channels!r}")
    return pair("size", size), MODES[channels]


def _read(path: str | Path, size: tuple[int, int], mode: str) -> tuple[np.ndarray, bytes]:
    """Return the pixels of a file, and all its bytes."""
    try:
        if os.path.exists(path) and not os.path.isfile(path):  # a pipe would be waited for
            raise ValueError("it is a folder, a device or a pipe")
        raw = Path(path).read_bytes()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's, about what cameras and programs noted in the file
            pixels = _pixels(raw, size, mode)
    except FileNotFoundError:
        raise FileNotFoundError(f"there is no file {shown(path)}") from None
    except UnidentifiedImageError as error:
        what = f"(cannot identify image file): it begins with {raw[:12]!r}" if raw else "(the file is empty)"
        raise OSError(f"{shown(path)} cannot be read as a picture {what}") from error
    except Exception as error:  # damaged files make Pillow raise all kinds
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise OSError(f"{shown(path)} cannot be read as a picture ({reason})") from error
    return (pixels[None] if mode == "L" else pixels.transpose(2, 0, 1)), raw


def _pixels(raw: bytes, size: tuple[int, int], mode: str) -> np.ndarray:
    with Image.open(io.BytesIO(raw)) as opened:
        lenient = ImageFile.LOAD_TRUNCATED_IMAGES
        ImageFile.LOAD_TRUNCATED_IMAGES = False  # gluoncv sets it for all: half a picture would pass for a whole one
        tags = dict(getattr(opened, "tag_v2", {}))
        try:
            opened.load()
        finally:
            ImageFile.LOAD_TRUNCATED_IMAGES = lenient
        picture = _upright(opened)
        if picture.mode.startswith(("I", "F")):
            picture = _in_8_bits(picture, tags)
        return np.asarray(ImageOps.fit(_flat(picture).convert(mode), (size[1], size[0]), Image.Resampling.BILINEAR))


def _flat(picture: Image.Image) -> Image.Image:
    """Return a picture in a mode that Pillow converts to grey and to RGB, over black where it is transparent."""
    if picture.mode == "LAB":
        lab, rgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        return ImageCms.profileToProfile(picture, lab, rgb, outputMode="RGB") or picture
    if picture.mode == "La":  # of grey with transparency, in which Pillow converts it to nothing else
        picture = picture.convert("LA")
    if picture.mode.endswith(("A", "a")) or "transparency" in picture.info:
        return Image.alpha_composite(Image.new("RGBA", picture.size, "black"), picture.convert("RGBA"))
    return picture


BITS, PHOTOMETRIC, WHITE_IS_ZERO = 258, 262, 0  # two of TIFF's tags, and a value of the second


def _in_8_bits(picture: Image.Image, tags: dict) -> Image.Image:
    """Scale integers of more than 8 bits, which Pillow itself would cut off at 255."""
    values = np.asarray(picture)
    smallest, largest = values.min(), values.max()
    if picture.mode == "F" or smallest < 0 or largest >= 2**16:
        raise ValueError(
            f"its values, {smallest} to {largest}, are no bytes and have no fixed range: save it with 8 or 16 bits"
        )
    white = 2 ** min(16, *tags.get(BITS, (16,))) - 1
    values = values.astype(np.int64)
    values[values == picture.info.get("transparency")] = 0  # over black, as all transparency
    if tags.get(PHOTOMETRIC) == WHITE_IS_ZERO:  # Pillow sees to that with 8 bits only
        values = white - values
    if values.max() > 255:
        values = values * 255 // white
    return Image.fromarray(values.astype(np.uint8))


def _upright(opened: Image.Image) -> Image.Image:
    """Turn a picture as the camera that took it says; a damaged note of the camera leaves it as it is."""
    try:
        return ImageOps.exif_transpose(opened) or opened  # never None here, but Pillow 10's types say it may be
    except Exception:  # struct.error, KeyError and others, although the pixels are fine
        return opened


class Listing(NamedTuple):
    """The images of a folder that holds a folder for each class, before one of them is read."""

    folder: Path
    classes: tuple[str, ...]
    images: list[tuple[str, Path, int]]  # name within the folder, path, label
    left_out: Counter[str]  # how many files will not be read, by reason


class Images(NamedTuple):
    """The images of a folder: pixels as :func:`read_folder` returns them, labels, and the files they came from."""

    pixels: np.ndarray
    labels: np.ndarray
    files: list[DataFile]


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
        The classes are numbered in the order of their folders' names. Links to folders are followed. Hidden files and
        what a system leaves in a folder are not looked at; other files that are not read are counted in a warning.
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
    listing = find_images(folder, classes)
    images, skipped = read_images(listing, size, channels, broken)
    tell_left_out(folder, len(images.files), listing.left_out, skipped)
    return images.pixels, images.labels, listing.classes


def find_images(folder: str | Path, classes: tuple[str, ...] | None = None, prefix: str = "") -> Listing:
    """Return what :func:`read_folder` would read; ``prefix`` comes before each image's name."""
    folder = Path(folder)
    found: dict[str, Path] = {}
    left_out: Counter[str] = Counter()
    for entry in _entries(folder):
        name = in_one_form(entry.name)
        if not _is_folder(entry):
            left_out["outside class folders"] += _is_counted(entry)
        elif name in found:
            raise ValueError(f"{shown(folder)} holds two folders whose names are both {shown(name)!r}: merge them")
        elif not _leads_up(entry.path, folder):
            found[name] = Path(entry.path)
    names = tuple(sorted(found))
    if len(names) < 2:
        held = f"only the folder {shown(names[0])}" if names else "no folders"
        raise ValueError(f"{shown(folder)} holds {held}: make one for each class, with its pictures inside")
    if PARTS.issuperset(name.lower() for name in names):
        raise ValueError(f"{shown(folder)} holds {' and '.join(names)}, which are no classes: call them train and test")
    if classes is not None and names != tuple(map(normal, classes)):
        got, expected = (shown(", ".join(each)) for each in (names, classes))
        raise ValueError(f"{shown(folder)} has the classes {got}; expected {expected}")
    images = []
    for label, name in enumerate(names):
        own, others = _images_below(found[name])
        left_out += others
        if not own:
            instead = _counts(others) or f"files named {', '.join(COMMON)} and others count as such"
            raise ValueError(f"{shown(found[name])} holds no picture ({instead})")
        images += [(f"{prefix}{name}/{inner}", path, label) for inner, path in own]
    return Listing(folder, names, images, +left_out)


def read_images(listing: Listing, size: tuple[int, int], channels: int, broken: str) -> tuple[Images, list[str]]:
    """Read what was found. Return it, and for each file that was skipped what is wrong with it."""
    if broken not in ("refuse", "skip"):
        raise ValueError(f"broken must be 'refuse' or 'skip'; got {broken!r}")
    size, mode = _form(size, channels)
    pixels, labels, files, faults = [], [], [], []
    bar = tqdm(listing.images, desc=shown(listing.folder), unit="picture", leave=False, disable=progress_disabled())
    for name, path, label in bar:
        try:
            image, raw = _read(path, size, mode)
        except OSError as error:
            faults.append(str(error))
            continue
        pixels.append(image)
        labels.append(label)
        files.append(DataFile(name, len(raw), hashlib.sha256(raw).hexdigest()))
    if faults and broken == "refuse":
        raise ValueError(
            f"{_first(faults)}: repair the broken files or move them away, or pass broken='skip' (--skip-broken)"
        )
    for label, name in enumerate(listing.classes):
        if label not in labels:
            raise ValueError(f"{shown(listing.folder / name)} holds no picture that can be read: {_first(faults)}")
    return Images(np.stack(pixels), np.array(labels, np.int32), files), faults


def tell_left_out(folder: str | Path, read: int, left_out: Counter[str], skipped: list[str]) -> None:
    """Say in one line how many files of a folder were not read, and why; nothing when all were."""
    if not left_out and not skipped:
        return
    counts = f"{shown(folder)}: {read:,} of {read + sum(left_out.values()) + len(skipped):,} files read"
    if left_out:
        counts += f"; {_counts(left_out)}"
    remark(f"skipped: {_first(skipped)}; {counts}" if skipped else counts)


def _counts(left_out: Counter[str]) -> str:
    ranked = sorted(left_out.items(), key=lambda item: (-item[1], item[0]))
    told = [f"{count:,} {reason}" for reason, count in ranked[:NAMED]]
    rest = sum(count for _, count in ranked[NAMED:])
    return ", ".join([*told, f"{rest:,} others"] if rest else told)


def _first(faults: list[str]) -> str:
    more = f"; and {len(faults) - NAMED} more" if len(faults) > NAMED else ""
    return "; ".join(faults[:NAMED]) + more


def in_one_form(name: str) -> str:
    """Return a file's name as it would be on any other file system: bytes as UTF-8, letters in normal form C."""
    return normal(os.fsencode(name).decode("utf-8", "surrogateescape"))


def normal(name: str) -> str:
    """Return a name with its letters in Unicode's normal form C: macOS takes them apart."""
    return unicodedata.normalize("NFC", name)


def _entries(folder: str | Path) -> list[os.DirEntry[str]]:
    """Return what is in a folder, in the same order everywhere; not what is hidden or a system's own."""
    try:
        with os.scandir(folder) as found:
            entries = [e for e in found if not e.name.startswith(".") and e.name.lower() not in SYSTEM]
    except OSError as error:
        raise OSError(error.errno, f"the folder {shown(folder)} cannot be read: {error.strerror}") from None
    return sorted(entries, key=lambda entry: (in_one_form(entry.name), entry.name))


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link in a circle, or to where one may not look
        return False


def _leads_up(path: str, folder: str | Path) -> bool:
    """Return whether a folder is a link to another one that holds it: to follow it would never end."""
    real, place = os.path.realpath(path), os.path.realpath(folder)
    return os.path.islink(path) and os.path.commonpath([real, place]) == real


def files_below(folder: str | Path) -> Iterator[os.DirEntry[str]]:
    """Yield the files in a folder and in those below. Links to folders are followed; each folder is read once."""
    seen: set[str] = set()
    folders, links = [str(folder)], list[str]()  # what is a folder by itself comes before links to it
    while folders or links:
        place = folders.pop(0) if folders else links.pop(0)
        real = os.path.realpath(place)
        if real in seen:
            continue
        seen.add(real)
        for entry in _entries(place):
            if not _is_folder(entry):
                yield entry
            elif not entry.is_symlink():
                folders.append(entry.path)
            elif not _leads_up(entry.path, place) and not _leads_up(entry.path, folder):
                links.append(entry.path)


def count_outside(folder: Path, parts: Sequence[Path]) -> int:
    """Return how many files there are in a folder, but for those in some parts of it."""
    others = [entry for entry in _entries(folder) if Path(entry.path) not in parts]
    files = (files_below(entry.path) if _is_folder(entry) else [entry] for entry in others)
    return sum(_is_counted(file) for each in files for file in each)


def _images_below(folder: Path) -> tuple[list[tuple[str, Path]], Counter[str]]:
    """Return the images in a folder, in the order of their names within it, and what else there is."""
    images, others, known = [], Counter[str](), _extensions()
    for entry in files_below(folder):
        extension = _extension(entry)
        if extension in known:
            path = Path(entry.path)
            images.append((in_one_form(path.relative_to(folder).as_posix()), path))
        elif entry.is_symlink() and not os.path.exists(entry.path):
            others["broken links"] += 1
        elif _is_counted(entry):
            others[f"{shown(extension) or 'without a file extension'} not supported"] += 1
    return sorted(images), others


def _is_counted(entry: os.DirEntry[str]) -> bool:
    return _extension(entry) not in NOTES


def _extension(entry: os.DirEntry[str]) -> str:
    return Path(entry.name.strip()).suffix.lower()


def _extensions() -> set[str]:
    """Return the extensions, in lower case, of files that are read as images."""
    Image.init()
    return {extension for extension, kind in Image.registered_extensions().items() if kind in FORMATS} | JPEG_TOO
