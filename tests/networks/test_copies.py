"""A copy of a network computes what the network computes, whatever was done with it before."""

import copy
import pickle

import gluon_cnn as g
import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd, gluon, nd
from mxnet.gluon import nn

X, Y = nd.random.normal(shape=(4, 1, 28, 28)), nd.array([0, 1, 0, 1])


def own():
    net = nn.HybridSequential()
    net.add(nn.Conv2D(4, 3), nn.BatchNorm(), g.Residual(4), nn.Dense(2))
    return net


def hybridized(net):
    net.hybridize(static_alloc=True, static_shape=True)
    net(X)
    return net


def trained(net):
    trainer = gluon.Trainer(net.collect_params(), "adam", {"learning_rate": 0.01})
    g.train([(X, Y)], [(X, Y)], net, gluon.loss.SoftmaxCrossEntropyLoss(), trainer, mx.cpu(), 1, verbose=False)
    return net


def summarized(net):
    g.summary(net, X.shape)
    return net


DONE = {
    "nothing": lambda net: net,
    "hybridized": hybridized,
    "trained": trained,
    "hybridized and trained": lambda net: trained(hybridized(net)),
    "summarized": lambda net: summarized(hybridized(net)),
    "quantized": lambda net: g.quantize(net, [(X, Y)]),
}


@pytest.mark.parametrize("done", DONE.values(), ids=DONE)
@pytest.mark.parametrize(
    ("make", "again"),
    [(g.LeNet, copy.deepcopy), (own, lambda net: pickle.loads(pickle.dumps(net)))],
    ids=["LeNet copied", "own pickled"],
)
def test_a_copy_computes_the_same_and_is_its_own(make, done, again):
    net = make()
    net.initialize()
    net(X)
    net = done(net)
    expected = net(X).asnumpy()
    other = again(net)
    np.testing.assert_array_equal(other(X).asnumpy(), expected)
    if done is not DONE["quantized"]:
        trained(other)
        assert not np.array_equal(other(X).asnumpy(), expected)
    np.testing.assert_array_equal(net(X).asnumpy(), expected)


@pytest.mark.filterwarnings("ignore:.*Cannot decide type:UserWarning")  # mxnet's own, of the exported symbol's input
@pytest.mark.parametrize("done", [hybridized, trained], ids=["hybridized", "trained"])
def test_exporting_and_summarizing_afterwards(done, tmp_path):
    net = own()
    net.initialize()
    done(net)
    hybridized(net)
    expected = net(X).asnumpy()
    other = copy.deepcopy(net)
    assert repr(g.summary(net, X.shape)) == repr(g.summary(other, X.shape))
    for each in (net, other):
        files = g.export_symbol(each, tmp_path / "net", X.shape)
        again = gluon.SymbolBlock.imports(str(files[0]), ["data"], str(files[1]))
        np.testing.assert_allclose(again(X).asnumpy(), expected, rtol=1e-5, atol=1e-6)


def test_a_quantized_network_says_that_it_shows_no_layers():
    net = g.LeNet()
    net.initialize()
    net(X)
    with pytest.raises(ValueError, match="SymbolBlock computes with 8-bit integers and has no layers to"):
        g.summary(g.quantize(net, [(X, Y)]), X.shape)
    with autograd.record(), pytest.raises(ValueError, match="a quantized network cannot be trained"):
        g.quantize(net, [(X, Y)])(X)


def test_a_copy_is_where_the_network_is():
    net, contexts = own(), [mx.cpu(0), mx.cpu(1)]
    net.initialize(ctx=contexts)
    net.hybridize()

    def train(net):
        trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1})
        loss = gluon.loss.SoftmaxCrossEntropyLoss()
        g.train([(X, Y)], [(X, Y)], net, loss, trainer, contexts, 1, verbose=False)
        return [p.data(context).asnumpy() for p in net.collect_params().values() for context in contexts]

    train(net)
    other = copy.deepcopy(net)
    for mine, theirs in zip(train(other), train(net)):
        np.testing.assert_array_equal(mine, theirs)
