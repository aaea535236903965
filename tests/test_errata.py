"""Each row of docs/errata.md: the notes' version fails or gives the other answer, ours does not."""

import re
from pathlib import Path

import gluon_cnn as g
import numpy as np
import pytest
from mxnet import autograd, nd
from mxnet.gluon import nn

ERRATA = Path(__file__).parent.parent / "docs" / "errata.md"


def test_each_row_has_a_test_and_each_test_a_row():
    rows = [line for line in ERRATA.read_text().splitlines() if line.startswith("| ") and not line.startswith("| ---")]
    named = [re.findall(r"`(test_\w+)`", row) for row in rows if not row.startswith("| where")]
    assert all(len(names) == 1 for names in named)
    here = {name for name in globals() if name.startswith("test_")} - {"test_each_row_has_a_test_and_each_test_a_row"}
    assert sorted(names[0] for names in named) == sorted(here)


def test_variance_from_the_method_mean():
    X = nd.arange(6).reshape((3, 2))
    with pytest.raises(TypeError):
        ((X - X.mean) ** 2).mean(axis=0)
    normalized = g.pure_batch_norm(X, nd.ones(2), nd.zeros(2)).asnumpy()
    np.testing.assert_allclose(normalized, [[-1.22474265] * 2, [0, 0], [1.22474265] * 2], rtol=1e-6)


def test_quotes_lost():
    with pytest.raises(NameError, match="relu"):
        eval("nn.Conv2D(20, kernel_size=5, activation=relu)")
    net = g.LeNet()
    assert net.features[0].act._act_type == "relu"


def test_moving_variance_that_starts_at_zero():
    X = nd.array([[1, 2, 3]])

    def prediction(variance, steps=0):
        mean, variance = nd.zeros(3), variance.copy()
        for _ in range(steps):
            batch = nd.random.normal(0, 1, shape=(256, 3))
            g.batch_norm(batch, nd.ones(3), nd.zeros(3), True, mean, variance)
        return g.batch_norm(X, nd.ones(3), nd.zeros(3), False, mean, variance).asnumpy()

    np.testing.assert_allclose(prediction(nd.zeros(3)), X.asnumpy() / np.sqrt(1e-5), rtol=1e-5)
    np.testing.assert_allclose(prediction(nd.ones(3)), X.asnumpy(), rtol=1e-4)
    # The true variance is 1: after five steps the one that started at 0 has come to 1 - 0.9**5.
    assert prediction(nd.zeros(3), steps=5)[0, 2] == pytest.approx(3 / np.sqrt(1 - 0.9**5), rel=0.1)
    assert prediction(nd.ones(3), steps=5)[0, 2] == pytest.approx(3, rel=0.1)
    for block in (g.BatchNorm(in_channels=3), nn.BatchNorm(in_channels=3)):
        block.initialize()
        np.testing.assert_allclose(block(X).asnumpy(), X.asnumpy(), rtol=1e-4)


def test_when_the_averages_move():
    X = nd.random.uniform(shape=(100, 16, 784, 1))
    moved = {}
    for name, block in (("ours", g.BatchNorm()), ("gluon", nn.BatchNorm())):
        block.initialize()
        with autograd.record():
            y = block(X)
        forward = block.running_mean.data().asnumpy().copy()
        y.backward()
        moved[name] = forward, block.running_mean.data().asnumpy()
    np.testing.assert_allclose(moved["ours"][0], 0.05, atol=5e-4)
    assert not moved["gluon"][0].any()
    np.testing.assert_allclose(moved["ours"][1], moved["gluon"][1], rtol=1e-5)


def test_max_pooling_of_a_reshaped_view():
    shape, windows = (1, 1, 6, 8), 12

    def gradient(X, view):
        X.attach_grad()
        with autograd.record():
            y = nd.Pooling(view(X), kernel=(2, 2), stride=(2, 2), pool_type="max")
        y.backward()
        return X.grad.asnumpy()  # 1 at the winner of each window

    pictures = [np.random.RandomState(seed).randn(6, 8) for seed in range(20)]
    lost = [gradient(nd.array(picture), lambda X: X.reshape(shape)).sum() < windows for picture in pictures]
    assert any(lost)
    for picture in pictures:
        right = gradient(nd.array(picture[None, None]), lambda X: X)[0, 0]
        assert right.sum() == windows
        for view in (lambda X: X.reshape(shape).copy(), lambda X: X.expand_dims(0).expand_dims(0)):
            np.testing.assert_array_equal(gradient(nd.array(picture), view), right)
        X = nd.array(picture)
        X.attach_grad()
        with autograd.record():
            y = g.pool2d(X, 2)
        y.backward()
        np.testing.assert_array_equal(X.grad.asnumpy(), right)


def test_backward_of_batch_norm_in_prediction():
    X = nd.random.normal(2, 3, shape=(8, 3))

    def gradient(block, **mode):
        block.initialize()
        X.attach_grad()
        with autograd.record(train_mode=False):
            y = block(X) * nd.arange(8).reshape((8, 1))
        y.backward(**mode)
        return X.grad.asnumpy()

    right = np.tile(np.arange(8).reshape(8, 1), (1, 3)) / np.sqrt(1 + 1e-5)  # the averages are constants: 0 and 1
    np.testing.assert_allclose(gradient(g.BatchNorm()), right, rtol=1e-4)
    np.testing.assert_allclose(gradient(nn.BatchNorm(), train_mode=False), right, rtol=1e-4)
    assert np.abs(gradient(nn.BatchNorm()) - right).max() > 1
