"""Loading parameters into a network from a file written by any of MXNet's functions."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

import mxnet as mx
import numpy as np
from gluon_cnn._core.checks import fits, refuse_numpy_mode
from gluon_cnn._core.contexts import as_contexts
from gluon_cnn._core.devices import try_gpu
from gluon_cnn._core.parameter_files import read_parameters
from mxnet import gluon, nd

NUMBER = re.compile(r"\d+(?=_)")  # a layer's number: lenet0_conv1_weight


def load_weights(net: gluon.Block, path: str | Path, ctx: mx.Context | Sequence[mx.Context] | None = None) -> None:
    """Load parameters from a file written by ``save_parameters``, ``collect_params().save`` or ``export_symbol``.

    The first names parameters by their position in the network, ``conv1.weight``, the others by their layer,
    ``lenet0_conv0_weight``, and the last adds the prefix ``arg:`` or ``aux:``. Raise OSError if the file cannot be
    read; raise ValueError if it is of another type or does not contain exactly this network's parameters, or if the
    network is on other contexts. On errors, the network is unchanged.
    """
    refuse_numpy_mode()
    if not isinstance(net, gluon.Block):
        raise TypeError(f"net must be a Gluon network; got {net!r}")
    contexts = as_contexts(try_gpu() if ctx is None else ctx)
    if not Path(path).exists():
        raise FileNotFoundError(f"there is no file {path}")
    arrays = {re.sub("^(arg|aux):", "", name): array for name, array in read_parameters(path).items()}
    parameters = net._collect_params_with_prefix()
    found = _names_in_file(net, arrays)
    missing = [place for place in parameters if place not in found]
    others = [name for name in arrays if name not in parameters and name not in found.values()]
    faults = [f"the file lacks {_list_first(missing)}"] if missing else []
    faults += [f"the file also contains {_list_first(others)}"] if others else []
    faults += [
        f"{place} is {_form(parameters[place])}, in the file {_form(arrays[name])}"
        for place, name in found.items()
        if not fits(parameters[place], arrays[name])
    ]
    if faults:
        more = f" (and {len(faults) - 2} more)" if len(faults) > 2 else ""
        raise ValueError(f"{path} does not fit {type(net).__name__}: {'; '.join(faults[:2])}{more}")
    for p in parameters.values():
        here = p.list_ctx() if p._data is not None else p._deferred_init[1] if p._deferred_init else contexts
        if set(here) != set(contexts):
            raise ValueError(
                f"{type(net).__name__} is on {_list_first(here)}; {path} is to be loaded onto {_list_first(contexts)}: "
                "pass ctx="
            )
    for place, name in found.items():
        parameters[place]._load_init(arrays[name], contexts)


def _names_in_file(net: gluon.Block, names: Iterable[str]) -> dict[str, str]:
    """Map each parameter's structural name to its name in the file."""
    parameters, names = net._collect_params_with_prefix(), list(names)
    saved = {id(parameters[name]): name for name in names if name in parameters}
    if saved:  # a shared parameter may be saved only once
        return {place: saved[id(p)] for place, p in parameters.items() if id(p) in saved}
    saved_as = dict(zip(_renumbered(names), names))
    for prefix in ("", net.prefix):  # collect_params().save may have left it out
        own = _renumbered([p.name.removeprefix(prefix) for p in parameters.values()])
        found = {place: saved_as[name] for place, name in zip(parameters, own) if name in saved_as}
        if found:
            return found
    return {}


def _renumbered(names: Sequence[str]) -> list[str]:
    """Renumber the layers in names from 0 within each block; MXNet numbers them throughout a process."""
    numbers: dict[str, set[int]] = defaultdict(set)  # by the text before the number
    for name in names:
        for match in NUMBER.finditer(name):
            numbers[name[: match.start()]].add(int(match[0]))

    def rank(match: re.Match) -> str:
        return str(sorted(numbers[match.string[: match.start()]]).index(int(match[0])))

    return [NUMBER.sub(rank, name) for name in names]


def _form(array: gluon.Parameter | nd.NDArray) -> str:
    """Format an array's dtype and shape; a dimension not yet inferred is ``?``."""
    shape = ", ".join(str(length or "?") for length in array.shape or ())
    return f"{np.dtype(array.dtype)} ({shape})"


def _list_first(things: Sequence) -> str:
    """List the first three items, and count the rest."""
    return ", ".join(map(str, things[:3])) + (f" and {len(things) - 3} more" if len(things) > 3 else "")
