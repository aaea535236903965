"""Weights from PyTorch, for networks whose layers match one to one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Any

import numpy as np
from gluon_cnn._core.checks import refuse_numpy_mode
from gluon_cnn.layers.normalization import BatchNorm
from mxnet import gluon, nd
from mxnet.gluon import nn

KINDS = {nn.Conv2D: "convolution", nn.Dense: "dense layer", nn.BatchNorm: "batch norm", BatchNorm: "batch norm"}
WEIGHTS = {"weight": "weight", "bias": "bias"}  # PyTorch's name: Gluon's
NAMES = {
    "convolution": WEIGHTS,
    "dense layer": WEIGHTS,
    "batch norm": {"weight": "gamma", "bias": "beta", "running_mean": "running_mean", "running_var": "running_var"},
}
# the constants of `nn.BatchNorm(scale=False, center=False)`
FIXED = {"weight": 1.0, "bias": 0.0}


@dataclass
class _Layer:
    """A layer with weights: its name, its kind, its weight's shape, and its arrays or parameters."""

    name: str
    kind: str
    shape: tuple[int, ...]
    parts: dict[str, Any] = field(default_factory=dict)
    fixed: dict[str, float] = field(default_factory=dict)  # constants that Gluon's layer uses instead of its parameters

    def __str__(self) -> str:
        fixed = "".join(f", {name} always {value:g}" for name, value in self.fixed.items())
        name = self.name or "/".join(self.parts)  # a module that is a single layer has no name
        return f"{name} ({self.kind} {'x'.join(map(str, self.shape)) or 'of one number'}{fixed})".lstrip()


def load_torch_state(net: gluon.Block, state_dict: Mapping[str, Any], strict: bool = True) -> list[str]:
    """Load the weights of a PyTorch network into a Gluon network, layer by layer in order.

    The shapes of ``net`` must be known from a forward pass; ``state_dict`` is PyTorch's ``module.state_dict()``, with
    tensors or NumPy arrays. Return the layers on either side that have no counterpart. Raise ValueError if there are
    any and ``strict`` is set, or if no layer has a counterpart; nothing is changed then.

    Layers match if they have the same kind and shape and occur in the same order; names are ignored. A bias missing in
    PyTorch, as before batch norm, becomes 0. A state_dict does not specify layer types: if the shapes fit, an embedding
    is mistaken for a dense layer without a bias, and a transposed convolution for a convolution. Nor does it specify
    stride, padding or activations, which are in the code. Compare outputs, as in docs/frameworks.md.
    """
    refuse_numpy_mode()
    if not isinstance(net, gluon.Block) or not isinstance(state_dict, Mapping):
        raise TypeError(f"pass a Gluon network and a state_dict; got {type(net).__name__}, {type(state_dict).__name__}")
    if isinstance(net, gluon.SymbolBlock):
        raise TypeError("a SymbolBlock has no layers to match: pass the original network")
    ours, theirs = _ours(net), _theirs(state_dict)
    keys = [[(layer.kind, layer.shape) for layer in layers] for layers in (ours, theirs)]
    blocks = SequenceMatcher(None, keys[0], keys[1], autojunk=False).get_matching_blocks()
    pairs = [(ours[block.a + k], theirs[block.b + k]) for block in blocks for k in range(block.size)]
    pairs = [(a, b) for a, b in pairs if _fits(a, b)]
    matched = {id(layer) for pair in pairs for layer in pair}
    left = [f"Gluon's {layer}" for layer in ours if id(layer) not in matched]
    left += [f"PyTorch's {layer}" for layer in theirs if id(layer) not in matched]
    if not pairs or (strict and left):
        more = f" and {len(left) - 6} more" if len(left) > 6 else ""
        what = f"these have no counterpart: {', '.join(left[:6])}{more}; strict=False loads the others"
        what = what if pairs else "no layer has a counterpart"
        raise ValueError(f"{type(net).__name__} and the state_dict do not match: {what}")
    values = [(parameter, _converted(b, name, parameter)) for a, b in pairs for name, parameter in a.parts.items()]
    for parameter, value in values:
        parameter.set_data(nd.array(value, dtype=parameter.dtype))
    return left


def _converted(theirs: _Layer, name: str, parameter: gluon.Parameter) -> np.ndarray:
    """Return an array converted to the parameter's dtype; zeros for a missing bias."""
    with np.errstate(over="ignore"):
        value = np.asarray(theirs.parts.get(name, np.zeros(parameter.shape))).astype(parameter.dtype)
    if not np.isfinite(value).all():
        full, kind = f"{theirs.name}.{name}".lstrip("."), np.dtype(parameter.dtype)
        raise ValueError(f"PyTorch's {full} contains NaN, infinity, or numbers too large for {kind}")
    return value


def _fits(ours: _Layer, theirs: _Layer) -> bool:
    """Return whether arrays and parameters have the same shapes, apart from a missing bias."""
    missing = ours.parts.keys() - theirs.parts.keys()
    same = all(name in ours.parts and ours.parts[name].shape == theirs.parts[name].shape for name in theirs.parts)
    taken = all((theirs.parts[name] == value).all() for name, value in ours.fixed.items() if name in theirs.parts)
    return same and taken and (not missing or (missing == {"bias"} and ours.kind != "batch norm"))


def _ours(net: gluon.Block) -> list[_Layer]:
    """Return the network's layers with weights, in definition order."""
    found: list[_Layer] = []

    def look(block: gluon.Block, place: str) -> None:
        kind = next((kind for of, kind in KINDS.items() if isinstance(block, of)), None)
        if kind is None and block._reg_params:  # it has no counterpart, and should be reported
            found.append(_Layer(place, type(block).__name__, next(iter(block._reg_params.values())).shape))
        if kind:
            parts = {theirs: getattr(block, ours) for theirs, ours in NAMES[kind].items()}
            parts = {name: parameter for name, parameter in parts.items() if parameter is not None}
            if any(parameter._data is None for parameter in parts.values()):
                raise ValueError(f"{type(net).__name__} has no weights yet: run an image through it first")
            fixed = {name: FIXED[name] for name in FIXED if kind == "batch norm" and not parts[name]._differentiable}
            found.append(_Layer(place, kind, parts["weight"].shape, parts, fixed))
        for name, child in block._children.items():
            look(child, f"{place}.{name}" if place else name)

    look(net, "")
    return found


def _theirs(state_dict: Mapping[str, Any]) -> list[_Layer]:
    """Return PyTorch's layers with weights, in the order of the state_dict."""
    layers: dict[str, dict[str, np.ndarray]] = {}
    for key, value in state_dict.items():
        if not isinstance(key, str):
            raise TypeError(f"the state_dict's keys must be strings, such as 'fc.weight'; got {key!r:.50}")
        place, _, name = key.rpartition(".")
        array = _array(key, value)
        if name in NAMES["batch norm"]:
            layers.setdefault(place, {})[name] = array
        elif name != "num_batches_tracked":  # a parameter outside any layer, such as cls_token
            layers[key] = {name: array}
    found = []
    for place, parts in layers.items():
        if not parts.keys() & NAMES["batch norm"].keys():
            (array,) = parts.values()
            found.append(_Layer(place, "parameter", array.shape, parts))
            continue
        weight = parts.get("weight", np.empty(0))
        kind = {4: "convolution", 2: "dense layer"}.get(weight.ndim, "layer")
        kind = "batch norm" if "running_mean" in parts else kind
        found.append(_Layer(place, kind, weight.shape, parts))
    return found


def _array(key: str, value: Any) -> np.ndarray:
    """Return a value of the state_dict as an array of real numbers."""
    if isinstance(value, Mapping):
        raise TypeError(f"the state_dict must contain arrays of real numbers; {key} is a dictionary: pass that one")
    if hasattr(value, "detach"):  # a tensor, which may require grad, be on a GPU, or have a dtype unknown to NumPy
        value = value.detach().cpu()
        value = value.float() if "bfloat16" in str(value.dtype) else value
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"the state_dict must contain arrays of real numbers; {key} is of type {array.dtype}")
    return array
