"""Choosing a folder's test images, independently of files that are added, removed or renamed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from gluon_cnn.data.description import DataFile, list_names, printable
from gluon_cnn.data.folders import to_nfc

TEST_SHARE = 0.2


def hash_position(name: str) -> float:
    """Map a name to [0, 1) by a hash; names whose position is below a share are held out."""
    digest = hashlib.blake2b(name.encode("utf-8", "surrogateescape"), digest_size=32).digest()
    return int.from_bytes(digest, "big") / 2**256


def split_by_name(names: Sequence[str], labels: np.ndarray, share: float = TEST_SHARE, key: str = "") -> np.ndarray:
    """Return a mask of the held-out images: those of each class with the lowest positions, but never none or all.

    Names consist of class, ``/``, and the name within the class, which alone determines the choice. Each ``key`` gives
    an independent choice; the class is then hashed, too, since files of different classes may have the same names.
    """
    positions = np.array([hash_position(f"{key}/{name}" if key else name.partition("/")[2]) for name in names])
    chosen = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        _check_count(len(members), names[members[0]].partition("/")[0])
        count = np.clip((positions[members] < share).sum(), 1, len(members) - 1)
        chosen[members[np.argsort(positions[members], kind="stable")[:count]]] = True
    return chosen


def split_by_index(labels: np.ndarray, share: float = TEST_SHARE, seed: int = 0) -> np.ndarray:
    """Return a mask of the held-out images of arrays, which have no names: a share of each class, by index."""
    order = np.random.RandomState(seed).permutation(len(labels))
    chosen = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        members = order[labels[order] == label]
        _check_count(len(members), label)
        chosen[members[: min(max(1, round(share * len(members))), len(members) - 1)]] = True
    return chosen


def _check_count(count: int, name: object) -> None:
    if count < 2:
        raise ValueError(f"class {name} contains a single image: one is needed for training and one to hold out")


def match_held_out(folder: Path, files: Sequence[DataFile], held_out: Iterable[Any]) -> np.ndarray:
    """Return a mask of the files that ``held_out`` lists, matched by name, or by content if they were renamed."""
    if isinstance(held_out, (str, Mapping)):
        raise TypeError(f"held_out must be a list of files; got {held_out!r}: pass [{held_out!r}]")
    sums = dict(_name_and_sum(entry) for entry in held_out)
    if not sums:
        raise ValueError("held_out is empty: list the test files")
    chosen = np.array([file.name in sums and sums[file.name] in (None, file.sha256) for file in files])
    found = {file.name for file, taken in zip(files, chosen) if taken}
    others: dict[str | None, list[int]] = {}
    for k in np.flatnonzero(~chosen).tolist():
        others.setdefault(files[k].sha256, []).append(k)
    missing = []
    for name in sorted(sums.keys() - found):
        if others.get(sums[name]):
            chosen[others[sums[name]].pop()] = True
        else:
            missing.append(name)
    if missing:
        raise ValueError(
            f"{len(missing):,} of {len(sums):,} held-out files are missing or have changed in {printable(folder)}: "
            f"{list_names(missing)}; restore them"
        )
    return chosen


def _name_and_sum(entry: Any) -> tuple[str, str | None]:
    if isinstance(entry, str):
        return to_nfc(entry), None
    file = entry._asdict() if isinstance(entry, DataFile) else entry
    return to_nfc(file["name"]), file["sha256"]
