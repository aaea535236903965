"""gluon-cnn train, rate and launch."""

from __future__ import annotations

import argparse
import contextlib
import json
from dataclasses import replace
from pathlib import Path

from gluon_cnn._core import record
from gluon_cnn._core.files import atomic_write
from gluon_cnn.cli.folders import (
    CHECKPOINTS,
    RUNS,
    SETTINGS,
    locked_if_exists,
    new_run_folder,
    refuse_existing,
    tell_saved,
    this_command,
)
from gluon_cnn.cli.options import EPOCHS, NETWORK_NAMES, settings_from
from gluon_cnn.distributed.launch import launch as start_processes
from gluon_cnn.distributed.launch import read_hosts
from gluon_cnn.distributed.workers import Workers, join
from gluon_cnn.experiments.choices import find_network
from gluon_cnn.experiments.experiment import Preparation, prepare
from gluon_cnn.experiments.files import REPORT, read_report
from gluon_cnn.experiments.settings import Settings
from gluon_cnn.plots.style import plot_with_fallback
from gluon_cnn.training import checkpoint


def train(options: argparse.Namespace) -> int:
    workers = join(options.kvstore) if options.kvstore else Workers()
    if workers.rank:
        settings = Settings(**json.loads(workers.broadcast(b"")))
        prepare(settings, workers=workers).train(verbose=False, checkpoint="")
        return 0
    if options.resume is not None:
        with locked_if_exists(options.resume):
            settings = _settings_to_resume(options)
            workers.broadcast(json.dumps(vars(settings)).encode())
            return _train_in(options.resume, prepare(settings, workers=workers))
    if options.network is None:
        raise ValueError(f"name a network, {NETWORK_NAMES}; or --resume a folder")
    find_network(options.network)
    settings = Settings(**settings_from(options))
    refuse_existing(options.output, SETTINGS, REPORT, CHECKPOINTS)
    workers.broadcast(json.dumps(vars(settings)).encode())
    prepared = prepare(settings, workers=workers)  # first, so that errors leave no folder behind
    with new_run_folder(options.output, RUNS / options.network.replace(":", "-")) as folder, locked_if_exists(folder):
        refuse_existing(options.output, SETTINGS, REPORT, CHECKPOINTS)  # another process may have been faster
        _write_settings(folder, prepared.settings)
        try:
            return _train_in(folder, prepared)
        finally:
            if not (folder / CHECKPOINTS).exists():  # training did not start
                (folder / SETTINGS).unlink(missing_ok=True)


def rate(options: argparse.Namespace) -> int:
    found = prepare(Settings(**settings_from(options))).find_learning_rate()
    print(f"Suggested: --lr {found.suggestion:g}")
    if options.plot is not None:
        plot_with_fallback(found.plot, options.plot)
        print(f"Loss against learning rate: {options.plot}")
    return 0


def _train_in(folder: Path, prepared: Preparation) -> int:
    """Train in a folder of settings and checkpoints until all epochs are completed."""
    checkpoints = folder / CHECKPOINTS
    print(f"The training run will be saved to {folder}", flush=True)
    try:
        run = prepared.train(checkpoint=checkpoints)
        if len(run.history):
            run.save(folder)
        if len(run.history) == prepared.settings.num_epochs or run.history.stalled(prepared.settings.patience):
            (folder / SETTINGS).unlink(missing_ok=True)  # the training is finished
            checkpoint.prune(checkpoints, kept=1)  # to continue from later
    finally:
        with contextlib.suppress(OSError):  # not empty
            checkpoints.rmdir()
    if not len(run.history):
        print("Nothing was saved")
        return 130
    tell_saved(folder, prepared.settings.network)
    if (folder / SETTINGS).exists():
        print(f"{this_command()} train --resume {folder} resumes after the last completed epoch")
    return 0


def _write_settings(folder: Path, settings: Settings) -> None:
    with atomic_write(folder / SETTINGS) as file:
        file.write(record.to_json({"settings": vars(settings)}))


def _settings_to_resume(options: argparse.Namespace) -> Settings:
    """Return the settings of the run to resume; reject other options, except epochs and patience."""
    folder = options.resume
    given = [argument.split("=")[0] for argument in options.arguments if argument.startswith("--")]
    more_epochs = any(name.startswith(argument) for argument in given for name in EPOCHS)
    allowed = ("--resume", "--kvstore", "--patience", *EPOCHS)
    others = [a for a in given if not any(name.startswith(a) for name in allowed)]
    if options.network is not None:
        others.append(options.network)
    if others:
        raise ValueError(f"--resume uses the settings of the original training: leave out {others[0]}")
    path, stored = _read_settings(folder)
    if path.name == REPORT:  # finished
        if not more_epochs:
            raise ValueError(
                f"{folder} contains a finished training run: there is nothing to resume; to continue it, pass --epochs "
                f"greater than {stored.get('num_epochs')}"
            )
        if not (folder / CHECKPOINTS).is_dir():
            raise ValueError(
                f"{folder} contains no checkpoint to continue from: only `train` saves them, since version 0.2"
            )
    try:
        settings = Settings.from_stored(stored)
    except ValueError as error:
        raise ValueError(f"{path} does not contain settings saved by `train`: {error}") from None
    if more_epochs:
        done = checkpoint.epochs_in(folder / CHECKPOINTS)
        if options.num_epochs <= done:
            raise ValueError(
                f"the network in {folder} has been trained for {done} epochs: --epochs must be larger; "
                f"got {options.num_epochs}"
            )
        patience = settings.patience if options.patience is None else options.patience
        settings = replace(settings, num_epochs=options.num_epochs, patience=patience)
        _write_settings(folder, settings)
    return settings


def _read_settings(folder: Path) -> tuple[Path, dict]:
    """Return the settings file of the training run in a folder, or its report if it is finished, and the settings."""
    if not folder.is_dir():
        raise ValueError(
            f"there is no folder {folder}: {this_command()} train NETWORK --output {folder} starts a training run"
        )
    path = folder / SETTINGS
    if path.is_file():
        stored = record.from_json(path.read_bytes(), path)
        return path, stored["settings"] if "format" in stored else stored  # version 0.1.0 wrote nothing else
    if (folder / REPORT).exists():
        return folder / REPORT, read_report(folder)["settings"]
    found = sorted(RUNS.glob(f"*/{SETTINGS}"), key=lambda found: found.stat().st_mtime)
    hint = f"; {found[-1].parent} does" if found else ""
    raise ValueError(f"{folder} contains no interrupted training run ({SETTINGS} is missing){hint}")


def launch(options: argparse.Namespace) -> int:
    command = list(options.training)
    if command[0] == "train":
        given = any(argument.startswith("--kvstore") for argument in command)
        command = ["-m", "gluon_cnn.cli", *command, *([] if given else ["--kvstore", "dist_sync"])]
    elif not command[0].endswith(".py"):
        raise ValueError(f"workers run `train` or your own program, such as train.py; got {command[0]!r}")
    elif not options.hosts and not Path(command[0]).is_file():
        raise FileNotFoundError(f"there is no program {command[0]}")
    else:
        command = ["-m", "gluon_cnn.distributed.worker", *command]
    hosts = read_hosts(options.hosts) if options.hosts else []
    return start_processes(command, options.workers, options.servers, hosts, options.address)
