"""Networks whose layers oneDNN fuses for prediction, compared with the plain ones."""

import json

import gluon_cnn as g
import mxnet as mx
import numpy as np
import pytest
from gluon_cnn.deploy.fusion import fused
from gluon_cnn.experiments import run as run_module
from gluon_cnn.networks.registry import NETWORKS
from gluon_cnn.training.history import History
from gluon_cnn.training.prediction import probabilities
from mxnet import gluon, init, nd
from mxnet.gluon import nn
from PIL import Image

from tests.networks.small import ROWS, randomize, small


def made(net, side, channels=1):
    """Return the network with random parameters and statistics, and images for it."""
    net.initialize(init.MSRAPrelu(slope=0))
    X = nd.random.uniform(shape=(5, channels, side, side))
    net(X)
    randomize(net)
    return net, X


@pytest.mark.parametrize("name", NETWORKS)
def test_the_courses_networks_predict_the_same(name):
    net, X = made(small(name), ROWS[name].side)
    copy = fused(net, X[:2])
    assert isinstance(copy, gluon.SymbolBlock)
    for batch in (X[:2].copy(), X):
        np.testing.assert_allclose(copy(batch).asnumpy(), net(batch).asnumpy(), rtol=1e-5, atol=1e-5)


def test_efficientnets_features_have_no_batch_norm_of_their_own():
    net, X = made(g.efficientnet_lite0(), 64, channels=3)
    copy = fused(net.features, X[:1])
    before, after = (
        {node["op"] for node in json.loads(graph.tojson())["nodes"]}
        for graph in (net.features(mx.sym.var("data")), copy._cached_graph[1])
    )
    assert {"BatchNorm", "clip"} <= before
    assert not {"BatchNorm", "clip", "Convolution"} & after
    expected = net.features(X).asnumpy()
    np.testing.assert_allclose(copy(X).asnumpy(), expected, rtol=0, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("count", [2, 12])
def test_a_run_predicts_many_images_with_a_fused_copy(tmp_path, monkeypatch, count):
    net, _ = made(small("lenet"), 28)
    run = run_module.Run(net, History(), {}, tuple("abc"), (1, 28, 28))
    for k, pixels in enumerate(np.random.default_rng(0).integers(0, 256, (count, 28, 28), np.uint8)):
        Image.fromarray(pixels).save(tmp_path / f"{k}.png")
    paths = sorted(tmp_path.iterdir())
    used = []
    monkeypatch.setattr(run_module, "probabilities", lambda net, X: used.append(net) or probabilities(net, X))
    found = run.predict(paths)
    assert (used == [net]) == (count <= run_module.FEW_IMAGES)
    expected = net(run.read(paths)[1]).softmax().asnumpy()
    np.testing.assert_allclose(found, expected, atol=1e-6)
    for parameter in net.collect_params().values():  # training changes the network: the next copy has its new weights
        parameter.set_data(parameter.data() * 1.5)
    expected = net(run.read(paths)[1]).softmax().asnumpy()
    np.testing.assert_allclose(run.predict(paths), expected, atol=1e-6)


class Halved(nn.HybridBlock):
    """A layer that cannot be traced: it reads values."""

    def hybrid_forward(self, F, x):
        return x / 2 if x.max().asscalar() > 0 else x


class Wrong(nn.HybridBlock):
    """A layer whose graph differs from what it computes layer by layer."""

    def hybrid_forward(self, F, x):
        return x * (2 if F is mx.sym else 1)


@pytest.mark.parametrize("layer", [Halved, Wrong])
def test_what_would_predict_something_else_is_left_alone(layer):
    net = nn.HybridSequential()
    net.add(nn.Conv2D(4, kernel_size=3), layer())
    net, X = made(net, 8)
    assert fused(net, X) is net
