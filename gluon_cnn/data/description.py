"""JSON-serializable descriptions of loaded data sets, and the differences between them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from gluon_cnn.data.batches import Batches
from gluon_cnn.data.transforms import describe_transforms

MAX_LISTED = 5  # maximum number of files or classes to list in a message


class DataFile(NamedTuple):
    """A file of a data set: its path within the folder, with ``/`` as separator, its size in bytes and its SHA-256."""

    name: str
    size: int
    sha256: str


def describe(train: Batches, test: Batches, validation: Batches | None = None) -> dict[str, Any]:
    """Describe what :func:`gluon_cnn.load_data` loaded, as a JSON-serializable dict.

    Returns
    -------
    dict
        ``"classes"``: the names, in the order of the labels.

        ``"preprocessing"``: ``"channels"``, ``"height"`` and ``"width"`` of an input; ``"resize"``, which is
        ``"crop"`` (scaled to cover the size, then cropped at the centre), ``"stretch"`` or None; ``"divisor"`` of
        the pixels, 255 or 1; ``"transform"``, the transforms of test images as text.

        ``"training"``, ``"test"`` and, if present, ``"validation"``: each with the number of images, ``"count"``; their
        ``"sha256"``; and ``"files"``, a list of ``{"name", "size", "sha256"}`` sorted by name, or None for data that
        does not come from a folder of images.
        ``load_data(folder, ..., held_out=description["test"]["files"])`` loads the same test images again.
    """
    channels, height, width = test.image_shape
    description = {
        "classes": list(test.classes),
        "preprocessing": {
            "channels": channels,
            "height": height,
            "width": width,
            "resize": "crop" if test.files is not None else "stretch" if test.resize else None,
            "divisor": 255 if test.images.dtype == np.uint8 else 1,
            "transform": describe_transforms(test.transform),
        },
        "training": _part(train),
        "test": _part(test),
    }
    return description if validation is None else {**description, "validation": _part(validation)}


def _part(batches: Batches) -> dict[str, Any]:
    digest = hashlib.sha256()
    files = None if batches.files is None else sorted(batches.files)
    if files is None:
        for array in (batches.images, batches.labels):
            digest.update(f"{array.dtype.str} {array.shape} ".encode())
            digest.update(np.ascontiguousarray(array).data)
    else:
        for file in files:
            digest.update(f"{file.sha256} {file.name}\0".encode("utf-8", "surrogateescape"))
    listed = None if files is None else [file._asdict() for file in files]
    return {"count": len(batches.labels), "sha256": digest.hexdigest(), "files": listed}


def difference(
    before: Mapping[str, Any], now: Mapping[str, Any], parts: Iterable[str] = ("training", "validation", "test")
) -> str | None:
    """Summarize the difference between two descriptions; return None if they are equal.

    Parameters
    ----------
    before, now : dict
        Descriptions returned by :func:`describe`.
    parts : iterable of str
        The parts of the data set whose images are compared.
    """
    if before["classes"] != now["classes"]:
        return f"the classes were {list_names(before['classes'])}; now they are {list_names(now['classes'])}"
    for name, value in now["preprocessing"].items():
        if before["preprocessing"].get(name, "") != value:
            return f"{name} of the images was {before['preprocessing'].get(name)}; now it is {value}"
    none = {"count": 0, "sha256": "", "files": None}
    pairs = {part: (before.get(part, none), now.get(part, none)) for part in parts}
    changed = [f"{part} images: {text}" for part, pair in pairs.items() if (text := _part_difference(*pair))]
    return "; ".join(changed) or None


def _part_difference(before: Mapping[str, Any], now: Mapping[str, Any]) -> str | None:
    """Summarize the changes to the images of one part."""
    if before["sha256"] == now["sha256"]:
        return None
    if before["files"] is None or now["files"] is None:
        return f"there were {before['count']:,}; now there are {now['count']:,}, and they are different"
    old, new = ({file["name"]: file["sha256"] for file in part["files"]} for part in (before, now))
    kinds = {
        "added": [name for name in new if name not in old],
        "missing": [name for name in old if name not in new],
        "changed": [name for name in old if name in new and old[name] != new[name]],
    }
    return ", ".join(f"{len(names):,} {kind} ({list_names(names)})" for kind, names in kinds.items() if names)


def list_names(names: Sequence[str]) -> str:
    """List the first names, and count the rest."""
    more = f" and {len(names) - MAX_LISTED:,} more" if len(names) > MAX_LISTED else ""
    return ", ".join(map(printable, names[:MAX_LISTED])) + more


def printable(name: object) -> str:
    """Return a name as one printable line; control characters and non-UTF-8 bytes are escaped."""
    text = str(name).encode("utf-8", "backslashreplace").decode()
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
