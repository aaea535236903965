"""What a trained network's inside is shown as."""

import contextlib

import gluon_cnn as g
import numpy as np
import pytest
from gluon_cnn.course import parameters
from gluon_cnn.plots import network, predictions
from gluon_cnn.training.prediction import predict_batches
from matplotlib import pyplot as plt
from mxnet import nd
from mxnet.gluon import nn


def drawn():
    return [np.asarray(ax.images[0].get_array()) for ax in plt.gcf().axes]


def titles():
    return [ax.get_title() for ax in plt.gcf().axes]


@pytest.fixture
def data():
    """Seven pictures of two pixels; the first pixel's share is the probability of class 0 in the network below."""
    images = np.random.RandomState(0).rand(7, 1, 1, 2).astype(np.float32)
    return g.Batches(images, np.array([0, 1, 0, 1, 0, 1, 0]), 3)


@pytest.fixture
def net():
    net = nn.Dense(2)
    net.initialize()
    net(nd.zeros((1, 2)))
    net.weight.set_data(nd.array([[4, 0], [0, 4]]))
    return net


def test_probabilities_in_the_order_of_the_data(data, net):
    labels, probabilities = predict_batches(data, net)
    pixels = data.images.reshape(7, 2).astype(np.float64)
    expected = np.exp(4 * pixels) / np.exp(4 * pixels).sum(axis=1, keepdims=True)
    np.testing.assert_array_equal(labels, data.labels)
    np.testing.assert_allclose(probabilities, expected, rtol=1e-5)
    right = (probabilities.argmax(axis=1) == labels).mean()
    assert right == pytest.approx(g.evaluate_accuracy(data, net))
    with pytest.raises(ValueError, match="no batch"):
        predict_batches([], net)


def test_filters_keep_their_signs_and_zero_is_grey():
    weights = nd.array([[[[-2, 0], [1, 2]]], [[[0, 0], [0, 0.1]]]])
    network.show_filters(weights, 1, 2)
    np.testing.assert_allclose(drawn(), [[[0, 0.5], [0.75, 1]], [[0.5, 0.5], [0.5, 1]]])


@pytest.mark.parametrize("channels", [1, 3])
def test_a_window_of_3x3_is_not_taken_for_three_colours(channels):
    weights = np.random.RandomState(0).uniform(-1, 1, (1, channels, 3, 3))
    network.show_filters(nd.array(weights), 1, 1)
    expected = 0.5 + 0.5 * weights[0].transpose(1, 2, 0) / np.abs(weights).max()
    np.testing.assert_allclose(drawn()[0], expected[:, :, 0] if channels == 1 else expected, rtol=1e-5)


def test_the_strongest_maps_come_first_and_a_dead_one_is_black():
    maps = nd.array([[[0, 0]], [[1, 4]], [[2, -1]]])
    network.show_feature_maps(maps, nd.ones((1, 1, 2)), title="bag")
    assert titles() == ["bag", "map 1", "map 2", "map 0"]
    np.testing.assert_allclose(drawn()[1:], [[[0.25, 1]], [[1, 0]], [[0, 0]]])


def test_the_surest_mistakes_with_both_names(data, capsys):
    probabilities = np.array([[0.2, 0.8], [0.1, 0.9], [0.4, 0.6], [0.9, 0.1], [1, 0], [0, 1], [1, 0]])
    predictions.show_mistakes(data, data.labels, probabilities, ["bag", "coat"], count=2)
    assert titles() == ["coat\nas bag", "bag\nas coat"]
    np.testing.assert_array_equal(drawn(), data.images[[3, 0], 0])
    predictions.show_mistakes(data, data.labels, np.eye(2)[data.labels], ["bag", "coat"])
    assert capsys.readouterr().out == "No mistakes\n"


def test_parameters_are_put_back_whatever_happens(net):
    before = net.weight.data().asnumpy()
    with parameters.restored([net.weight]):
        net.weight.set_data(nd.zeros((2, 2)))
        assert not net.weight.data().asnumpy().any()
    np.testing.assert_array_equal(net.weight.data().asnumpy(), before)
    with contextlib.suppress(KeyError), parameters.restored(net.collect_params().values()):
        net.weight.set_data(nd.zeros((2, 2)))
        raise KeyError
    np.testing.assert_array_equal(net.weight.data().asnumpy(), before)
