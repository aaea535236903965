"""MXNet's NumPy mode, `npx.set_np()`, beside code that computes with NDArrays: what cannot work says so."""

import gluon_cnn as g
import mxnet as mx
import numpy as np
import pytest
from gluon_cnn.experiments import experiment
from gluon_cnn.networks import loading
from gluon_cnn.training.prediction import predict_batches
from mxnet import nd
from mxnet.gluon import nn

from tests.networks.small import ASK

NAMED = r"gluon_cnn computes with NDArrays, and MXNet's NumPy mode, npx.set_np\(\), is on: call mx.npx.reset_np\(\)"
BLOCKS = {
    "ResNet": (lambda: g.ResNet(3, init_channels=4), 75),
    "Residual": (lambda: g.Residual(1), 8),
    "Inception": (lambda: g.Inception(2, 2, 3, 2, 3, 2), 8),
    "BatchNorm": (g.BatchNorm, 8),
}
CALLS = {
    **ASK,
    "smallest_size": lambda net, X, y: net.smallest_size(),
    "receptive_field": lambda net, X, y: g.receptive_field(net),
    "load_torch_state": lambda net, X, y: g.load_torch_state(net, {}),
    "load_weights": lambda net, X, y: loading.load_weights(net, __file__, mx.cpu()),
    "experiment": lambda net, X, y: experiment.experiment("lenet", verbose=False),
}


@pytest.fixture
def numpy_mode():
    mx.npx.set_np()
    yield
    mx.npx.reset_np()


@pytest.fixture(scope="module")
def earlier():
    net = g.LeNet(2)
    net.initialize()
    net(nd.zeros((1, 1, 28, 28)))
    return net


@pytest.mark.parametrize(("make", "side"), BLOCKS.values(), ids=BLOCKS)
def test_blocks(make, side, numpy_mode):
    net = make()
    net.initialize()
    for hybridize in (False, True):
        net.hybridize(hybridize)
        for x in (nd.zeros((1, 1, side, side)), mx.np.zeros((1, 1, side, side))):
            with pytest.raises(TypeError, match=NAMED):
                net(x)


def test_a_network_of_gluons_layers_alone_computes(numpy_mode):
    net = g.LeNet()
    net.initialize()
    assert net(mx.np.zeros((2, 1, 28, 28))).shape == (2, 10)


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_functions(call, earlier):  # 24 (mxnet#19609)
    X = nd.random.uniform(shape=(2, 1, 28, 28))
    expected = earlier(X).asnumpy()
    mx.npx.set_np()
    try:
        with pytest.raises(TypeError, match=NAMED):
            call(earlier, X, nd.array([0, 1]))
    finally:
        mx.npx.reset_np()
    np.testing.assert_array_equal(earlier(X).asnumpy(), expected)


def test_mxnets_numpy_arrays_without_its_mode(earlier):
    X, y = mx.np.random.uniform(size=(2, 1, 28, 28)), mx.np.array([0, 1])
    for net in (earlier, g.BatchNorm()):
        with pytest.raises(TypeError, match=r"got an mx.np.ndarray: pass [xX].as_nd_ndarray\(\)"):
            net(X)
    dense = nn.Dense(2)
    dense.initialize()
    for net in (earlier, dense):
        assert predict_batches([(X, y)], net)[1].shape == (2, 2)
