"""A trainer's state by structural parameter names; its own parameter numbers differ between processes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from gluon_cnn.training.packing import pack, to_setting, unpack
from mxnet import gluon

# Attributes of MXNet's optimizers that are neither settings nor state: they number the parameters, or are specific to
# the process.
NUMBERING = {"param_dict", "idx2name", "sym_info", "lr_mult", "wd_mult", "aggregate_num", "allow_np_array"}
COUNTS = {"_all_index_update_counts", "_index_update_count"}  # updates per parameter, stored by name
# Attributes that change in every step and therefore cannot distinguish two training runs.
PROGRESS = {"num_update", "rescale_grad", "m_schedule", "cur_lr", "last_lr", "skip", "cumgrads", "weight_previous"}


def parameters_by_name(net: gluon.Block, trainer: gluon.Trainer) -> dict[str, gluon.Parameter]:
    """Return the parameters by structural name; others, such as those of a loss, are numbered."""
    named = dict(net._collect_params_with_prefix())
    known = {id(p) for p in named.values()}
    rest = {id(p): p for p in (*net.collect_params().values(), *trainer._params) if id(p) not in known}
    return {**named, **{f"other {k}": p for k, p in enumerate(sorted(rest.values(), key=_natural_key))}}


def _natural_key(parameter: gluon.Parameter) -> list:
    """Return a sort key that places conv2 before conv10."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", parameter.name)]


def settings_of(thing: Any, **more: Any) -> dict[str, Any] | None:
    """Return the name and settings of an optimizer or a schedule."""
    if thing is None:
        return None
    left_out = {*NUMBERING, *COUNTS, *PROGRESS, "lr_scheduler"}
    found = {k: to_setting(v) for k, v in getattr(thing, "__dict__", {}).items() if k not in left_out}
    return {**found, "name": getattr(thing, "__qualname__", type(thing).__name__), **more}


def state_of(
    trainer: gluon.Trainer, parameters: dict[str, gluon.Parameter], arrays: dict[str, np.ndarray]
) -> dict[str, Any]:
    """Return the state of optimizer and schedule by parameter name; store arrays in ``arrays``."""
    optimizer, names = trainer.optimizer, _names(trainer, parameters)
    return {
        "optimizer": {
            name: {"parameters": pack(_renamed(value, names), arrays)}
            if _is_by_number(value, names)
            else pack(value, arrays)
            for name, value in vars(optimizer).items()
            if name not in {*NUMBERING, *COUNTS, "lr_scheduler"}
        },
        "schedule": pack(optimizer.lr_scheduler, arrays),
        "updates": {device: _renamed(count, names) for device, count in optimizer._all_index_update_counts.items()},
        "parameters": pack(_renamed(_updaters(trainer)[0].states, names), arrays),
    }


def set_state(
    trainer: gluon.Trainer,
    parameters: dict[str, gluon.Parameter],
    stored: dict[str, Any],
    arrays: dict[str, np.ndarray],
) -> None:
    """Restore the state returned by :func:`state_of`."""
    optimizer, numbers = trainer.optimizer, {name: k for k, name in _names(trainer, parameters).items()}
    mine = vars(optimizer)
    for name, packed in stored["optimizer"].items():
        if isinstance(packed, dict) and "parameters" in packed:
            mine[name] = _renamed(unpack(packed["parameters"], {}, arrays), numbers)
        else:
            mine[name] = unpack(packed, mine.get(name), arrays)
    optimizer.lr_scheduler = unpack(stored["schedule"], optimizer.lr_scheduler, arrays)
    for device, counts in stored["updates"].items():
        _replace(optimizer._all_index_update_counts.setdefault(int(device), {}), _renamed(counts, numbers))
    for updater in _updaters(trainer):  # each with arrays of its own
        _set_states(updater, _renamed(unpack(stored["parameters"], {}, arrays), numbers))


@contextmanager
def in_order_of_structure(net: gluon.Block, trainer: gluon.Trainer) -> Iterator[None]:
    """Make a trainer update the parameters in the order of the network's structure.

    By default the order is that of their global names: conv10 precedes conv2, and the numbers depend on how many layers
    the process has created. For some optimizers the order matters: nadam and LARS carry a number over from one
    parameter to the next, and SGLD draws noise for each in turn.
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
    """Renumber a trainer's parameters, and everything indexed by their numbers, in the given order."""
    old = {id(p): number for number, p in enumerate(trainer._params)}
    numbers = {old[id(p)]: new for new, p in enumerate(wanted)}
    if all(number == new for number, new in numbers.items()):
        return
    if trainer._kv_initialized and trainer._distributed:  # the servers use the old numbers
        return
    optimizer, states = trainer._optimizer, [updater.states for updater in _updaters(trainer, begin=False)]
    trainer._params = wanted
    trainer._param2idx = {p.name: number for number, p in enumerate(wanted)}
    waiting = {id(p) for p in trainer._params_to_init}
    trainer._params_to_init = [p for p in wanted if id(p) in waiting]
    for name, value in vars(optimizer).items():
        if name not in COUNTS and _is_by_number(value, numbers):
            vars(optimizer)[name] = _renamed(value, numbers)
    for counts in optimizer._all_index_update_counts.values():
        _replace(counts, _renamed(counts, numbers))
    optimizer.param_dict = dict(enumerate(wanted))
    if trainer._kv_initialized and trainer._kvstore:  # it has copies of the weights, by number
        trainer._reset_kvstore()
        others = [(array, array.copy()) for p in wanted if p._data is not None for array in p.list_data()[1:]]
        _updaters(trainer)
        for array, value in others:  # which the store has just overwritten with the first context's
            array[:] = value
    for updater, found in zip(_updaters(trainer, begin=False), states):
        _set_states(updater, _renamed(found, numbers))


def _updaters(trainer: gluon.Trainer, begin: bool = True) -> list:
    """Return the trainer's updaters, which hold the optimizer's states; with ``begin``, initialize it first."""
    if begin and not trainer._kv_initialized:
        trainer._init_kvstore()
    if begin and trainer._params_to_init:
        trainer._init_params()
    return [trainer._kvstore._updater] if trainer._update_on_kvstore else trainer._updaters


def _set_states(updater: Any, states: dict[int, Any]) -> None:
    updater.states = states
    updater.states_synced = dict.fromkeys(states, False)  # MXNet moves each to its weight's device


def _names(trainer: gluon.Trainer, parameters: dict[str, gluon.Parameter]) -> dict[int, str]:
    """Return the names of the trainer's parameters by number; for a shared parameter, the first name."""
    names = {id(p): name for name, p in reversed(parameters.items())}
    return {number: names[id(p)] for number, p in enumerate(trainer._params)}


def _is_by_number(value: Any, numbers: Iterable[int]) -> bool:
    """Return whether a dict's keys are parameter numbers."""
    return isinstance(value, dict) and bool(value) and value.keys() <= set(numbers)


def _renamed(values: dict, names: dict) -> dict:
    return {names[key]: value for key, value in values.items()}


def _replace(counts: dict, wanted: dict) -> None:
    """Replace the content of a dict in place, since the optimizer may be using it."""
    counts.clear()
    counts.update(wanted)
