"""Weights as PyTorch names them, in networks of the course; `make parity` has PyTorch's own."""

import contextlib
import re

import gluon_cnn as g
import mxnet as mx
import numpy as np
import pytest
from gluon_cnn.deploy.torch_weights import load_torch_state
from gluon_cnn.networks.registry import NETWORKS
from mxnet import gluon, nd
from mxnet.gluon import nn

from tests.networks.small import small

THEIRS = {"gamma": "weight", "beta": "bias"}


def made(make, side=96, seed=0):
    g.seed(seed)
    net = make()
    net.initialize()
    net(nd.zeros((1, 1, side, side)))
    return net


def state_of(net):
    """Return random weights for a network, named as PyTorch does; batch norm counts its batches there."""
    state, rng = {}, np.random.RandomState(1)
    for key, parameter in net._collect_params_with_prefix().items():
        place, _, name = key.rpartition(".")
        state[f"module.{place}.{THEIRS.get(name, name)}"] = rng.uniform(0.1, 1, parameter.shape).astype(np.float32)
        if name == "running_var":
            state[f"module.{place}.num_batches_tracked"] = np.array(3)
    return state


def values(net):
    return {key: p.data().asnumpy() for key, p in net._collect_params_with_prefix().items()}


@contextlib.contextmanager
def unchanged(net):
    before = values(net)
    yield
    for key, value in values(net).items():
        np.testing.assert_array_equal(value, before[key])


def refused(net, state, words):
    with unchanged(net), pytest.raises(ValueError, match=words):
        load_torch_state(net, state)


def sequence(*layers):
    net = nn.HybridSequential()
    net.add(*layers)
    return net


MAKE = {name: lambda name=name: small(name) for name in NETWORKS}
MAKE["ours by hand"] = lambda: sequence(nn.Conv2D(4, 3), g.BatchNorm(), nn.Dense(2))


@pytest.mark.parametrize("name", MAKE)
def test_all_layers_match_their_own_kind(name):
    net = made(MAKE[name])
    state = state_of(net)
    assert load_torch_state(net, state) == []
    for key, value in values(net).items():
        place, _, part = key.rpartition(".")
        np.testing.assert_array_equal(value, state[f"module.{place}.{THEIRS.get(part, part)}"])


def test_a_bias_that_pytorch_left_out_is_0():
    net = made(MAKE["resnet"])
    state = {key: value for key, value in state_of(net).items() if not ("conv" in key and key.endswith("bias"))}
    for key in values(net).keys() - {key[len("module.") :] for key in state}:
        net._collect_params_with_prefix()[key].data()[:] = 1
    assert load_torch_state(net, state) == []
    zeros = {key for key, value in values(net).items() if not value.any()}
    assert len(zeros) == 16
    assert all("conv" in key and key.endswith("bias") for key in zeros)


def test_a_layer_without_a_counterpart_is_named_and_nothing_changes():
    net = made(MAKE["resnet"])
    state = state_of(net)
    last = list(state)[-2:]
    wider = {**{key: value for key, value in state.items() if key not in last}, "fc.weight": np.zeros((5, 64))}
    before = values(net)
    refused(net, wider, r"Gluon's blocks.5.2 \(dense layer 3x64\), PyTorch's fc \(dense")
    assert load_torch_state(net, wider, strict=False) == [
        "Gluon's blocks.5.2 (dense layer 3x64)",
        "PyTorch's fc (dense layer 5x64)",
    ]
    changed = [key for key, value in values(net).items() if not np.array_equal(value, before[key])]
    assert changed == [key for key in before if not key.startswith("blocks.5.2")]


def test_all_parts_of_a_layer_have_to_fit():
    net = made(lambda: sequence(nn.Conv2D(4, 3), nn.BatchNorm()))
    state = state_of(net)
    for key, value in [
        ("module.1.running_mean", np.zeros(3)),
        ("module.0.bias", np.zeros((4, 1))),
        ("module.1.running_var", None),
        ("module.1.bias", None),
    ]:
        changed = {**state, key: value}
        if value is None:
            del changed[key]
        refused(net, changed, f"PyTorch's {key.rpartition('.')[0]}")


def test_a_layer_of_another_kind_and_a_bias_without_a_place_are_no_match():
    net = made(lambda: sequence(nn.Conv2D(4, 3), nn.PReLU()))
    state = {key: value for key, value in state_of(net).items() if ".0." in key}
    assert load_torch_state(net, state, strict=False) == ["Gluon's 1 (PReLU 1)"]
    net = made(lambda: sequence(nn.Conv2D(4, 3, use_bias=False)))
    state = {"0.weight": np.zeros((4, 1, 3, 3)), "0.bias": np.zeros(4)}
    refused(net, state, "no layer has a counterpart")


@pytest.mark.parametrize(
    ("settings", "part", "value"), [({"scale": False}, "weight", 1), ({"center": False}, "bias", 0)]
)
def test_what_batch_norm_ignores_has_to_be_what_it_takes(settings, part, value):
    net = made(lambda: sequence(nn.BatchNorm(**settings)))
    state = state_of(net)
    refused(net, state, "no layer has a counterpart")
    refused(net, {**state, "other.weight": np.zeros((2, 2))}, "no layer has a counterpart")
    state[f"module.0.{part}"] = np.full(1, value, np.float32)
    assert load_torch_state(net, state) == []
    X = nd.random.normal(shape=(2, 1, 3, 3))
    theirs = {name: state[f"module.0.{name}"][0] for name in ("weight", "bias", "running_mean", "running_var")}
    expected = (X.asnumpy() - theirs["running_mean"]) / np.sqrt(theirs["running_var"] + 1e-5)
    np.testing.assert_allclose(net(X).asnumpy(), expected * theirs["weight"] + theirs["bias"], rtol=1e-4, atol=1e-5)


def test_what_batch_norm_ignores_is_named():
    net = made(lambda: sequence(nn.Conv2D(4, 3), nn.BatchNorm(scale=False)))
    refused(net, state_of(net), r"Gluon's 1 \(batch norm 4, weight always 1\), PyTorch's module.1 \(batch")


VALUES = {  # (what a weight is, the error, what it says)
    "NaN": (np.full((2, 3), np.nan), ValueError, "fc.weight contains NaN, infinity, or numbers too large for float32"),
    "infinity": (np.full((2, 3), np.inf), ValueError, "fc.weight contains NaN, infinity"),
    "beyond float32": (np.full((2, 3), 1e300), ValueError, "too large for float32"),
    "complex": (np.full((2, 3), 1j), TypeError, "real numbers; fc.weight is of type complex128"),
    "words": (np.full((2, 3), "a"), TypeError, "real numbers; fc.weight is of type <U1"),
    "nothing": (None, TypeError, "real numbers; fc.weight is of type object"),
}


@pytest.mark.parametrize(("value", "error", "words"), VALUES.values(), ids=VALUES)
def test_values_that_are_no_weights(value, error, words):
    net = nn.Dense(2, in_units=3)
    net.initialize()
    with unchanged(net), pytest.raises(error, match=words):
        load_torch_state(net, {"fc.bias": np.ones(2), "fc.weight": value})


def test_wrong_arguments():
    with pytest.raises(TypeError, match="keys must be strings, such as 'fc.weight'; got 0"):
        load_torch_state(made(g.LeNet, 28), {0: np.zeros(2)})
    x = mx.sym.var("data", dtype="float32")
    with pytest.raises(TypeError, match="a SymbolBlock has no layers to match"):
        load_torch_state(gluon.SymbolBlock(2 * x, x), {"fc.weight": np.zeros((2, 2))})
    with pytest.raises(ValueError, match="LeNet has no weights yet: run an image through it first"):
        load_torch_state(g.LeNet(), {})


def test_a_parameter_of_no_layer_is_named():  # 31b
    net = made(lambda: sequence(nn.Dense(3)), 2)
    layer = {"0.weight": np.ones((3, 4)), "0.bias": np.zeros(3)}
    more = {
        "cls_token": (np.zeros((1, 1, 8)), "1x1x8"),
        "vit.pos_embed": (np.zeros((1, 5, 8)), "1x5x8"),
        "temperature": (np.array(1.0), "of one number"),
        "lstm.weight_ih_l0": (np.ones((4, 3)), "4x3"),
        "0.scale": (np.ones(3), "3"),
    }
    named = [f"PyTorch's {key} (parameter {shape})" for key, (_, shape) in more.items()]
    more = {key: value for key, (value, _) in more.items()}
    for (key, value), name in zip(more.items(), named):
        for state in ({**layer, key: value}, {key: value, **layer}):
            refused(net, state, re.escape(f"these have no counterpart: {name}; strict=False loads"))
    assert load_torch_state(net, {**more, **layer}, strict=False) == named
    assert (net[0].weight.data().asnumpy() == 1).all()


def test_a_module_that_is_a_layer_itself():
    net = nn.Dense(2, in_units=3)
    net.initialize()
    assert load_torch_state(net, {"weight": np.ones((2, 3)), "bias": np.ones(2)}) == []
    bias = np.ones(2)
    refused(net, {"weight": np.ones((2, 3)), "bias": bias, "other": bias}, r"PyTorch's other \(parameter 2\); strict")
    refused(net, {"weight": np.ones((2, 4)), "bias": bias}, "no layer has a counterpart")
    both = made(lambda: sequence(nn.Conv2D(1, 1), nn.Dense(2)), 2)
    refused(both, {"weight": np.ones((2, 4)), "bias": bias}, r"Gluon's 0 \(convolution 1x1x1x1\); strict")


class Tensor:
    """As PyTorch's: NumPy gets it only without a graph, on the CPU and in a type of its own."""

    def __init__(self, array, free=False, here=False, dtype="torch.bfloat16"):
        self.array, self.free, self.here, self.dtype = array, free, here, dtype

    def detach(self):
        return Tensor(self.array, True, self.here, self.dtype)

    def cpu(self):
        return Tensor(self.array, self.free, True, self.dtype)

    def float(self):
        return Tensor(self.array, self.free, self.here, "torch.float32")

    def __array__(self, dtype=None, copy=None):
        if not self.free or not self.here or "bfloat16" in self.dtype:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad")
        return np.asarray(self.array, dtype)


def test_tensors_that_want_gradients_or_are_elsewhere():
    net = nn.Dense(2, in_units=3)
    net.initialize()
    for kind in ("torch.bfloat16", "torch.float32"):
        state = {"weight": Tensor(np.full((2, 3), 5.0), dtype=kind), "bias": Tensor(np.ones(2), dtype=kind)}
        assert load_torch_state(net, state) == []
        assert (net.weight.data().asnumpy() == 5).all()


def test_a_checkpoint_that_holds_a_state_dict():
    with pytest.raises(TypeError, match="real numbers; model is a dictionary: pass that one"):
        load_torch_state(made(g.LeNet, 28), {"model": {"fc.weight": np.zeros((2, 2))}, "epoch": 3})
