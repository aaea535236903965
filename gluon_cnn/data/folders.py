"""Listing a folder of images: its classes, their images in a platform-independent order, and the ignored files."""

from __future__ import annotations

import contextlib
import os
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from gluon_cnn._core.startup import warn_user
from gluon_cnn.data.description import MAX_LISTED, printable
from PIL import Image

SPLIT_NAMES = {"train", "training", "val", "valid", "validation", "test"}  # of a data set

# Still-image formats whose file extensions are accepted, if this Pillow supports them. HEIF requires a plug-in.
FORMATS = {"AVIF", "BMP", "DIB", "GIF", "HEIF", "ICO", "JPEG", "JPEG2000", "MPO", "PCX", "PNG", "PPM", "QOI", "SGI"}
FORMATS |= {"TGA", "TIFF", "WEBP"}
COMMON = ("*.jpg", "*.png", "*.tif", "*.webp")
EXTRA_JPEG_EXTENSIONS = {
    ".jif",
    ".jfi",
    ".pjp",
    ".pjpeg",
}  # JPEG extensions that Pillow does not list, some used by Chrome

# Names of system files, in lower case; all names that begin with a dot are ignored, too.
SYSTEM = {"__macosx", "@eadir", "#recycle", "#snapshot", "$recycle.bin", "system volume information", "lost+found"}
SYSTEM |= {"thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", "picasa.ini", "icon\r", "@recycle", "@tmp"}

BROKEN_LINK = "broken links"  # why a file is not read

# Notes about the images, and files that cameras write next to them; ignored without a warning.
NOTES = {".aae", ".csv", ".htm", ".html", ".ini", ".json", ".log", ".md", ".tsv", ".txt", ".url", ".xml", ".xmp"}
NOTES |= {".yaml", ".yml"}


class Listing(NamedTuple):
    """The images of a folder with one subfolder per class, before any of them is read."""

    folder: Path
    classes: tuple[str, ...]
    images: list[tuple[str, Path, int]]  # name within the folder, path, label
    left_out: Counter[str]  # number of ignored files by reason


def find_images(folder: str | Path, classes: tuple[str, ...] | None = None, prefix: str = "") -> Listing:
    """List what :func:`gluon_cnn.data.images.read_folder` would read; ``prefix`` is prepended to each image's name."""
    folder = Path(folder)
    found: dict[str, Path] = {}
    left_out: Counter[str] = Counter()
    for entry in _entries(folder):
        name = normalize_name(entry.name)
        if not _is_folder(entry):
            left_out[BROKEN_LINK if _is_broken_link(entry) else "outside class folders"] += _is_counted(entry)
        elif name in found:
            raise ValueError(
                f"{printable(folder)} contains two folders whose names are both {printable(name)!r}: merge them"
            )
        elif not _leads_up(entry, folder):
            found[name] = Path(entry.path)
    names = tuple(sorted(found))
    if len(names) < 2:
        held = f"only the folder {printable(names[0])}" if names else "no folders"
        raise ValueError(f"{printable(folder)} holds {held}: make one for each class, with its images inside")
    if SPLIT_NAMES.issuperset(name.lower() for name in names):
        held = " and ".join(names)
        raise ValueError(f"{printable(folder)} holds {held}, which are not classes: call them train and test")
    if classes is not None and names != tuple(map(to_nfc, classes)):
        got, expected = (printable(", ".join(each)) for each in (names, classes))
        raise ValueError(f"{printable(folder)} has the classes {got}; expected {expected}")
    images = []
    for label, name in enumerate(names):
        own, others = _images_below(found[name])
        left_out += others
        if not own:
            instead = _counts(others) or f"files named {', '.join(COMMON)} or similar count as images"
            raise ValueError(f"{printable(found[name])} contains no image ({instead})")
        images += [(f"{prefix}{name}/{inner}", path, label) for inner, path in own]
    return Listing(folder, names, images, +left_out)


def report_skipped(folder: str | Path, read: int, left_out: Counter[str], skipped: list[str]) -> None:
    """Report in one line how many files of a folder were not read, and why, if there are any."""
    if not left_out and not skipped:
        return
    counts = f"{printable(folder)}: {read:,} of {read + sum(left_out.values()) + len(skipped):,} files read"
    if left_out:
        counts += f"; {_counts(left_out)}"
    warn_user(f"skipped: {list_errors(skipped)}; {counts}" if skipped else counts)


def _counts(left_out: Counter[str]) -> str:
    ranked = sorted(left_out.items(), key=lambda item: (-item[1], item[0]))
    told = [f"{count:,} {reason}" for reason, count in ranked[:MAX_LISTED]]
    rest = sum(count for _, count in ranked[MAX_LISTED:])
    return ", ".join([*told, f"{rest:,} of other types"] if rest else told)


def list_errors(faults: list[str]) -> str:
    """List the first faults, and count the rest."""
    more = f"; and {len(faults) - MAX_LISTED} more" if len(faults) > MAX_LISTED else ""
    return "; ".join(faults[:MAX_LISTED]) + more


def normalize_name(name: str) -> str:
    """Return a file's name in a form that is the same on all file systems: decoded as UTF-8, in normal form C."""
    return to_nfc(os.fsencode(name).decode("utf-8", "surrogateescape"))


def to_nfc(name: str) -> str:
    """Return a name in Unicode's normal form C; macOS stores names decomposed."""
    return unicodedata.normalize("NFC", name)


def _entries(folder: str | Path) -> list[os.DirEntry[str]]:
    """Return a folder's entries in a platform-independent order, except hidden and system files."""
    try:
        with os.scandir(folder) as found:
            entries = [e for e in found if not e.name.startswith(".") and e.name.lower() not in SYSTEM]
    except OSError as error:
        raise OSError(error.errno, f"the folder {printable(folder)} cannot be read: {error.strerror}") from None
    return sorted(entries, key=lambda entry: (normalize_name(entry.name), entry.name))


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a circular link, or permission denied
        return False


def _leads_up(entry: os.DirEntry[str], folder: str | Path) -> bool:
    """Return whether an entry is a link to a parent folder; following it would never end."""
    real = os.path.realpath(entry.path)
    return entry.is_symlink() and os.path.commonpath([real, os.path.realpath(folder)]) == real


def files_below(folder: str | Path) -> Iterator[os.DirEntry[str]]:
    """Yield the files in a folder and its subfolders. Links to folders are followed; each folder is read once."""
    seen: set[str] = set()
    folders, links = [str(folder)], list[str]()  # real folders come before links to them
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
            elif not _leads_up(entry, place) and not _leads_up(entry, folder):
                links.append(entry.path)


def count_outside(folder: Path, parts: Sequence[Path]) -> int:
    """Return the number of files in a folder, except in the given parts and in folders that cannot be read."""
    count = 0
    for entry in _entries(folder):
        with contextlib.suppress(OSError):
            if Path(entry.path) not in parts:
                count += sum(map(_is_counted, files_below(entry.path) if _is_folder(entry) else [entry]))
    return count


def _images_below(folder: Path) -> tuple[list[tuple[str, Path]], Counter[str]]:
    """Return the images in a folder, sorted by their paths within it, and counts of the other files."""
    images, others, known = [], Counter[str](), _extensions()
    for entry in files_below(folder):
        extension = _extension(entry)
        if extension in known:
            path = Path(entry.path)
            images.append((normalize_name(path.relative_to(folder).as_posix()), path))
        elif _is_broken_link(entry):
            others[BROKEN_LINK] += 1
        elif _is_counted(entry):
            others[f"{printable(extension) or 'without a file extension'} not supported"] += 1
    return sorted(images), others


def _is_broken_link(entry: os.DirEntry[str]) -> bool:
    return entry.is_symlink() and not os.path.exists(entry.path)


def _is_counted(entry: os.DirEntry[str]) -> bool:
    return _extension(entry) not in NOTES


def _extension(entry: os.DirEntry[str]) -> str:
    return Path(entry.name.strip()).suffix.lower()


def _extensions() -> set[str]:
    """Return the lower-case extensions of image files."""
    Image.init()
    return {
        extension for extension, kind in Image.registered_extensions().items() if kind in FORMATS
    } | EXTRA_JPEG_EXTENSIONS


def has_mode(kind: Callable[[int], bool], path: str | Path) -> bool:
    """Return whether a path is a folder (``stat.S_ISDIR``) or a file; raise OSError if permission is denied."""
    try:
        return kind(os.stat(path).st_mode)
    except PermissionError as error:
        raise OSError(error.errno, f"{printable(path)} cannot be read: {error.strerror}") from None
    except (OSError, ValueError):  # no such file, or a name that no file can have
        return False
