"""Convolutions padded to whole blocks of channels, compared with the plain layers."""

import json

import gluon_cnn as g
import mxnet as mx
import numpy as np
import pytest
from gluon_cnn._core import startup
from gluon_cnn.networks.aligned import ChannelPadded
from gluon_cnn.networks.base import Network
from hypothesis import given
from hypothesis import strategies as st
from mxnet import autograd, init, nd
from mxnet.gluon import nn

from tests.processes import run


def layers(channels, kernel_size=3, activation="relu"):
    """Convolutions with pooling behind each but the last, and a dense layer."""
    for k, width in enumerate(channels):
        if k:
            yield nn.MaxPool2D(pool_size=2, strides=1) if k % 2 else nn.AvgPool2D(pool_size=2, strides=1)
        before = channels[k - 1] if k else 0  # 0 leaves it open
        yield nn.Conv2D(width, kernel_size=kernel_size, padding=1, activation=activation, in_channels=before)
    yield nn.Dense(3)


def pair(channels, **settings):
    """The same layers with the same weights, filled up and plain."""
    nets = [Of(ChannelPadded, prefix="net_"), Of(nn.HybridSequential, prefix="net_")]
    for net in nets:
        with net.layers.name_scope():
            net.layers.add(*layers(channels, **settings))
    return nets


class Of(Network):
    """A network of one sequence of layers."""

    def __init__(self, kind, **kwargs):
        super().__init__(**kwargs)
        with self.name_scope():
            self.layers = kind(prefix="layers_")

    def hybrid_forward(self, F, x):
        return self.layers(x)


def outputs_and_gradients(net, X):
    X.attach_grad()
    with autograd.record():
        y = net(X)
    y.backward(nd.arange(y.size).reshape(y.shape))
    return [y, X.grad, *(p.grad() for p in net.collect_params().values())]


@pytest.mark.parametrize("block", [8, 16])
@given(
    channels=st.lists(st.integers(1, 20), min_size=1, max_size=3),
    inputs=st.integers(1, 9),
    activation=st.sampled_from(["relu", "sigmoid", None]),
)
def test_equals_the_plain_layers(block, channels, inputs, activation):
    g.seed(0)
    aligned, plain = pair(channels, activation=activation)
    X = nd.random.normal(shape=(2, inputs, 7, 7))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gluon_cnn.networks.aligned.channel_block_size", lambda: block)
        aligned.initialize(init.Normal(0.5))
        aligned.hybridize()
        aligned(X)  # shapes left open are found through the zeros
        plain.initialize()
        plain(X)
        for a, b in zip(plain.collect_params().values(), aligned.collect_params().values()):
            assert (a.name, a.shape) == (b.name, b.shape)
            a.set_data(b.data())
        for a, b in zip(outputs_and_gradients(aligned, X), outputs_and_gradients(plain, X)):
            scale = np.abs(b.asnumpy()).max()
            np.testing.assert_allclose(a.asnumpy(), b.asnumpy(), rtol=1e-4, atol=1e-5 * max(scale, 1e-3))


def test_fills_up_once_hybridized_only():
    net = g.LeNet()
    net.initialize()
    seen = []
    hook = net.features[0].register_forward_hook(lambda layer, inputs, output: seen.append(output.shape))
    X = nd.zeros((1, 1, 28, 28))
    net(X)
    hook.detach()
    assert seen == [(1, 20, 24, 24)]
    assert shapes_of_convolutions(net(mx.sym.var("data")), X.shape) == [(1, 20, 24, 24), (1, 50, 10, 10)]
    net.hybridize()
    net(X)
    block = startup.channel_block_size()
    filled = [-(-channels // block) * block for channels in (20, 50)]
    found = shapes_of_convolutions(net._cached_graph[1], X.shape)
    assert found == [(1, filled[0], 24, 24), (1, filled[1], 10, 10)]


def shapes_of_convolutions(graph, shape):
    inside = graph.get_internals()
    _, shapes, _ = inside.infer_shape(**{inside.list_inputs()[0]: shape})
    found = dict(zip(inside.list_outputs(), shapes))
    nodes = json.loads(graph.tojson())["nodes"]
    return [found[f"{node['name']}_output"] for node in nodes if node["op"] == "Convolution"]


def test_says_which_channels_it_has_to_know():
    net = Of(ChannelPadded)
    net.layers.add(nn.Conv2D(5, kernel_size=3), nn.Conv2D(6, kernel_size=3))
    net.initialize()
    net.hybridize()
    with pytest.raises(ValueError, match="follows 5 channels: pass in_channels=5"):
        net(nd.zeros((1, 1, 9, 9)))


NARROW = """
import gluon_cnn as g
from gluon_cnn.networks.base import HybridSequential
from mxnet import autograd, nd
from mxnet.gluon import nn

net = {network}
net.initialize()
net.hybridize(static_alloc=True)
X = nd.random.normal(shape=(2, 1, {side}, {side}))
net(X)
with autograd.record():
    Y = net(X)
Y.backward()
nd.waitall()
"""
POOLED = "HybridSequential(nn.Conv2D(32, 3), nn.BatchNorm(), nn.{}(), nn.Dense(10))"


@pytest.mark.parametrize(
    ("network", "side"),
    [
        (POOLED.format("GlobalAvgPool2D"), 9),
        (POOLED.format("GlobalMaxPool2D"), 9),
        ("g.DenseNet(init_channels=16, growth_rate=16, block_layers=(4, 4))", 32),
    ],
    ids=["global average pooling", "global max pooling", "transition"],
)
def test_narrow_networks_do_not_end_in_onednns_slowest_code(network, side):
    """Its reference code for gradients, a hundred times slower, takes over where two memory layouts meet."""
    log, _ = run(NARROW.format(network=network, side=side), DNNL_VERBOSE="1")
    used = {tuple(line.split(",")[3:6]) for line in log.splitlines() if ",exec," in line}
    backward = [(kind, code) for kind, code, way in used if way.startswith("backward")]
    assert {"convolution", "batch_normalization", "pooling_v2"} <= {kind for kind, _ in backward}
    assert not [kind for kind, code in backward if "ref" in code]
