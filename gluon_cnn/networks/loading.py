"""Parameters from a file into a network, whichever of MXNet's functions wrote the file."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

import mxnet as mx
import numpy as np
from gluon_cnn._core.checks import (
    fits,
    refuse_numpy_mode,
)
from gluon_cnn._core.contexts import as_contexts
from gluon_cnn._core.devices import try_gpu
from gluon_cnn._core.parameter_files import read_parameters
from mxnet import gluon, nd

NUMBER = re.compile(r"\d+(?=_)")  # of a layer: lenet0_conv1_weight


def load_parameters(net: gluon.Block, path: str | Path, contexts: Sequence[mx.Context]) -> None:
    """Give a network all of its parameters from a file, on these contexts.

    ``save_parameters`` names a parameter by its place in the network, ``conv1.weight``; ``collect_params().save`` and
    ``export_symbol`` by its layers, ``lenet0_conv0_weight``, the latter with ``arg:`` or ``aux:`` in front.

    Raises
    ------
    OSError
        When the file cannot be read.
    ValueError
        When it is of another kind, or does not hold the network's parameters, in their shapes and types, and no others;
        or when the network is on other contexts. The network is then as it was.
    """
    refuse_numpy_mode()
    arrays = {re.sub("^(arg|aux):", "", name): array for name, array in read_parameters(path).items()}
    places = net._collect_params_with_prefix()
    found = _names_in_file(net, arrays)
    missing = [place for place in places if place not in found]
    others = [name for name in arrays if name not in places and name not in found.values()]
    faults = [f"the file lacks {_listed(missing)}"] if missing else []
    faults += [f"the file also holds {_listed(others)}"] if others else []
    faults += [
        f"{place} is {_form(p)}, in the file {_form(arrays[name])}"
        for place, name in found.items()
        for p in [places[place]]
        if not fits(p, arrays[name])
    ]
    if faults:
        more = f" (and {len(faults) - 2} more)" if len(faults) > 2 else ""
        raise ValueError(f"{path} does not fit {type(net).__name__}: {'; '.join(faults[:2])}{more}")
    for p in places.values():
        here = p.list_ctx() if p._data is not None else p._deferred_init[1] if p._deferred_init else contexts
        if set(here) != set(contexts):
            raise ValueError(
                f"{type(net).__name__} is on {_listed(here)}, {path} is to be read to {_listed(contexts)}: pass ctx="
            )
    for place, name in found.items():
        places[place]._load_init(arrays[name], list(contexts))


def _names_in_file(net: gluon.Block, names: Iterable[str]) -> dict[str, str]:
    """Return by which name a file has each parameter, by the parameter's place in the network."""
    places, names = net._collect_params_with_prefix(), list(names)
    kept = {id(places[name]): name for name in names if name in places}
    if kept:  # a parameter that two layers share may be kept once
        return {place: kept[id(p)] for place, p in places.items() if id(p) in kept}
    kept_as = dict(zip(_renumbered(names), names))
    for prefix in ("", net.prefix):  # collect_params().save may have left it out
        mine = [p.name[len(prefix) :] if p.name.startswith(prefix) else p.name for p in places.values()]
        found = {place: kept_as[name] for place, name in zip(places, _renumbered(mine)) if name in kept_as}
        if found:
            return found
    return {}


def _renumbered(names: Sequence[str]) -> list[str]:
    """Return names with the layers of a kind in a block counted from 0: MXNet's numbers go on through a process."""
    numbers: dict[str, set[int]] = defaultdict(set)  # by all that is in front of the number
    for name in names:
        for match in NUMBER.finditer(name):
            numbers[name[: match.start()]].add(int(match[0]))

    def rank(match: re.Match) -> str:
        return str(sorted(numbers[match.string[: match.start()]]).index(int(match[0])))

    return [NUMBER.sub(rank, name) for name in names]


def _form(array: gluon.Parameter | nd.NDArray) -> str:
    """Return an array's type and shape as text; a length that the network does not know yet is ``?``."""
    shape = ", ".join(str(length or "?") for length in array.shape or ())
    return f"{np.dtype(array.dtype)} ({shape})"


def _listed(things: Sequence) -> str:
    """Return the first three of some things as text, and how many follow."""
    return ", ".join(map(str, things[:3])) + (f" and {len(things) - 3} more" if len(things) > 3 else "")


def load_weights(net: gluon.Block, path: str | Path, ctx: mx.Context | None = None) -> None:
    """Read a network's parameters from a file of ``save_parameters``, ``collect_params().save`` or ``export_symbol``.

    Raises
    ------
    OSError
        When there is no such file, or it cannot be read.
    ValueError
        When it is of another kind, or does not hold this network's parameters: the network is then as it was.
    """
    if not isinstance(net, gluon.Block):
        raise TypeError(f"net must be a Gluon network; got {net!r}")
    contexts = as_contexts(try_gpu() if ctx is None else ctx)
    if not Path(path).exists():
        raise FileNotFoundError(f"there is no file {path}")
    load_parameters(net, path, contexts)
