"""Checkpoints: all that a training needs to resume after an interruption, in one file for each epoch."""

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
from gluon_cnn._core.record import Damaged, read_archive, write_archive
from gluon_cnn.data import description
from gluon_cnn.data.batches import Batches
from gluon_cnn.data.transforms import described
from gluon_cnn.distributed.workers import Workers
from gluon_cnn.training.trainer_state import parameters_by_name, set_state, settings_of, state_of
from mxnet import gluon, nd

KEPT = 2  # files: the newest, and the one before it
NAME = "epoch-{:04}.npz"
CUT_OFF = r"\.npz\.\d+\.part"  # ending of one that was killed while it was written
ARGUMENTS = {"lr": "learning_rate"}  # of optimizers whose attribute has another name

_began: WeakKeyDictionary[mx.optimizer.Optimizer, dict[str, Any]] = WeakKeyDictionary()


class Checkpoint:
    """The state of a training in a folder.

    A file holds the weights, the optimizer's state and counters, the history, the random seeds and the place in the
    data, see :mod:`gluon_cnn._core.record`. All that belongs to a parameter is stored under the parameter's name in the
    structure of the network. A file is written whole or not at all, and only the newest two stay.

    Parameters
    ----------
    folder : str or Path
        Where the files are; made when it is missing.
    net, trainer : Block, Trainer
        The network, initialized, and its optimizer, on this machine.
    workers : Workers, optional
        Those that train together: worker 0 writes and reads, and tells the others.
    train_data, test_data, validation_data : iterable, optional
        Of training data that are :class:`gluon_cnn.Batches` seed and epoch are stored, so that the order continues. If
        all are Batches, what they consist of is stored, too.
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
            make_folder(self.folder)  # now, not after the first epoch
        self.source = self.folder  # the file that was restored
        self._trainer, self._data = trainer, data.get("train_data")
        self.best: dict[str, np.ndarray] = {}  # the weights of the best epoch, of a training with validation data
        self._parameters = parameters_by_name(net, trainer)
        self._about_data = None
        parts = {name.removesuffix("_data"): part for name, part in data.items() if isinstance(part, Batches)}
        if isinstance(self._data, Batches) and "test" in parts and len(parts) == len(data):
            self._about_data = {
                **description.describe(**parts),
                "batch_size": self._data.batch_size,
                "augmentation": described(self._data.transform),
            }
        if trainer.optimizer not in _began:  # it may have changed by the time of a second call
            _began[trainer.optimizer] = {
                "optimizer": settings_of(trainer.optimizer, rescale_grad=trainer._scale),
                "schedule": settings_of(trainer.optimizer.lr_scheduler),
            }
        state = np.random.get_state()
        self._seed = int(np.random.randint(2**30))
        np.random.set_state(state)  # the first epoch draws what it would have drawn without checkpoints

    def alone(self) -> contextlib.AbstractContextManager:
        """Keep other trainings out of the folder."""
        return contextlib.nullcontext() if self._workers.rank else locked(self.folder)

    def seed(self, epoch: int) -> int:
        """Return this worker's seed for an epoch's random numbers: mxnet's own state cannot be read and stored."""
        return ((self._seed + epoch) * self._workers.count + self._workers.rank) % 2**31

    def newest(self) -> Path | None:
        """Return the newest file, or None."""
        return next(reversed(_files(self.folder)), None)

    def save(self, history: dict[str, list], best: Mapping[str, np.ndarray] = MappingProxyType({})) -> None:
        """Write the state after the history's epochs and remove all but the newest two; older ones survive an error.

        ``best`` are the weights of the best epoch of a training with validation data.
        """
        if self._workers.rank:
            return
        nd.waitall()  # mxnet may still be changing or rearranging weights
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
        remove(self.folder, KEPT)

    def restore(self, num_epochs: int | None = None, check: Callable[[dict], object] = dict) -> dict[str, list] | None:
        """Put the newest state into network, trainer and data; return its history, or None when there is no file.

        Nothing is changed when the file is damaged, is of another training, or has more than ``num_epochs``; the
        ValueError names the difference. ``check`` is called with the history and raises an error when it is not one.
        """
        path = self.newest() if self._workers.rank == 0 else None
        found = self._workers.tell(b"+" + path.read_bytes() if path else b"")
        if not found:
            return None
        self.source = path = path or self.folder
        try:
            record, arrays = read_archive(found[1:], path)
        except Damaged as error:
            older = _files(self.folder)[:-1] if self._workers.rank == 0 else []
            hint = f"; move it to another folder to resume from {older[-1].name}" if older else ""
            raise ValueError(f"{error}{hint}") from error
        weights = {name[8:]: array for name, array in arrays.items() if name.startswith("weights/")}
        self._refuse_another_training(path, record, weights)
        check(record["history"])
        epochs = len(record["history"]["loss"])
        if num_epochs is not None and epochs > num_epochs:
            raise ValueError(f"{path} is of {epochs} epochs; num_epochs is {num_epochs}")
        # all is read: from here on things change
        for name, array in weights.items():
            p = self._parameters[name]
            p._load_init(nd.array(array, dtype=array.dtype), p.list_ctx())
        set_state(self._trainer, self._parameters, record["state"], arrays)
        for name in self._statistics():  # last, as a trainer that begins gives all contexts those of the first
            for k, mine in enumerate(self._parameters[name].list_data()[1:], 1):
                mine[:] = arrays[f"statistics/{k}/{name}"]
        for name, value in record["place"].items():
            setattr(self._data, name, value)
        self._seed = record["seed"]
        self.best = {name[5:]: array for name, array in arrays.items() if name.startswith("best/")}
        return record["history"]

    def _statistics(self) -> list[str]:
        """Return the parameters without gradients, such as batch norm's moving averages: each context has its own."""
        return [name for name, p in self._parameters.items() if p.grad_req == "null" and p._data is not None]

    def _of_this_training(self) -> dict[str, Any]:
        """Return what has to be the same when a training is resumed."""
        return {
            **_began[self._trainer.optimizer],
            "parameters": {
                name: {"grad_req": p.grad_req, "lr_mult": p.lr_mult, "wd_mult": p.wd_mult}
                for name, p in self._parameters.items()
            },
            "data": self._about_data,
            "workers": self._workers.count,
            "contexts": len(self._trainer._contexts),
        }

    def _refuse_another_training(self, path: Path, record: dict[str, Any], weights: dict[str, np.ndarray]) -> None:
        """Raise an error when a checkpoint is of another training than this one."""
        for name in sorted(record["parameters"].keys() | self._parameters.keys()):
            p, held = self._parameters.get(name), weights.get(name)
            open_shape = p is not None and held is None and p._deferred_init
            known = p is not None and name in record["parameters"] and (open_shape or held is not None)
            if not known or (held is not None and not fits(p, held)):
                there = "missing" if held is None else f"{held.dtype} {held.shape}"
                here = "missing" if p is None else f"{np.dtype(p.dtype)} {p.shape}"
                raise ValueError(f"{path} is of another network: {name} was {there}; now it is {here}")
        mine = json.loads(json.dumps(self._of_this_training()))
        before, now = _facts(record), _facts(mine)
        rate = getattr(self._trainer.optimizer, "lr", None)
        if rate != mine["optimizer"].get("lr"):  # trainer.set_learning_rate has been called since
            before["the optimizer's learning_rate"] = record["state"]["optimizer"].get("lr")
            now["the optimizer's learning_rate"] = rate
        for what in {**before, **now}:
            had, has = before.get(what), now.get(what)
            if repr(had) != repr(has):  # NaN equals NaN here
                raise ValueError(f"{path} is of another training: {what} was {had}; now it is {has}")
        changed = _data_difference(record["data"], mine["data"])
        if changed:
            raise ValueError(f"{path} was written with other data: {changed}; restore it, or start a new training")


def _facts(record: dict[str, Any]) -> dict[str, Any]:
    """Return what makes a training this one and not another, under names for a sentence."""
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
    """Return what differs between two descriptions of data that are known."""
    if before is None or now is None:
        return None
    for name in ("batch_size", "augmentation"):
        if before.get(name, "") != now[name]:
            return f"the {name.replace('_', ' ')} was {before.get(name)}; now it is {now[name] or 'none'}"
    return description.difference(before, now)


def remove(folder: Path, kept: int = 0) -> None:
    """Remove all checkpoints but the newest ``kept``, what was cut off while it was written, and an empty folder."""
    for path in _files(folder)[: -kept or None] + _files(folder, CUT_OFF):
        path.unlink(missing_ok=True)
    with suppress(OSError):  # there are other files
        folder.rmdir()


def epochs_in(folder: Path) -> int:
    """Return how many epochs the newest checkpoint in a folder is of; 0 without any."""
    files = _files(folder) if folder.is_dir() else []
    return int(files[-1].stem.partition("-")[2]) if files else 0


def _files(folder: Path, ending: str = r"\.npz") -> list[Path]:
    """Return the checkpoints in a folder, the newest last; what else has such a name is none."""
    found = (
        (re.fullmatch(rf"epoch-(\d{{4,}}){ending}", path.name), path) for path in folder.iterdir() if path.is_file()
    )
    return [path for _, path in sorted((int(match[1]), path) for match, path in found if match)]
