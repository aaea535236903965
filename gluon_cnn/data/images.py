"""Reading your own images: a single file, or a folder with one subfolder of images per class."""

from __future__ import annotations

import hashlib
import io
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from gluon_cnn._core.checks import check_pair
from gluon_cnn._core.startup import available_cores, progress_disabled
from gluon_cnn.data.description import DataFile, printable
from gluon_cnn.data.folders import Listing, find_images, list_errors, report_skipped
from gluon_cnn.data.on_disk import LazyImages, fits_into_memory
from PIL import Image, ImageCms, ImageFile, ImageOps, UnidentifiedImageError
from tqdm.auto import tqdm

MODES = {1: "L", 3: "RGB"}  # Pillow's names, by number of channels
ROUND = 64  # images that are decoded at the same time or waiting for it


def read_image(path: str | Path, size: tuple[int, int], channels: int = 3) -> np.ndarray:
    """Read an image file as an array of the given size.

    Parameters
    ----------
    path : str or Path
        JPEG, PNG or another format that Pillow reads; colour or grey. Transparent images are placed on black.
    size : (int, int)
        Height and width in pixels. The image is scaled to cover this size and cropped at the centre, without
        distortion.
    channels : int
        3 for red, green and blue, 1 for grey.

    Returns
    -------
    numpy.ndarray
        uint8, shape (channels, height, width).

    Raises
    ------
    OSError
        If the file does not exist or is not a complete image. The message names it.

    Notes
    -----
    16-bit pixels are scaled to 8 bits. If all values of a 16- or 32-bit image fit into 8 bits, they are used unchanged,
    since scaling would make them all black.
    """
    return read_images([path], size, channels)[0]


def read_images(paths: Sequence[str | Path], size: tuple[int, int], channels: int = 3) -> np.ndarray:
    """Read image files with several threads; return uint8 of shape (N, channels, height, width)."""
    form = _form(size, channels)
    with strict_pillow():
        return np.stack(list(_in_threads(lambda path: _read(path, *form)[0], paths)))


def _in_threads(function: Callable, arguments: Sequence) -> Iterator:
    """Yield what a function returns for each argument, in order; Ctrl-C waits only for the calls of one round."""
    with ThreadPoolExecutor(available_cores()) as threads:
        for start in range(0, len(arguments), ROUND):
            yield from threads.map(function, arguments[start : start + ROUND])


def _form(size: tuple[int, int], channels: int) -> tuple[tuple[int, int], str]:
    if channels not in MODES:
        raise ValueError(f"channels must be 1 or 3; got {channels!r}")
    return check_pair("size", size), MODES[channels]


@contextmanager
def strict_pillow() -> Iterator[None]:
    """Make Pillow reject truncated images, which GluonCV makes it accept, and omit its warnings about metadata."""
    lenient = ImageFile.LOAD_TRUNCATED_IMAGES
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = lenient


def _read(path: str | Path, size: tuple[int, int], mode: str) -> tuple[np.ndarray, bytes]:
    """Return the pixels of an image file and the file's bytes; to be called with :func:`strict_pillow`."""
    try:
        if os.path.exists(path) and not os.path.isfile(path):  # reading a pipe would block
            raise ValueError("it is a folder, a device or a pipe")
        raw = Path(path).read_bytes()
        pixels = _pixels(raw, size, mode)
    except FileNotFoundError:
        raise FileNotFoundError(f"there is no file {printable(path)}") from None
    except UnidentifiedImageError as error:
        what = f"(cannot identify image file): it begins with {raw[:12]!r}" if raw else "(the file is empty)"
        raise OSError(f"{printable(path)} cannot be read as an image {what}") from error
    except Exception as error:  # damaged files make Pillow raise any kind of error
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise OSError(f"{printable(path)} cannot be read as an image ({reason})") from error
    return (pixels[None] if mode == "L" else pixels.transpose(2, 0, 1)), raw


def _pixels(raw: bytes, size: tuple[int, int], mode: str) -> np.ndarray:
    with Image.open(io.BytesIO(raw)) as opened:
        tags = dict(getattr(opened, "tag_v2", {}))
        opened.draft(None, (2 * max(size), 2 * max(size)))  # decodes a large JPEG at a fraction of its size
        opened.load()
        image = _upright(opened)
        if image.mode.startswith(("I", "F")):
            image = _in_8_bits(image, tags)
        return np.asarray(ImageOps.fit(_flat(image).convert(mode), (size[1], size[0]), Image.Resampling.BILINEAR))


def _flat(image: Image.Image) -> Image.Image:
    """Convert an image to a mode that Pillow can convert to grey or RGB, placing transparent images on black."""
    if image.mode == "LAB":
        lab, rgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        return ImageCms.profileToProfile(image, lab, rgb, outputMode="RGB") or image
    if image.mode == "La":  # premultiplied grey, which Pillow converts only to LA
        image = image.convert("LA")
    if image.mode.endswith(("A", "a")) or "transparency" in image.info:
        return Image.alpha_composite(Image.new("RGBA", image.size, "black"), image.convert("RGBA"))
    return image


BITS, PHOTOMETRIC, WHITE_IS_ZERO = 258, 262, 0  # two TIFF tags, and a value of the second


def _in_8_bits(image: Image.Image, tags: dict) -> Image.Image:
    """Scale integers of more than 8 bits, which Pillow itself would clip at 255."""
    values = np.asarray(image)
    smallest, largest = values.min(), values.max()
    if image.mode == "F" or smallest < 0 or largest >= 2**16:
        raise ValueError(
            f"its values, {smallest} to {largest}, are not bytes and have no fixed range: save it with 8 or 16 bits"
        )
    white = 2 ** min(16, *tags.get(BITS, (16,))) - 1
    values = values.astype(np.int64)
    values[values == image.info.get("transparency")] = 0  # transparent pixels become black
    if tags.get(PHOTOMETRIC) == WHITE_IS_ZERO:  # Pillow handles this for 8 bits only
        values = white - values
    if values.max() > 255:
        values = values * 255 // white
    return Image.fromarray(values.astype(np.uint8))


def _upright(opened: Image.Image) -> Image.Image:
    """Rotate an image according to its EXIF orientation; if the metadata is damaged, leave it unchanged."""
    try:
        return ImageOps.exif_transpose(opened) or opened  # never None here, contrary to Pillow 10's type hints
    except Exception:  # struct.error, KeyError and others, although the pixels are fine
        return opened


class Images(NamedTuple):
    """Images, (N, C, H, W) or, from arrays, (N, H, W); their labels and their files."""

    pixels: Any
    labels: np.ndarray
    files: Sequence[DataFile] = ()  # empty for images from arrays

    def part(self, chosen: np.ndarray) -> Images:
        """Select images by a mask."""
        pixels = self.pixels.part(chosen) if isinstance(self.pixels, LazyImages) else self.pixels[chosen]
        files = [file for file, taken in zip(self.files, chosen) if taken]
        return Images(pixels, self.labels[chosen], files)


def read_folder(
    folder: str | Path,
    size: tuple[int, int],
    channels: int = 3,
    broken: str = "refuse",
    classes: tuple[str, ...] | None = None,
) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Read all images of a folder with one subfolder per class.

    Parameters
    ----------
    folder : str or Path
        The classes are numbered in the order of their folders' names. Links to folders are followed. Hidden files,
        system files, and notes (such as ``.txt`` and ``.json``) are ignored; other files that are not read are counted
        in a warning.
    size, channels
        See :func:`read_image`.
    broken : str
        How to handle unreadable files: ``"refuse"`` the folder, or ``"skip"`` them with a warning. The message names
        the first five of them.
    classes : tuple of str, optional
        The required names of the class folders.

    Returns
    -------
    images, labels, classes
        uint8 of shape (N, channels, height, width), int32 of shape (N,), and the class names.
    """
    listing = find_images(folder, classes)
    images, skipped = read_listed(listing, size, channels, broken)
    report_skipped(folder, len(images.files), listing.left_out, skipped)
    return images.pixels, images.labels, listing.classes


def read_listed(listing: Listing, size: tuple[int, int], channels: int, broken: str) -> tuple[Images, list[str]]:
    """Read the listed images; return them and the error of each skipped file."""
    if broken not in ("refuse", "skip"):
        raise ValueError(f"broken must be 'refuse' or 'skip'; got {broken!r}")
    size, mode = _form(size, channels)
    shape = (channels, *size)
    in_memory = fits_into_memory(len(listing.images) * int(np.prod(shape)))
    pixels = np.empty((len(listing.images) if in_memory else 0, *shape), np.uint8)
    paths: list[Path] = []
    labels, files, faults = [], [], []
    bar = tqdm(listing.images, desc=printable(listing.folder), unit="image", leave=False, disable=progress_disabled())

    def read(path: Path) -> tuple[np.ndarray, int, str] | str:
        try:
            image, raw = _read(path, size, mode)
        except OSError as error:
            return str(error)
        return image, len(raw), hashlib.sha256(raw).hexdigest()

    with strict_pillow():
        found = _in_threads(read, [path for _, path, _ in listing.images])
        for (name, path, label), result in zip(bar, found):
            if isinstance(result, str):
                faults.append(result)
                continue
            image, length, sha256 = result
            if in_memory:
                pixels[len(paths)] = image
            paths.append(path)
            labels.append(label)
            files.append(DataFile(name, length, sha256))
    if faults and broken == "refuse":
        raise ValueError(
            f"{list_errors(faults)}: repair the broken files, move them, or pass broken='skip' (--skip-broken)"
        )
    for label, name in enumerate(listing.classes):
        if label not in labels:
            raise ValueError(
                f"{printable(listing.folder / name)} contains no image that can be read: {list_errors(faults)}"
            )
    images: Any = pixels[: len(paths)] if in_memory else LazyImages(paths, shape, read_images)
    return Images(images, np.array(labels, np.int32), files), faults
