"""Checkpoints: all that a training needs to resume after an interruption, in one file for each epoch."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import mxnet as mx
import numpy as np
from gluon_cnn._core.checks import as_numpy, fits
from gluon_cnn._core.files import atomic_write, make_folder
from gluon_cnn._core.record import Damaged, read_archive, write_archive
from gluon_cnn.data import description
from gluon_cnn.data.batches import Batches
from gluon_cnn.distributed.workers import Workers
from mxnet import gluon, nd

KEPT = 2  # files: the newest, and the one before it
NAME = "epoch-{:04}.npz"
CUT_OFF = r"\.npz\.\d+\.part"  # ending of one that was killed while it was written

# Attributes of MXNet's optimizers that are neither settings nor state: they say which parameter has which number, or
# belong to the process.
NUMBERING = {"param_dict", "idx2name", "sym_info", "lr_mult", "wd_mult", "aggregate_num", "allow_np_array"}
COUNTS = {"_all_index_update_counts", "_index_update_count"}  # updates of each parameter: stored by its name
# Those that change with every step, so that they cannot tell two trainings apart.
PROGRESS = {"num_update", "rescale_grad", "m_schedule", "cur_lr", "last_lr", "skip", "cumgrads", "weight_previous"}
NAMES = {"lr": "learning_rate"}  # of attributes that are named otherwise than the argument

_began: WeakKeyDictionary[mx.optimizer.Optimizer, dict[str, Any]] = WeakKeyDictionary()


class Checkpoint:
    """The state of a training in a folder.

    A file holds the weights, the optimizer's state and counters, the history, the random seeds and the place in the
    data. It is a NumPy archive without pickled objects, is written whole or not at all, and only the newest two stay.
    Everything that belongs to a parameter is stored under the parameter's name in the structure of the network.

    Parameters
    ----------
    folder : str or Path
        Where the files are; made when it is missing.
    net : Block
        The network, initialized.
    trainer : Trainer
        Its optimizer, on this machine.
    data : iterable
        The training data. Of :class:`gluon_cnn.Batches` seed and epoch are stored, so that the order continues.
    workers : Workers, optional
        Those that train together: worker 0 writes and reads, and tells the others.
    test_data : iterable, optional
        The test data. When both are Batches, what they consist of is stored, too.

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
        test_data: Iterable | None = None,
    ) -> None:
        self.folder, self._workers = Path(folder), workers or Workers()
        if self._workers.rank == 0:
            make_folder(self.folder)  # now, not after the first epoch
        self.source = self.folder  # the file that was restored
        self._trainer, self._data = trainer, data
        self._parameters = parameters_by_name(net, trainer)
        self._about_data = _describe(data, test_data)
        if trainer.optimizer not in _began:  # it may have changed by the time of a second call
            _began[trainer.optimizer] = {
                "optimizer": _settings(trainer.optimizer, trainer._scale),
                "schedule": _settings(trainer.optimizer.lr_scheduler),
            }
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
        copies = {name: p.list_data() for name, p in self._parameters.items() if p._data is not None}
        arrays = {f"weights/{name}": of_contexts[0].asnumpy() for name, of_contexts in copies.items()}
        for name, p in self._statistics().items():
            arrays.update({f"statistics/{k}/{name}": copies[name][k].asnumpy() for k in range(1, len(p.list_ctx()))})
        record = {**self._of_this_training(), "history": history, "seed": self._seed, "place": self._place()}
        record["state"] = self._state(arrays)
        path = self.folder / NAME.format(len(history["loss"]))
        with atomic_write(path) as file:
            write_archive(file, record, arrays)
        for old in self._files()[:-KEPT] + _files(self.folder, CUT_OFF):
            old.unlink(missing_ok=True)

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
            When the file does not match its checksum, or is of another training: another network, other settings of
            optimizer or schedule, other data, another number of contexts or workers, or more epochs. The message names
            the difference. Nothing is changed then.
        """
        path = self.newest() if self._workers.rank == 0 else None
        found = self._workers.tell(b"+" + path.read_bytes() if path else b"")
        if not found:
            return None
        self.source = path = path or self.folder
        try:
            record, arrays = read_archive(found[1:], path)
        except Damaged as error:
            older = self._files()[:-1] if self._workers.rank == 0 else []
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
        self._set_state(record["state"], arrays)
        for name in self._statistics():  # last, as a trainer that begins gives all contexts those of the first
            for k, mine in enumerate(self._parameters[name].list_data()[1:], 1):
                mine[:] = arrays[f"statistics/{k}/{name}"]
        for name, value in record["place"].items():
            setattr(self._data, name, value)
        self._seed = record["seed"]
        return record["history"]

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
        mine = json.loads(json.dumps(self._of_this_training()))

        def refuse(words: str, before: Any, now: Any) -> None:
            if repr(before) != repr(now):  # NaN equals NaN here
                had, has = (each if isinstance(each, str) else repr(each) for each in (before, now))
                raise ValueError(f"{path} was written with {words} {had}; this training has {has}")

        refuse("the optimizer", record["optimizer"]["name"], mine["optimizer"]["name"])
        before, now = (each["schedule"] for each in (record, mine))
        if (before is None) != (now is None):
            had, has = ("without a", "has one") if now else ("with a", "has none")
            raise ValueError(f"{path} was written {had} learning-rate schedule; this training {has}")
        refuse("the learning-rate schedule", *(each and each["name"] for each in (before, now)))
        for what in ("optimizer", "schedule"):
            before, now = (dict(each[what] or {}) for each in (record, mine))
            for name in sorted({**before, **now}):
                refuse(f"the {what}'s {NAMES.get(name, name)}", before.get(name), now.get(name))
        now = getattr(self._trainer.optimizer, "lr", None)
        if now != mine["optimizer"].get("lr"):  # trainer.set_learning_rate has been called since
            refuse("the optimizer's learning_rate", record["state"]["optimizer"].get("lr"), now)
        for name, p in self._parameters.items():
            known = name in record["parameters"] and (name in weights or p._deferred_init)
            if not known or (name in weights and not fits(p, weights[name])):
                held = f"{weights[name].dtype} {weights[name].shape}" if name in weights else "missing"
                wanted = f"{np.dtype(p.dtype)} {p.shape}"
                raise ValueError(
                    f"{path} is of another network: its weights have other names, shapes or types ({name}: {held}; "
                    f"here {wanted})"
                )
        more = sorted(record["parameters"].keys() - self._parameters.keys())
        if more:
            raise ValueError(
                f"{path} is of another network: its weights have other names, shapes or types ({more[0]} is not here)"
            )
        for name, settings in mine["parameters"].items():
            for setting, value in settings.items():
                refuse(f"{name}'s {setting}", record["parameters"][name][setting], value)
        if record["workers"] != mine["workers"]:  # their batches would have another size
            raise ValueError(f"{path} was written by {record['workers']} workers; now there are {mine['workers']}")
        if record["contexts"] != mine["contexts"]:
            raise ValueError(
                f"{path} was written with another number of contexts: {record['contexts']}, and now {mine['contexts']}"
            )
        changed = _data_difference(record["data"], mine["data"])
        if changed:
            raise ValueError(f"{path} was written with other data: {changed}; restore it, or start a new training")

    def _state(self, arrays: dict[str, np.ndarray]) -> dict[str, Any]:
        """Return the state of optimizer and schedule by the parameters' names; arrays go into ``arrays``."""
        trainer, names = self._trainer, self._names()
        attributes = vars(trainer.optimizer).items()
        counts = trainer.optimizer._all_index_update_counts
        return {
            "optimizer": {
                name: {"parameters": _pack(_by_name(value, names), arrays)}
                if _is_by_number(value, names)
                else _pack(value, arrays)
                for name, value in attributes
                if name not in {*NUMBERING, *COUNTS, "lr_scheduler"}
            },
            "schedule": _pack(trainer.optimizer.lr_scheduler, arrays),
            "updates": {device: _by_name(count, names) for device, count in counts.items()},
            "parameters": _pack(_by_name(_updaters(trainer)[0].states, names), arrays),
        }

    def _set_state(self, stored: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        """Put in what :meth:`_state` returned."""
        trainer = self._trainer
        optimizer, names = trainer.optimizer, self._names()
        numbers = {name: number for number, name in names.items()}
        for name, packed in stored["optimizer"].items():
            if isinstance(packed, dict) and "parameters" in packed:
                vars(optimizer)[name] = _by_number(_unpack(packed["parameters"], {}, arrays), numbers)
            else:
                vars(optimizer)[name] = _unpack(packed, vars(optimizer).get(name), arrays)
        optimizer.lr_scheduler = _unpack(stored["schedule"], optimizer.lr_scheduler, arrays)
        for device, counts in stored["updates"].items():
            mine = optimizer._all_index_update_counts.setdefault(int(device), {})  # may be the one in use
            mine.clear()
            mine.update(_by_number(counts, numbers))
        for updater in _updaters(trainer):  # each with arrays of its own
            updater.states = _by_number(_unpack(stored["parameters"], {}, arrays), numbers)
            updater.states_synced = dict.fromkeys(updater.states, False)  # mxnet moves each to its weight's device

    def _names(self) -> dict[int, str]:
        """Return the names of the trainer's parameters by their numbers; of a shared one, the first."""
        names = {id(p): name for name, p in reversed(self._parameters.items())}
        return {number: names[id(p)] for number, p in enumerate(self._trainer._params)}

    def _place(self) -> dict[str, int]:
        """Return the place in the data: of Batches seed and epoch."""
        names = ("seed", "epoch") if isinstance(self._data, Batches) else ()
        return {name: int(getattr(self._data, name)) for name in names}

    def _statistics(self) -> dict[str, gluon.Parameter]:
        """Return the parameters without gradients, such as batch norm's moving averages: each context has its own."""
        return {name: p for name, p in self._parameters.items() if p.grad_req == "null" and p._data is not None}

    def _files(self) -> list[Path]:
        return _files(self.folder)


def remove(folder: Path, kept: int = 0) -> None:
    """Remove the checkpoints in a folder but the newest ``kept``, those that were cut off while they were written, and
    the folder if that is all it held.
    """
    for path in _files(folder)[: -kept or None] + _files(folder, CUT_OFF):
        path.unlink()
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


# The parameters' names and order


def parameters_by_name(net: gluon.Block, trainer: gluon.Trainer) -> dict[str, gluon.Parameter]:
    """Return the parameters of network and trainer by their names in the network's structure.

    Those that are not part of the structure, as a loss may have, are numbered. A shared one has several names.
    """
    named = dict(net._collect_params_with_prefix())
    known = {id(p) for p in named.values()}
    rest = {id(p): p for p in (*net.collect_params().values(), *trainer._params) if id(p) not in known}
    return {**named, **{f"other {k}": p for k, p in enumerate(sorted(rest.values(), key=_in_numbers))}}


def _in_numbers(parameter: gluon.Parameter) -> list:
    """Return what sorts conv2 before conv10."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", parameter.name)]


@contextmanager
def in_order_of_structure(net: gluon.Block, trainer: gluon.Trainer) -> Iterator[None]:
    """Let a trainer update the parameters in the order of the network's structure.

    Its own order is that of their global names, in which conv10 comes before conv2, and which depends on how many
    layers the process has made. For some optimizers the order counts: nadam and LARS pass a number on from one
    parameter to the next, and SGLD draws noise for them in turns.
    """
    before = list(trainer._params)
    places: dict[int, int] = {}
    for p in parameters_by_name(net, trainer).values():
        places.setdefault(id(p), len(places))
    _reorder(trainer, sorted(before, key=lambda p: places[id(p)]))
    try:
        yield
    finally:
        _reorder(trainer, before)


def _reorder(trainer: gluon.Trainer, wanted: list[gluon.Parameter]) -> None:
    """Number a trainer's parameters in this order, with all that belongs to them."""
    old = {id(p): number for number, p in enumerate(trainer._params)}
    numbers = {old[id(p)]: new for new, p in enumerate(wanted)}
    if all(number == new for number, new in numbers.items()):
        return
    if trainer._kv_initialized and trainer._distributed:  # the servers know them by their numbers
        return
    optimizer, states = trainer._optimizer, [updater.states for updater in _updaters(trainer, begin=False)]
    trainer._params = wanted
    trainer._param2idx = {p.name: number for number, p in enumerate(wanted)}
    waiting = {id(p) for p in trainer._params_to_init}
    trainer._params_to_init = [p for p in wanted if id(p) in waiting]
    for name, value in vars(optimizer).items():
        if name not in COUNTS and _is_by_number(value, numbers):
            vars(optimizer)[name] = _by_number(value, numbers)
    for counts in optimizer._all_index_update_counts.values():
        renumbered = _by_number(counts, numbers)
        counts.clear()
        counts.update(renumbered)
    optimizer.param_dict = dict(enumerate(wanted))
    if trainer._kv_initialized and trainer._kvstore:  # it has copies of the weights, by their numbers
        trainer._reset_kvstore()
        others = [(array, array.copy()) for p in wanted if p._data is not None for array in p.list_data()[1:]]
        updaters = _updaters(trainer)
        for array, value in others:  # which the store has just made equal to those of the first context
            array[:] = value
    else:
        updaters = _updaters(trainer, begin=False)
    for updater, found in zip(updaters, states):
        updater.states = _by_number(found, numbers)
        updater.states_synced = dict.fromkeys(updater.states, False)


def _updaters(trainer: gluon.Trainer, begin: bool = True) -> list:
    """Return the trainer's updaters, which hold the optimizer's states; ``begin`` as its first step does."""
    if begin and not trainer._kv_initialized:
        trainer._init_kvstore()
    if begin and trainer._params_to_init:
        trainer._init_params()
    return [trainer._kvstore._updater] if trainer._update_on_kvstore else trainer._updaters


def _is_by_number(value: Any, numbers: Iterable[int]) -> bool:
    """Return whether a dict's keys are numbers of parameters."""
    return isinstance(value, dict) and bool(value) and value.keys() <= set(numbers)


def _by_name(values: dict[int, Any], names: dict[int, str]) -> dict[str, Any]:
    return {names[number]: value for number, value in values.items()}


def _by_number(values: dict, numbers: dict) -> dict[int, Any]:
    return {numbers[key]: value for key, value in values.items()}


# What a training consists of


def _settings(thing: Any, scale: float | None = None) -> dict[str, Any] | None:
    """Return name and settings of an optimizer or a schedule."""
    if thing is None:
        return None
    found = {"name": getattr(thing, "__qualname__", type(thing).__name__)}
    if scale is not None:
        found["rescale_grad"] = scale
    left_out = {*NUMBERING, *COUNTS, *PROGRESS, "lr_scheduler"}
    return {**{k: _shown(v) for k, v in getattr(thing, "__dict__", {}).items() if k not in left_out}, **found}


def _shown(value: Any, depth: int = 4) -> Any:
    """Return what JSON can hold of a setting."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (list, tuple)) and depth:
        return [_shown(part, depth - 1) for part in value]
    if isinstance(value, dict) and depth:
        return {str(key): _shown(part, depth - 1) for key, part in value.items()}
    if _has_state(value) and depth:
        return {"name": type(value).__name__, **{k: _shown(v, depth - 1) for k, v in vars(value).items()}}
    return getattr(value, "__qualname__", type(value).__name__)


def _has_state(value: Any) -> bool:
    """Return whether something is a schedule, or looks like one that was written without MXNet's class."""
    return isinstance(value, mx.lr_scheduler.LRScheduler) or (
        callable(value) and hasattr(value, "__dict__") and not isinstance(value, (type, gluon.Block))
    )


def _describe(data: Iterable, test_data: Iterable | None) -> dict[str, Any] | None:
    """Return what the data consist of, as far as that is known."""
    if not isinstance(data, Batches) or not isinstance(test_data, Batches):
        return None
    return {**description.describe(data, test_data), "batch_size": data.batch_size}


def _data_difference(before: dict[str, Any] | None, now: dict[str, Any] | None) -> str | None:
    """Return what differs between two descriptions of data that are known."""
    if before is None or now is None:
        return None
    if before["batch_size"] != now["batch_size"]:
        return f"the batch size was {before['batch_size']}; now it is {now['batch_size']}"
    return description.difference(before, now)


# Values that change, as JSON and arrays


def _pack(value: Any, arrays: dict[str, np.ndarray], depth: int = 8) -> Any:
    """Return a value as JSON holds it, with names instead of arrays, which go into ``arrays``.

    A schedule gives its attributes. What is neither a number, a string, an array nor made of them is left out.
    """
    if isinstance(value, (nd.NDArray, np.ndarray, np.generic)):  # float64 is a float, too, but keeps its type here
        name = f"states/{len(arrays)}"
        arrays[name] = as_numpy(value)
        return {"array": name, "kind": getattr(value, "stype", "scalar" if isinstance(value, np.generic) else "numpy")}
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if not depth:  # an object that holds itself
        return {}
    if isinstance(value, (list, tuple)):
        return {"list" if isinstance(value, list) else "tuple": [_pack(part, arrays, depth - 1) for part in value]}
    if isinstance(value, dict):
        return {
            "dict": [
                [key, _pack(part, arrays, depth - 1)] for key, part in value.items() if isinstance(key, (str, int))
            ]
        }
    if _has_state(value):
        return {"attributes": {name: _pack(part, arrays, depth - 1) for name, part in vars(value).items()}}
    return {}


def _unpack(packed: Any, current: Any, arrays: dict[str, np.ndarray]) -> Any:
    """Return what :func:`_pack` was given; attributes are set in ``current``, and what was left out stays as it is."""
    if not isinstance(packed, dict):
        return packed
    if "array" in packed:
        array = arrays[packed["array"]]
        if packed["kind"] in ("numpy", "scalar"):
            return array if packed["kind"] == "numpy" else array[()]
        return nd.array(array, dtype=array.dtype).tostype(packed["kind"])
    for kind in (list, tuple):
        if kind.__name__ in packed:
            parts = packed[kind.__name__]
            of_mine = list(current) if isinstance(current, kind) else []
            return kind(
                _unpack(part, mine, arrays) for part, mine in itertools.zip_longest(parts, of_mine[: len(parts)])
            )
    if "dict" in packed:
        known = current if isinstance(current, dict) else {}
        return {key: _unpack(part, known.get(key), arrays) for key, part in packed["dict"]}
    for name, part in packed.get("attributes", {}).items():
        vars(current)[name] = _unpack(part, vars(current).get(name), arrays)
    return current
