"""Grad-CAM against the formula, on a network whose gradient is known."""

import gluon_cnn as g
import matplotlib.pyplot as plt
import numpy as np
import pytest
from gluon_cnn.plots.grad_cam import grad_cam, show_grad_cam
from mxnet import nd
from mxnet.gluon import nn

from tests.networks.small import ROWS, small


def made():
    net = nn.HybridSequential()
    net.add(nn.Conv2D(4, 3, padding=1, activation="relu"), nn.GlobalAvgPool2D(), nn.Dense(3))
    net.initialize()
    return net


@pytest.mark.parametrize("hybridize", [False, True])
def test_it_is_class_activation_mapping_after_global_pooling(hybridize):
    """There the gradient is the dense layer's weight, over the number of positions."""
    g.seed(1)
    net, X = made(), nd.random.normal(shape=(5, 2, 6, 7))
    net.hybridize(hybridize)
    labels = [0, 1, 2, 0, 1]
    net(X)
    heat = np.einsum("nkhw,nk->nhw", net[0](X).asnumpy(), net[2].weight.data().asnumpy()[labels]).clip(0)
    heat /= np.maximum(heat.max((1, 2), keepdims=True), 1e-12)
    np.testing.assert_allclose(grad_cam(net, X, labels), heat, atol=1e-5)
    np.testing.assert_array_equal(grad_cam(net, X), grad_cam(net, X, net(X).argmax(axis=1).asnumpy()))


@pytest.mark.parametrize("name", ROWS)
def test_every_network_is_explained_and_left_as_it_was(name):
    net, shape = small(name), (2, 1, ROWS[name].side, ROWS[name].side)
    net.initialize()
    X = nd.random.uniform(shape=shape)
    before = net(X).asnumpy()
    heat = grad_cam(net, X)
    assert heat.shape == (2, *shape[2:])
    assert 0 <= heat.min() <= heat.max() <= 1
    np.testing.assert_array_equal(net(X).asnumpy(), before)


def test_the_figure_names_class_and_probability(tmp_path, monkeypatch):
    titles = []
    monkeypatch.setattr(plt.Axes, "set_title", lambda ax, text, **settings: titles.append(text))
    show_grad_cam(made(), nd.random.normal(shape=(2, 3, 6, 7)), ["a", "b", "c"], [2, 0], file=tmp_path / "cam.png")
    assert [title[0] for title in titles] == ["c", "a"]
    assert all(title.endswith("%") for title in titles)
    assert (tmp_path / "cam.png").stat().st_size > 1000


def test_a_network_of_dense_layers_has_nothing_to_show():
    net = nn.Dense(2)
    net.initialize()
    with pytest.raises(ValueError, match="no feature maps"):
        grad_cam(net, nd.ones((1, 3)))
