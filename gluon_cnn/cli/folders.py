"""Folders of runs."""

from __future__ import annotations

import argparse
import contextlib
import itertools
import os
import shlex
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from gluon_cnn._core.files import locked, make_folder
from gluon_cnn.experiments.choices import find_network
from gluon_cnn.experiments.files import REPORT, newest_run
from gluon_cnn.experiments.run import Run, pretrained_run
from gluon_cnn.networks.registry import PRETRAINED

RUNS = Path("runs")
SETTINGS, CHECKPOINTS = "settings.json", "checkpoints"  # of an unfinished training run


def this_command() -> str:
    """Return the command to run gluon-cnn again, with its path if it is not on the shell's PATH."""
    called = sys.argv[0]
    if called.endswith(os.path.join("cli", "__main__.py")):
        return f"{shlex.quote(sys.executable)} -m gluon_cnn.cli"
    named = os.path.basename(called) == "gluon-cnn" and shutil.which("gluon-cnn") != os.path.abspath(called)
    return shlex.quote(called) if named else "gluon-cnn"


def load_run(options: argparse.Namespace, folder: Path | None = None) -> Run:
    """Return the named run, the newest run, or the pretrained network."""
    if options.make in PRETRAINED:
        if options.folder is not None:
            raise ValueError(f"--network {options.make} has weights of its own: leave out --run")
        return pretrained_run()
    make = find_network(options.make, PRETRAINED) if options.make else None
    return Run.load(folder or run_folder(options), make)


def run_folder(options: argparse.Namespace) -> Path:
    """Return the run's folder: the named one, or the newest."""
    if options.folder is not None:
        if (options.folder / SETTINGS).exists() and not (options.folder / REPORT).exists():
            raise ValueError(
                f"{options.folder} contains an interrupted training run: "
                f"{this_command()} train --resume {options.folder}"
            )
        return options.folder
    folder = newest_run(RUNS)
    print(f"Using {folder}")
    return folder


@contextlib.contextmanager
def new_run_folder(wanted: Path | None, default: Path) -> Iterator[Path]:
    """Create a folder for results, the given one or a new one; remove it if nothing was written to it."""
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
    """Create a folder; return False if the name is taken."""
    try:
        folder.mkdir()
    except FileExistsError:
        return False
    return True


def refuse_existing(wanted: Path | None, *names: str) -> None:
    """Refuse to write to a folder that contains any of these files."""
    for name in names:
        if wanted is not None and (wanted / name).exists():
            if name == SETTINGS:
                raise ValueError(
                    f"{wanted} contains an interrupted training run: --resume it, or choose another --output"
                )
            what = f"{wanted / name} already exists" if name == CHECKPOINTS else f"{wanted} already contains a run"
            raise ValueError(f"{what}: choose another --output")


def tell_saved(folder: Path, network: str) -> None:
    """Print where a run is and how to use it."""
    own = f" --network {network}" if ":" in network else ""
    print(f"Saved to {folder}; to use it: {this_command()} predict IMAGE --run {folder}{own}")


@contextlib.contextmanager
def locked_if_exists(folder: Path) -> Iterator[None]:
    """Lock a folder against other training runs, if it exists."""
    with locked(folder) if folder.is_dir() else contextlib.nullcontext():
        yield
