"""Checkpoints: all that a training needs to go on after an interruption, in one file for each epoch."""

from __future__ import annotations

import copy
import io
import json
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
from gluon_cnn._checks import LARGEST, fits
from gluon_cnn._files import whole_file
from gluon_cnn.batches import Batches
from gluon_cnn.distributed import Workers
from mxnet import gluon, nd

__all__ = ["Checkpoint", "remove"]

KEPT = 2  # files: the newest, and the one before it
NAME = "epoch-{:04}.npz"
CUT_OFF = r"\.npz\.\d+\.part"  # ending of one that was killed while it was written
ABOUT = "about"  # the entry that holds everything but arrays, as JSON


class Checkpoint:
    """The state of a training in a folder.

    A file holds the weights, the optimizer's state and counters, the history, the random seeds and the place in the
    data. It is a NumPy archive without pickled objects, is written whole or not at all, and only the newest two stay.

    Parameters
    ----------
    folder : str or Path
        Where the files are; made when it is missing.
    net : Block
        The network, initialized.
    trainer : Trainer
        Its optimizer, on this machine.
    workers : Workers, optional
        Those that train together: worker 0 writes and reads, and tells the others.
    data : iterable
        The training data. Of :class:`gluon_cnn.Batches` seed and epoch are kept, so that the order goes on.

    Raises
    ------
    OSError
        When the folder is a file, or cannot be made.
    """

    def __init__(
        self,
        folder: str | Path,
        net: gluon.Block,
        trainer: gluon.Trainer,
        data: Iterable,
        workers: Workers | None = None,
    ) -> None:
        self.folder, self._workers = Path(folder), workers or Workers()
        if self._workers.rank == 0:
            if self.folder.exists() and not self.folder.is_dir():
                raise NotADirectoryError(f"{self.folder} is no folder: checkpoints need one")
            self.folder.mkdir(parents=True, exist_ok=True)  # now, not after the first epoch
        self.source = self.folder  # the file that was restored
        self._net, self._trainer, self._data = net, trainer, data
        state = np.random.get_state()
        self._seed = int(np.random.randint(2**30))
        np.random.set_state(state)  # the first epoch draws what it would have drawn without checkpoints

    def seed(self, epoch: int) -> int:
        """Return the seed for an epoch's random numbers: mxnet's own state cannot be read, so each epoch gets a new."""
        return self._seed + epoch

    def newest(self) -> Path | None:
        """Return the newest file, or None."""
        files = self._files()
        return files[-1] if files else None

    def save(self, history: dict[str, list]) -> None:
        """Write the state after the history's epochs and remove all but the newest two.

        Raises
        ------
        OSError
            When it cannot be written; the older ones are then as they were.
        """
        if self._workers.rank:
            return
        nd.waitall()  # mxnet may still be changing or rearranging weights
        copies = {name: p.list_data() for name, p in self._parameters().items()}
        arrays = {f"weights/{name}": of_contexts[0].asnumpy() for name, of_contexts in copies.items()}
        for name, p in self._statistics().items():
            arrays.update({f"statistics/{k}/{name}": copies[name][k].asnumpy() for k in range(1, len(p.list_ctx()))})
        updater, optimizer = self._updaters()[0], self._trainer.optimizer
        about = {
            "optimizer": type(optimizer).__name__,
            "numbers": _numbers(optimizer),
            "schedule": _numbers(optimizer.lr_scheduler),
            "updates": {device: list(counts.items()) for device, counts in optimizer._all_index_update_counts.items()},
            "states": [[index, _pack(state, arrays)] for index, state in updater.states.items()],
            "history": history,
            "seed": self._seed,
            "data": self._place(),
            "workers": self._workers.count,
            "contexts": len(self._trainer._contexts),
        }
        path = self.folder / NAME.format(len(history["loss"]))
        # as np.savez does it, which leaves the archive open on an error
        with whole_file(path) as file, zipfile.ZipFile(file, "w") as archive:
            for name, array in {ABOUT: np.array(json.dumps(about)), **arrays}.items():
                with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                    np.lib.format.write_array(entry, array, allow_pickle=False)
        for old in self._files()[:-KEPT] + _files(self.folder, CUT_OFF):
            old.unlink(missing_ok=True)  # another training in this folder may have done it

    def restore(self, num_epochs: int | None = None, check: Callable[[dict], object] = dict) -> dict[str, list] | None:
        """Put the newest state into network, trainer and data; return its history, or None when there is no file.

        Parameters
        ----------
        num_epochs : int, optional
            How many epochs the history may have. Default: any number.
        check : callable
            Called with the history; raises an error when it is none.

        Raises
        ------
        ValueError
            When the file is damaged, of another network, optimizer, number of contexts or workers, with a learning-rate
            schedule where the optimizer has none or the reverse, or of more epochs. Nothing is changed then.
        """
        path = self.newest() if self._workers.rank == 0 else None
        found = self._workers.tell(b"+" + path.read_bytes() if path else b"")
        if not found:
            return None
        optimizer, parameters = self._trainer.optimizer, self._parameters()
        self.source = path = path or self.folder
        with _damage_named(path):
            file = np.load(io.BytesIO(found[1:]), allow_pickle=False)
            arrays = {name: file[name] for name in file.files}
            about = json.loads(str(arrays.pop(ABOUT)))
            written_with = about["optimizer"]
        if written_with != type(optimizer).__name__:
            raise ValueError(
                f"{path} was written with the optimizer {written_with}; this training has {type(optimizer).__name__}"
            )
        weights = {name[8:]: array for name, array in arrays.items() if name.startswith("weights/")}
        if parameters.keys() != weights.keys() or not all(fits(p, weights[name]) for name, p in parameters.items()):
            raise ValueError(f"{path} is of another network: its weights have other names, shapes or types")
        if about.get("workers", 1) != self._workers.count:  # their batches would have another size
            raise ValueError(f"{path} was written by {about['workers']} workers; now there are {self._workers.count}")
        contexts, before = len(self._trainer._contexts), about.get("contexts", 1)
        if before != contexts:
            raise ValueError(f"{path} was written with another number of contexts: {before}, and now {contexts}")
        scheduled, schedule = optimizer.lr_scheduler is not None, about.get("schedule")
        if schedule is not None and bool(schedule) != scheduled:
            had, has = ("without a", "has one") if scheduled else ("with a", "has none")
            raise ValueError(f"{path} was written {had} learning-rate schedule; this training {has}")
        with _damage_named(path):
            numbers = _like(_numbers(optimizer), about["numbers"])
            schedule = _like(_numbers(optimizer.lr_scheduler), about["schedule"])
            states = {int(index): _unpack(state, arrays) for index, state in about["states"]}
            self._check_states(states, numbers, weights)
            updates = {
                int(device): {int(index): int(count) for index, count in counts}
                for device, counts in about["updates"].items()
            }
            place = {name: int(value) for name, value in about["data"].items() if name in self._place()}
            history = {name: list(values) for name, values in about["history"].items()}
            seed = int(about["seed"])
            check(history)
            epochs = len(history["loss"])
            statistics = {
                name: [arrays[f"statistics/{k}/{name}"] for k in range(1, contexts)] for name in self._statistics()
            }
            if any(_kind(array) != _kind(weights[name]) for name, others in statistics.items() for array in others):
                raise ValueError("a context's statistics have another shape")
        if num_epochs is not None and epochs > num_epochs:
            raise ValueError(f"{path} is of {epochs} epochs; num_epochs is {num_epochs}")
        # all is read: from here on things change
        for name, p in parameters.items():
            p._load_init(nd.array(weights[name], dtype=weights[name].dtype), p.list_ctx())
        vars(optimizer).update(numbers)
        if schedule:
            vars(optimizer.lr_scheduler).update(schedule)
        for device, counts in updates.items():
            optimizer._all_index_update_counts.setdefault(device, {}).update(counts)
        for updater in self._updaters():
            updater.states = {index: _copy(state) for index, state in states.items()}
            updater.states_synced = dict.fromkeys(states, False)  # mxnet then moves each to its weight's device
        for name, others in statistics.items():  # last, as a trainer that begins gives all contexts those of the first
            for mine, theirs in zip(parameters[name].list_data()[1:], others):
                mine[:] = theirs
        for name, value in place.items():
            setattr(self._data, name, value)
        self._seed = seed
        return history

    def _place(self) -> dict[str, int]:
        """Return the place in the data: of Batches seed and epoch."""
        names = ("seed", "epoch") if isinstance(self._data, Batches) else ()
        return {name: int(getattr(self._data, name)) for name in names}

    def _parameters(self) -> dict[str, gluon.Parameter]:
        """Return the parameters by their place in the network: names of layers are numbered through in a process."""
        return self._net._collect_params_with_prefix()

    def _statistics(self) -> dict[str, gluon.Parameter]:
        """Return the parameters without gradients, such as batch norm's moving averages: each context has its own."""
        return {name: p for name, p in self._parameters().items() if p.grad_req == "null"}

    def _check_states(self, states: dict[int, Any], numbers: dict, weights: dict[str, np.ndarray]) -> None:
        """Refuse states that are not like those that the optimizer, with these numbers, makes for these weights."""
        maker = copy.copy(self._trainer.optimizer)
        vars(maker).update(numbers)
        names = {id(p): name for name, p in self._parameters().items()}
        for index, state in states.items():
            name = names.get(id(self._trainer._params[index]))
            if name is None:  # of no part of the network
                continue
            weight = nd.array(weights[name], dtype=weights[name].dtype)
            fresh = maker.create_state_multi_precision(index, weight)
            if _kind(state) != _kind(fresh):
                raise ValueError(f"the optimizer's state of {name} has another shape")

    def _updaters(self) -> list:
        """Return the trainer's updaters, which hold the optimizer's states."""
        trainer = self._trainer
        if not trainer._kv_initialized:
            trainer._init_kvstore()
        if trainer._params_to_init:
            trainer._init_params()
        return [trainer._kvstore._updater] if trainer._update_on_kvstore else trainer._updaters

    def _files(self) -> list[Path]:
        return _files(self.folder)


def remove(folder: Path) -> None:
    """Remove the checkpoints in a folder, those that were cut off while they were written, and the folder if that is
    all it held.
    """
    for path in _files(folder) + _files(folder, CUT_OFF):
        path.unlink()
    with suppress(OSError):  # there are other files
        folder.rmdir()


def _files(folder: Path, ending: str = r"\.npz") -> list[Path]:
    """Return the checkpoints in a folder, the newest last; what else has such a name is none."""
    found = (
        (re.fullmatch(rf"epoch-(\d{{4,}}){ending}", path.name), path) for path in folder.iterdir() if path.is_file()
    )
    return [path for _, path in sorted((int(match[1]), path) for match, path in found if match)]


@contextmanager
def _damage_named(path: Path) -> Iterator[None]:
    """Say of every error in reading a checkpoint that it is damaged."""
    try:
        yield
    except Exception as error:  # of all kinds, as there are of damages
        raise ValueError(f"{path} is damaged: remove it, to go on from the one before it") from error


def _numbers(thing: object) -> dict[str, float]:
    """Return an optimizer's or a schedule's numbers: rates, counters, products that grow."""
    found = vars(thing) if thing is not None else {}
    return {name: value for name, value in found.items() if isinstance(value, (int, float))}


def _like(mine: dict[str, float], theirs: dict[str, Any]) -> dict[str, float]:
    """Return their numbers of the names of mine; refuse what is no number."""
    found = {name: theirs[name] for name in mine}
    if not all(isinstance(value, (int, float)) and abs(value) <= LARGEST for value in found.values()):
        raise TypeError("a number is none, or infinite")
    return found


def _pack(state: Any, arrays: dict[str, np.ndarray]) -> Any:
    """Return an optimizer's state with names instead of arrays, which go into ``arrays``."""
    if isinstance(state, nd.NDArray):
        name = f"states/{len(arrays)}"
        arrays[name] = state.asnumpy()
        return name
    return None if state is None else [_pack(part, arrays) for part in state]


def _unpack(state: Any, arrays: dict[str, np.ndarray]) -> Any:
    """Return what :func:`_pack` was given."""
    if isinstance(state, str):
        return nd.array(arrays[state], dtype=arrays[state].dtype)
    return None if state is None else tuple(_unpack(part, arrays) for part in state)


def _kind(state: Any) -> Any:
    """Return shape and type of an array, or of each in an optimizer's state."""
    if isinstance(state, (nd.NDArray, np.ndarray)):
        return state.shape, np.dtype(state.dtype)
    return None if state is None else tuple(map(_kind, state))


def _copy(state: Any) -> Any:
    """Return a state of its own for each device."""
    if isinstance(state, nd.NDArray):
        return state.copy()
    return None if state is None else tuple(map(_copy, state))
