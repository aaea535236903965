"""Images whose channels come last: every network says so, and what to write."""

import re

import gluon_cnn as g
import numpy as np
import pytest
from gluon_cnn.networks.registry import NETWORKS
from gluon_cnn.training.prediction import predict_batches
from mxnet import nd
from mxnet.gluon import nn

from tests.networks.small import ASK, ROWS, small

WORDS = r"takes images with their channels first, \(N, C, H, W\); got {}: pass x\.transpose\(\(0, 3, 1, 2\)\)$"


def words(shape):
    return WORDS.format(re.escape(str(shape)))


@pytest.mark.parametrize(("name", "channels"), [("lenet", 1), ("lenet", 4), *((name, 3) for name in NETWORKS)])
def test_every_network(name, channels):
    net, side = small(name), ROWS[name].side
    net.initialize()
    net.hybridize(name < "m")
    X = nd.random.uniform(shape=(2, side, side + 1, channels))
    with pytest.raises(ValueError, match=words(X.shape)):
        net(X)
    assert net(X.transpose((0, 3, 1, 2))).shape == (2, 3)  # what it says to write is right
    with pytest.raises(ValueError, match=words(X.shape)):
        net(X)


def lenet():
    net = g.LeNet(2)
    net.initialize()
    net(nd.zeros((1, 3, 28, 28)))
    return net


def test_more_channels_than_colours_once_they_are_known():
    net = g.LeNet(2)
    net.initialize()
    net(nd.zeros((1, 5, 28, 28)))
    with pytest.raises(ValueError, match=words((1, 28, 28, 5))):
        net(nd.zeros((1, 28, 28, 5)))
    with pytest.raises(ValueError, match="LeNet has weights for 5 input channels; got 28"):
        net(nd.zeros((1, 28, 28, 3)))


X, Y = nd.random.uniform(shape=(2, 28, 28, 3)), nd.array([0, 1])


@pytest.mark.parametrize("call", ASK.values(), ids=ASK)
def test_every_function_that_asks_a_network(call):  # 29b (mxnet.apache.org reshape_transpose tutorial)
    with pytest.raises(ValueError, match=words(X.shape)):
        call(lenet(), X, Y)
    with pytest.raises(ValueError, match=words(X.shape)):
        predict_batches([(X.asnumpy(), Y.asnumpy())], lenet())
    own = nn.HybridSequential()
    own.add(nn.Conv2D(4, 3), nn.Dense(2))
    own.initialize()
    own(nd.zeros((1, 3, 28, 28)))
    if call is not ASK["calling it"]:
        with pytest.raises(ValueError, match=r", whose channels come last \(X.transpose\(\(0, 3, 1, 2\)\) puts"):
            call(own, X, Y)


@pytest.mark.parametrize(
    ("shape", "advice"),
    [
        ((28, 28, 3), "x.transpose((2, 0, 1)).expand_dims(axis=0)"),
        ((3, 28, 28), "x.expand_dims(axis=0)"),
        ((1, 28, 28), "x.expand_dims(axis=0)"),
        ((28, 28), "x.reshape((1, 1, *x.shape))"),
    ],
)
def test_one_image(shape, advice):
    net = g.LeNet(2)
    net.initialize()
    x = nd.random.uniform(shape=shape)
    with pytest.raises(ValueError, match=re.escape(f"takes (N, C, H, W); got {shape}: pass {advice}")):
        net(x)
    assert net(eval(advice)).shape == (1, 2)


def test_augmentation_wants_them_last():
    image = nd.random.uniform(shape=(3, 30, 40))
    for call in (lambda img: g.five_crop_predict(lenet(), img, 28), lambda img: g.apply_aug_list(img, [])):
        with pytest.raises(ValueError, match=r"got \(3, 30, 40\): pass img.transpose\(\(1, 2, 0\)\)"):
            call(image)
        assert np.isfinite(call(image.transpose((1, 2, 0))).asnumpy()).all()
