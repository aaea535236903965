"""Checkpoints: everything needed to resume an interrupted training run, in one file per epoch."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any
from weakref import WeakKeyDictionary

import mxnet as mx
import numpy as np
from gluon_cnn._core.checks import fits
from gluon_cnn._core.files import atomic_write, locked, make_folder
from gluon_cnn._core.record import DamagedFileError, read_archive, write_archive
from gluon_cnn.data import description
from gluon_cnn.data.batches import Batches
from gluon_cnn.data.transforms import describe_transforms
from gluon_cnn.distributed.workers import Workers
from gluon_cnn.training.trainer_state import parameters_by_name, set_state, settings_of, state_of
from mxnet import gluon, nd

MAX_TO_KEEP = 2  # number of files: the two newest
NAME = "epoch-{:04}.npz"
PARTIAL_FILE = r"\.npz\.\d+\.part"  # extension of a partial file from a killed process
ARGUMENTS = {"lr": "learning_rate"}  # optimizer attributes whose argument has another name

_initial_settings: WeakKeyDictionary[mx.optimizer.Optimizer, dict[str, Any]] = WeakKeyDictionary()


class Checkpoint:
    """The checkpoints of a training run in a folder.

    A file contains the weights, the optimizer's state and counters, the history, the random seeds and the position in
    the data, see :mod:`gluon_cnn._core.record`. Everything that belongs to a parameter is stored under its structural
    name. Files are written atomically, and only the newest two are retained.

    Parameters
    ----------
    folder : str or Path
        Folder of the files; created if it does not exist.
    net, trainer : Block, Trainer
        The initialized network and its optimizer, on this machine.
    workers : Workers, optional
        The workers of a distributed training run; worker 0 reads and writes, and broadcasts to the others.
    train_data, test_data, validation_data : iterable, optional
        If the training data is a :class:`gluon_cnn.Batches`, its seed and epoch are stored, so that the order
        continues. If all are Batches, a description of the data is stored, too.
    """

    def __init__(
        self,
        folder: str | Path,
        net: gluon.Block,
        trainer: gluon.Trainer,
        workers: Workers | None = None,
        **data: Iterable,
    ) -> None:
        self.folder, self._workers = Path(folder), workers or Workers()
        if self._workers.rank == 0:
            make_folder(self.folder)  # fail before the first epoch
        self.source = self.folder  # the file that was restored
        self._trainer, self._data = trainer, data.get("train_data")
        self.best: dict[str, np.ndarray] = {}  # the weights of the best epoch, with validation data
        self._parameters = parameters_by_name(net, trainer)
        self._about_data = None
        parts = {name.removesuffix("_data"): part for name, part in data.items() if isinstance(part, Batches)}
        if isinstance(self._data, Batches) and "test" in parts and len(parts) == len(data):
            self._about_data = {
                **description.describe(**parts),
                "batch_size": self._data.batch_size,
                "augmentation": describe_transforms(self._data.transform),
            }
        if trainer.optimizer not in _initial_settings:  # kept, since they may have changed by a second call
            _initial_settings[trainer.optimizer] = {
                "optimizer": settings_of(trainer.optimizer, rescale_grad=trainer._scale),
                "schedule": settings_of(trainer.optimizer.lr_scheduler),
            }
        state = np.random.get_state()
        self._seed = int(np.random.randint(2**30))
        np.random.set_state(state)  # the first epoch's random numbers are the same as without checkpoints

    def lock(self) -> contextlib.AbstractContextManager:
        """Lock the folder against other training runs."""
        return contextlib.nullcontext() if self._workers.rank else locked(self.folder)

    def seed(self, epoch: int) -> int:
        """Return this worker's random seed for an epoch; MXNet's own random state cannot be saved."""
        return ((self._seed + epoch) * self._workers.count + self._workers.rank) % 2**31

    def newest(self) -> Path | None:
        """Return the newest file, or None."""
        return next(reversed(_files(self.folder)), None)

    def save(self, history: dict[str, list], best: Mapping[str, np.ndarray] = MappingProxyType({})) -> None:
        """Write the current state, then remove all but the newest two files; on an error, old files remain.

        ``best`` are the weights of the best epoch, with validation data.
        """
        if self._workers.rank:
            return
        nd.waitall()  # MXNet may still be updating or rearranging weights
        copies = {name: p.list_data() for name, p in self._parameters.items() if p._data is not None}
        arrays = {f"weights/{name}": of_contexts[0].asnumpy() for name, of_contexts in copies.items()}
        arrays |= {f"best/{name}": array for name, array in best.items()}
        for name in self._statistics():
            arrays |= {f"statistics/{k}/{name}": copy.asnumpy() for k, copy in enumerate(copies[name][1:], 1)}
        place = {name: int(getattr(self._data, name)) for name in ("seed", "epoch") if isinstance(self._data, Batches)}
        record = {**self._of_this_training(), "history": history, "seed": self._seed, "place": place}
        record["state"] = state_of(self._trainer, self._parameters, arrays)
        with atomic_write(self.folder / NAME.format(len(history["loss"]))) as file:
            write_archive(file, record, arrays)
        prune(self.folder, MAX_TO_KEEP)

    def restore(self, num_epochs: int | None = None, check: Callable[[dict], object] = dict) -> dict[str, list] | None:
        """Restore network, trainer and data from the newest file; return its history, or None if there is no file.

        If the file is damaged, belongs to another run, or has more than ``num_epochs`` epochs, nothing is changed;
        the ValueError names the difference. ``check`` is called with the history and raises an error if it is invalid.
        """
        path = self.newest() if self._workers.rank == 0 else None
        found = self._workers.broadcast(b"+" + path.read_bytes() if path else b"")
        if not found:
            return None
        self.source = path = path or self.folder
        try:
            record, arrays = read_archive(found[1:], path)
        except DamagedFileError as error:
            older = _files(self.folder)[:-1] if self._workers.rank == 0 else []
            hint = f"; move it to another folder to resume from {older[-1].name}" if older else ""
            raise ValueError(f"{error}{hint}") from error
        weights = {name[8:]: array for name, array in arrays.items() if name.startswith("weights/")}
        self._refuse_another_training(path, record, weights)
        check(record["history"])
        epochs = len(record["history"]["loss"])
        if num_epochs is not None and epochs > num_epochs:
            raise ValueError(f"{path} contains {epochs} epochs; num_epochs is {num_epochs}")
        # everything has been checked; changes begin here
        for name, array in weights.items():
            p = self._parameters[name]
            p._load_init(nd.array(array, dtype=array.dtype), p.list_ctx())
        set_state(self._trainer, self._parameters, record["state"], arrays)
        for name in self._statistics():  # last, since initializing the trainer copies those of the first context
            for k, mine in enumerate(self._parameters[name].list_data()[1:], 1):
                mine[:] = arrays[f"statistics/{k}/{name}"]
        for name, value in record["place"].items():
            setattr(self._data, name, value)
        self._seed = record["seed"]
        self.best = {name[5:]: array for name, array in arrays.items() if name.startswith("best/")}
        return record["history"]

    def _statistics(self) -> list[str]:
        """Name the parameters without gradients, such as batch norm's moving averages, which differ by context."""
        return [name for name, p in self._parameters.items() if p.grad_req == "null" and p._data is not None]

    def _of_this_training(self) -> dict[str, Any]:
        """Return the settings that must not change when training is resumed."""
        return {
            **_initial_settings[self._trainer.optimizer],
            "parameters": {
                name: {"grad_req": p.grad_req, "lr_mult": p.lr_mult, "wd_mult": p.wd_mult}
                for name, p in self._parameters.items()
            },
            "data": self._about_data,
            "workers": self._workers.count,
            "contexts": len(self._trainer._contexts),
        }

    def _refuse_another_training(self, path: Path, record: dict[str, Any], weights: dict[str, np.ndarray]) -> None:
        """Raise an error if a checkpoint belongs to another training run."""
        for name in sorted(record["parameters"].keys() | self._parameters.keys()):
            p, held = self._parameters.get(name), weights.get(name)
            open_shape = p is not None and held is None and p._deferred_init
            known = p is not None and name in record["parameters"] and (open_shape or held is not None)
            if not known or (held is not None and not fits(p, held)):
                there = "missing" if held is None else f"{held.dtype} {held.shape}"
                here = "missing" if p is None else f"{np.dtype(p.dtype)} {p.shape}"
                raise ValueError(f"{path} belongs to another network: {name} was {there}; now it is {here}")
        mine = json.loads(json.dumps(self._of_this_training()))
        before, now = _facts(record), _facts(mine)
        rate = getattr(self._trainer.optimizer, "lr", None)
        if rate != mine["optimizer"].get("lr"):  # trainer.set_learning_rate has been called
            before["the optimizer's learning_rate"] = record["state"]["optimizer"].get("lr")
            now["the optimizer's learning_rate"] = rate
        for what in {**before, **now}:
            had, has = before.get(what), now.get(what)
            if repr(had) != repr(has):  # NaN equals NaN here
                raise ValueError(f"{path} belongs to another training run: {what} was {had}; now it is {has}")
        changed = _data_difference(record["data"], mine["data"])
        if changed:
            raise ValueError(f"{path} was written with other data: {changed}; restore the data, or start a new run")


def _facts(record: dict[str, Any]) -> dict[str, Any]:
    """Return the settings that identify a training run, under names for error messages."""
    optimizer, schedule = record["optimizer"], record["schedule"] or {"name": "none"}
    return {
        "the optimizer": optimizer["name"],
        "the learning-rate schedule": schedule["name"],
        **{f"the optimizer's {ARGUMENTS.get(name, name)}": value for name, value in sorted(optimizer.items())},
        **{f"the schedule's {name}": value for name, value in sorted(schedule.items())},
        **{f"{p}'s {name}": value for p, of_p in record["parameters"].items() for name, value in of_p.items()},
        "the number of workers": record["workers"],
        "the number of contexts": record["contexts"],
    }


def _data_difference(before: dict[str, Any] | None, now: dict[str, Any] | None) -> str | None:
    """Summarize the difference between two data descriptions, if both are known."""
    if before is None or now is None:
        return None
    for name in ("batch_size", "augmentation"):
        if before.get(name, "") != now[name]:
            return f"the {name.replace('_', ' ')} was {before.get(name)}; now it is {now[name] or 'none'}"
    return description.difference(before, now)


def prune(folder: Path, kept: int = 0) -> None:
    """Remove all checkpoints but the newest ``kept``, partial files, and the folder if it is then empty."""
    for path in _files(folder)[: -kept or None] + _files(folder, PARTIAL_FILE):
        path.unlink(missing_ok=True)
    with suppress(OSError):  # the folder is not empty
        folder.rmdir()


def epochs_in(folder: Path) -> int:
    """Return the number of epochs of the newest checkpoint in a folder, or 0."""
    files = _files(folder) if folder.is_dir() else []
    return int(files[-1].stem.partition("-")[2]) if files else 0


def _files(folder: Path, ending: str = r"\.npz") -> list[Path]:
    """Return the checkpoint files in a folder, the newest last."""
    found = (
        (re.fullmatch(rf"epoch-(\d{{4,}}){ending}", path.name), path) for path in folder.iterdir() if path.is_file()
    )
    return [path for _, path in sorted((int(match[1]), path) for match, path in found if match)]
