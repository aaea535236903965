"""Which images of a folder are for the test: the same ones whatever is added to it, removed or renamed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from gluon_cnn.data.description import DataFile, shown, some
from gluon_cnn.data.folders import normal

TEST_SHARE = 0.2


def position(name: str) -> float:
    """Return where in [0, 1) a hash puts a name: those below a share are held out."""
    digest = hashlib.blake2b(name.encode("utf-8", "surrogateescape"), digest_size=32).digest()
    return int.from_bytes(digest, "big") / 2**256


def chosen_by_name(
    folder: Path,
    classes: Sequence[str],
    files: Sequence[DataFile],
    labels: np.ndarray,
    share: float = TEST_SHARE,
    key: str = "",
    prefix: str = "",
) -> np.ndarray:
    """Return which images are held out: of each class those with the lowest positions, but neither none nor all.

    Files are named ``prefix``, class, ``/``, and their name within the class, which alone decides. Each ``key`` makes a
    choice of its own, independent of the others; then the class decides, too, as the files of all classes may have the
    same names.
    """
    chosen = np.zeros(len(labels), bool)
    for label, name in enumerate(classes):
        members = np.flatnonzero(labels == label)
        _check_count(len(members), shown(folder / name))
        names = [files[k].name[len(f"{prefix}{name}/") :] for k in members.tolist()]
        positions = np.array([position(f"{key}{name}/{inner}" if key else inner) for inner in names])
        count = np.clip((positions < share).sum(), 1, len(members) - 1)
        chosen[members[np.argsort(positions, kind="stable")[:count]]] = True
    return chosen


def chosen_by_order(labels: np.ndarray, share: float = TEST_SHARE, seed: int = 0) -> np.ndarray:
    """Return which images of arrays, which have no names, are held out: a share of each class, by their indices."""
    order = np.random.RandomState(seed).permutation(len(labels))
    chosen = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        members = order[labels[order] == label]
        _check_count(len(members), f"class {label}")
        chosen[members[: min(max(1, round(share * len(members))), len(members) - 1)]] = True
    return chosen


def _check_count(count: int, where: str) -> None:
    if count < 2:
        raise ValueError(f"{where} holds a single image: one is needed for training and one to hold out")


def listed(folder: Path, files: Sequence[DataFile], held_out: Iterable[Any]) -> np.ndarray:
    """Return which files are those of a list: by name, or else, as they may have been renamed, by content."""
    if isinstance(held_out, (str, Mapping)):
        raise TypeError(f"held_out must be a list of files; got {held_out!r}: pass [{held_out!r}]")
    sums = dict(_name_and_sum(entry) for entry in held_out)
    if not sums:
        raise ValueError("held_out is empty: name the files for the test")
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
            f"{len(missing):,} of {len(sums):,} held-out files are missing or have changed in {shown(folder)}: "
            f"{some(missing)}: restore them"
        )
    return chosen


def _name_and_sum(entry: Any) -> tuple[str, str | None]:
    if isinstance(entry, str):
        return normal(entry), None
    file = entry._asdict() if isinstance(entry, DataFile) else entry
    return normal(file["name"]), file["sha256"]
