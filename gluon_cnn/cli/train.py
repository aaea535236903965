"""gluon-cnn train, and launch, which trains in several processes."""

from __future__ import annotations

import argparse
import contextlib
import json
from pathlib import Path

from gluon_cnn._core import record
from gluon_cnn._core.files import atomic_write
from gluon_cnn.cli.folders import CHECKPOINTS, RUNS, SETTINGS, claimed, new_run_folder, refuse_taken
from gluon_cnn.cli.options import EPOCHS, NETWORK_NAMES, settings_from
from gluon_cnn.distributed.launch import launch as start_processes
from gluon_cnn.distributed.launch import read_hosts
from gluon_cnn.distributed.workers import Workers, join
from gluon_cnn.experiments.choices import choose
from gluon_cnn.experiments.experiment import Preparation, prepare
from gluon_cnn.experiments.run import REPORT, read_report
from gluon_cnn.networks.registry import NETWORKS
from gluon_cnn.training import checkpoint


def train(options: argparse.Namespace) -> int:

    workers = join(options.kvstore) if options.kvstore else Workers()
    if workers.rank:
        settings = json.loads(workers.tell(b""))
        prepare(**settings, workers=workers).train(verbose=False, checkpoint="")
        return 0
    if options.resume is not None:
        with claimed(options.resume):
            settings = _interrupted(options)
            workers.tell(json.dumps(settings).encode())
            return _train_in(options.resume, settings, prepare(**settings, workers=workers))
    if options.network is None:
        raise ValueError(f"name a network, {NETWORK_NAMES}; or --resume a folder")
    choose("network", options.network, NETWORKS)
    settings = {"network": options.network, **settings_from(options), "num_epochs": options.num_epochs}
    refuse_taken(options.output, SETTINGS, REPORT, CHECKPOINTS)
    workers.tell(json.dumps(settings).encode())
    prepared = prepare(**settings, workers=workers)  # first: what is wrong with it leaves no folder
    with new_run_folder(options.output, RUNS / options.network) as folder, claimed(folder):
        refuse_taken(options.output, SETTINGS, REPORT, CHECKPOINTS)  # another process may have been faster
        _write_settings(folder, {name: prepared.settings[name] for name in settings})  # its folders are absolute
        try:
            return _train_in(folder, settings, prepared)
        finally:
            if not (folder / CHECKPOINTS).exists():  # nothing was begun
                (folder / SETTINGS).unlink(missing_ok=True)


def _train_in(folder: Path, settings: dict, prepared: Preparation) -> int:
    """Train in a folder that holds settings and checkpoints until all epochs are through."""

    checkpoints = folder / CHECKPOINTS
    print(f"The training is kept in {folder}", flush=True)
    try:
        run = prepared.train(checkpoint=checkpoints)
        if len(run.history):
            run.save(folder)
        if len(run.history) == settings["num_epochs"]:
            (folder / SETTINGS).unlink(missing_ok=True)  # it is not interrupted any more
            checkpoint.remove(checkpoints, kept=1)  # from which more epochs can follow
    finally:
        with contextlib.suppress(OSError):  # there are some
            checkpoints.rmdir()
    if not len(run.history):
        print("Nothing is kept")
        return 130
    print(f"Kept in {folder}; gluon-cnn predict PICTURE --run {folder} uses it")
    if (folder / SETTINGS).exists():
        print(f"gluon-cnn train --resume {folder} goes on after the last whole epoch")
    return 0


def _write_settings(folder: Path, settings: dict) -> None:

    with atomic_write(folder / SETTINGS) as file:
        file.write(record.written({"settings": settings}))


def _interrupted(options: argparse.Namespace) -> dict:
    """Return the settings of the training to resume; refuse others beside them, but a number of epochs."""

    folder = options.resume
    given = [argument.split("=")[0] for argument in options.arguments if argument.startswith("--")]
    more_epochs = any(name.startswith(argument) for argument in given for name in EPOCHS)
    others = [a for a in given if not any(name.startswith(a) for name in ("--resume", "--kvstore", *EPOCHS))]
    if options.network is not None:
        others.append(options.network)
    if others:
        raise ValueError(f"--resume goes on with the settings that the training began with: leave out {others[0]}")
    if not folder.is_dir():
        raise ValueError(f"there is no folder {folder}: gluon-cnn train NETWORK --output {folder} starts a training")
    if (folder / SETTINGS).is_file():
        path = folder / SETTINGS
        stored = record.read(path.read_bytes(), path)
        settings = stored["settings"] if "format" in stored else stored  # version 0.1.0 wrote nothing else
    elif (folder / REPORT).exists():
        path = folder / REPORT
        settings = read_report(folder)["settings"]
        if not more_epochs:
            raise ValueError(
                f"{folder} holds a training that is finished: there is nothing to resume; to continue it, pass "
                f"--epochs with more than {settings.get('num_epochs')}"
            )
        if not (folder / CHECKPOINTS).is_dir():
            raise ValueError(
                f"{folder} holds no checkpoint to continue from, which gluon-cnn 0.1.0 did not keep of a training that "
                "is finished"
            )
    else:
        found = sorted(RUNS.glob(f"*/{SETTINGS}"), key=lambda found: found.stat().st_mtime)
        hint = f"; {found[-1].parent} does" if found else ""
        raise ValueError(f"{folder} holds no training that was interrupted ({SETTINGS} is missing){hint}")
    settings = _checked(settings, path, options)
    if more_epochs:
        done = checkpoint.epochs_in(folder / CHECKPOINTS)
        if options.num_epochs <= done:
            raise ValueError(
                f"{folder} has been trained for {done} epochs: --epochs must be larger; got {options.num_epochs}"
            )
        settings["num_epochs"] = options.num_epochs
        _write_settings(folder, settings)
    return settings


def _checked(settings: dict, path: Path, options: argparse.Namespace) -> dict:
    """Return the settings of a training as they were written to a file; refuse what are none."""
    kinds: dict = {name: type(value) for name, value in settings_from(options).items()}  # of the defaults
    kinds.update(network=str, num_epochs=int, resize=(int, list, type(None)))
    kinds.update(dict.fromkeys(("learning_rate", "momentum"), (int, float)))
    for name, kind in kinds.items():
        if not isinstance(settings.get(name), kind) or isinstance(settings.get(name), bool):
            raise ValueError(
                f"{path} does not hold the settings of a training by `train`: {name} is {settings.get(name)!r}"
            )
    return {name: settings[name] for name in kinds}


def launch(options: argparse.Namespace) -> int:
    command = list(options.training)
    if command[0] == "train":
        given = any(argument.startswith("--kvstore") for argument in command)
        command = ["-m", "gluon_cnn.cli", *command, *([] if given else ["--kvstore", "dist_sync"])]
    elif not command[0].endswith(".py"):
        raise ValueError(f"workers run `train` or a program of yours, such as train.py; got {command[0]!r}")
    elif not options.hosts and not Path(command[0]).is_file():
        raise FileNotFoundError(f"there is no program {command[0]}")
    else:
        command = ["-m", "gluon_cnn.distributed.worker", *command]
    hosts = read_hosts(options.hosts) if options.hosts else []
    return start_processes(command, options.workers, options.servers, hosts, options.address)
