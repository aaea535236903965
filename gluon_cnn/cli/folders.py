"""Folders of runs: the newest, a new one, one that is taken."""

from __future__ import annotations

import argparse
import contextlib
import itertools
from collections.abc import Iterator
from pathlib import Path

from gluon_cnn._core.files import locked, make_folder
from gluon_cnn.experiments.run import REPORT, Run, newest_run

RUNS = Path("runs")


SETTINGS, CHECKPOINTS = "settings.json", "checkpoints"  # of a training that is not through


def load_run(options: argparse.Namespace) -> Run:
    return Run.load(run_folder(options))


def run_folder(options: argparse.Namespace) -> Path:
    """Return the run's folder: the one that was named, or the newest."""
    if options.folder is not None:
        if (options.folder / SETTINGS).exists() and not (options.folder / REPORT).exists():
            raise ValueError(
                f"{options.folder} holds a training that was interrupted: gluon-cnn train --resume {options.folder}"
            )
        return options.folder
    folder = newest_run(RUNS)
    print(f"Using {folder}")
    return folder


@contextlib.contextmanager
def new_run_folder(wanted: Path | None, default: Path) -> Iterator[Path]:
    """Make a folder for results, the wanted one or a new one; if nothing is written to it, it goes away again."""
    if wanted is not None:
        folder = make_folder(wanted)
    else:
        make_folder(default.parent)
        numbered = (default.with_name(f"{default.name}-{number}") for number in itertools.count(2))
        folder = next(path for path in itertools.chain([default], numbered) if _is_new(path))
    try:
        yield folder
    finally:
        with contextlib.suppress(OSError):  # it is not empty
            folder.rmdir()


def _is_new(folder: Path) -> bool:
    """Make a folder; return False when there is something of that name."""
    try:
        folder.mkdir()
    except FileExistsError:
        return False
    return True


def refuse_taken(wanted: Path | None, *names: str) -> None:
    """Refuse to write to a folder that holds one of these."""
    found = [name for name in names if wanted is not None and (wanted / name).exists()]
    if wanted is None or not found:
        return
    if found[0] == SETTINGS:
        raise ValueError(f"{wanted} holds a training that was interrupted: --resume it, or choose another --output")
    if found[0] == CHECKPOINTS:
        raise ValueError(f"{wanted / CHECKPOINTS} is there already: choose another --output")
    raise ValueError(f"{wanted} holds a run already: choose another --output")


@contextlib.contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Keep other trainings out of a folder, if it is there."""
    with locked(folder) if folder.is_dir() else contextlib.nullcontext():
        yield
