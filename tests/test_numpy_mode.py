"""MXNet's NumPy mode, `npx.set_np()`, beside code that computes with NDArrays: what cannot work says so."""

import gluon_cnn as g
import mxnet as mx
import numpy as np
import pytest
from gluon_cnn.experiments import experiment
from gluon_cnn.networks import loading
from gluon_cnn.training.prediction import predict_batches
from mxnet import gluon, nd
from mxnet.gluon import nn

NAMED = r"gluon_cnn computes with NDArrays, and MXNet's NumPy mode, npx.set_np\(\), is on: call mx.npx.reset_np\(\)"
LOSS = gluon.loss.SoftmaxCrossEntropyLoss()
SIDES = {"ResNet": 75, "Residual": 8, "Inception": 8, "BatchNorm": 8, "LeNet": 28}
BLOCKS = {
    "ResNet": lambda: g.ResNet(3, init_channels=4),
    "Residual": lambda: g.Residual(1),
    "Inception": lambda: g.Inception(2, 2, 3, 2, 3, 2),
    "BatchNorm": g.BatchNorm,
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


@pytest.mark.parametrize("hybridize", [False, True], ids=["step by step", "hybridized"])
@pytest.mark.parametrize("name", BLOCKS)
def test_blocks(name, hybridize, numpy_mode):
    net = BLOCKS[name]()
    net.initialize()
    if hybridize:
        net.hybridize()
    shape = (1, 1, SIDES[name], SIDES[name])
    for x in (nd.zeros(shape), mx.np.zeros(shape)):
        with pytest.raises(TypeError, match=NAMED):
            net(x)


CALLS = {
    "calling it": lambda net, X, y: net(X),
    "predict": lambda net, X, y: predict_batches([(X, y)], net),
    "evaluate_accuracy": lambda net, X, y: g.evaluate_accuracy([(X, y)], net),
    "train": lambda net, X, y: g.train([], [], net, LOSS, gluon.Trainer(net.collect_params(), "sgd"), mx.cpu(), 1),
    "finetune": lambda net, X, y: g.finetune(net, [(X, y)], [(X, y)], 2, verbose=False),
    "quantize": lambda net, X, y: g.quantize(net, [(X, y)]),
    "summary": lambda net, X, y: g.summary(net, X.shape),
    "export_symbol": lambda net, X, y: g.export_symbol(net, "net", X.shape),
    "export_onnx": lambda net, X, y: g.export_onnx(net, "net.onnx", X.shape),
    "smallest_size": lambda net, X, y: net.smallest_size(),
    "receptive_field": lambda net, X, y: g.receptive_field(net),
    "load_torch_state": lambda net, X, y: g.load_torch_state(net, {}),
    "load_weights": lambda net, X, y: loading.load_weights(net, __file__, mx.cpu()),
    "experiment": lambda net, X, y: experiment.experiment("lenet", verbose=False),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_functions(call, earlier, numpy_mode):
    with pytest.raises(TypeError, match=NAMED):
        call(earlier, nd.zeros((2, 1, 28, 28)), nd.array([0, 1]))


def test_afterwards_everything_is_as_before(earlier):
    X = nd.random.uniform(shape=(2, 1, 28, 28))
    expected = earlier(X).asnumpy()
    mx.npx.set_np()
    try:
        with pytest.raises(TypeError, match=NAMED):
            earlier(X)
    finally:
        mx.npx.reset_np()
    np.testing.assert_array_equal(earlier(X).asnumpy(), expected)


def test_mxnets_numpy_arrays_without_its_mode(earlier):
    X, y = mx.np.random.uniform(size=(2, 1, 28, 28)), mx.np.array([0, 1])
    for net in (earlier, BLOCKS["BatchNorm"]()):
        with pytest.raises(TypeError, match=r"got an mx.np.ndarray: pass [xX].as_nd_ndarray\(\)"):
            net(X)
    dense = nn.Dense(2)
    dense.initialize()
    for net in (earlier, dense):
        assert predict_batches([(X, y)], net)[1].shape == (2, 2)
