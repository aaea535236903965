"""Each row of docs/errata.md: the notes' version fails or gives the other answer, ours does not."""

import re
from pathlib import Path

import gluon_cnn as g
import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd, nd
from mxnet.gluon import nn

with_onednn = pytest.mark.skipif(
    not mx.runtime.Features().is_enabled("MKLDNN"), reason="a fault of oneDNN, which this build of mxnet lacks"
)
ERRATA = Path(__file__).parent.parent / "docs" / "errata.md"


def test_each_row_has_a_test_and_each_test_a_row():
    _, tables = ERRATA.read_text().split("## In the notes")
    rows = [line for line in tables.splitlines() if line.startswith("| ") and not line.startswith(("| ---", "| where"))]
    named = [re.findall(r"`(test_\w+)`", row) for row in rows]
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


def test_batch_norm_misspelt():
    with pytest.raises(AttributeError, match="BathNorm"):
        nn.BathNorm()
    assert isinstance(g.Residual(3).bn1, nn.BatchNorm)


def test_both_convolutions_with_a_stride():
    X = nd.zeros((4, 3, 6, 6))
    convs = nn.HybridSequential()
    convs.add(nn.Conv2D(8, 3, strides=2, padding=1), nn.Conv2D(8, 3, strides=2, padding=1))
    shortcut = nn.Conv2D(8, 1, strides=2)
    for block in (convs, shortcut):
        block.initialize()
    assert (convs(X).shape, shortcut(X).shape) == ((4, 8, 2, 2), (4, 8, 3, 3))
    with pytest.raises(mx.MXNetError, match="[Ss]hape"):
        (convs(X) + shortcut(X)).wait_to_read()
    block = g.Residual(8, same_shape=False)
    block.initialize()
    assert block(X).shape == (4, 8, 3, 3)


def test_layer_and_layers():
    def notes(block_layers):
        return [range(layers) for layer in block_layers]  # noqa: F821

    with pytest.raises(NameError, match="layers"):
        notes((6, 12, 24, 16))
    assert len(g.DenseNet(block_layers=(2, 3)).features[4].net) == 2


def test_pooling_of_size_one():
    net = g.DenseNet(growth_rate=4, init_channels=8)
    net.initialize()
    maps, notes = net.features[:-2], nn.AvgPool2D(1)
    for side, kept in ((32, 1), (64, 4)):
        X = nd.random.uniform(shape=(2, 1, side, side))
        for layer in maps:
            X = layer(X)
        assert notes(X).size == kept * X.shape[0] * X.shape[1]
        ours = net.features[-1](net.features[-2](X))
        assert ours.shape == X.shape[:2]
        if kept == 1:
            np.testing.assert_array_equal(ours.asnumpy(), notes(X)[:, :, 0, 0].asnumpy())


def test_layers_of_densenet():
    def weighted(net, shape):
        net.initialize()
        return sum(layer.kind in ("Conv2D", "Dense") for layer in g.summary(net, shape).layers)

    assert weighted(g.DenseNet(), (1, 1, 32, 32)) == 1 + (6 + 12 + 24 + 16) + 3 + 1 == 63
    bottlenecks = mx.gluon.model_zoo.vision.densenet121()
    assert weighted(bottlenecks, (1, 3, 224, 224)) == 1 + 2 * (6 + 12 + 24 + 16) + 3 + 1 == 121


def test_relu_in_block_2():
    X = nd.random.uniform(shape=(2, 3, 64, 64))
    smallest = {}
    for relu in (False, True):
        net = g.GoogLeNet(2, relu=relu)
        net.initialize(mx.init.Xavier())
        smallest[relu] = net.blocks[1](net.blocks[0](X)).min().asscalar()
    assert smallest[False] < 0 <= smallest[True]


def test_first_convolution_of_resnet():
    X = nd.zeros((1, 3, 96, 96))
    net, paper = g.ResNet(10), mx.gluon.model_zoo.vision.resnet18_v1()
    for each in (net, paper):
        each.initialize()
    first = paper.features[:3]
    assert [type(layer) for layer in first] == [nn.Conv2D, nn.BatchNorm, nn.Activation]
    assert first[0](X).shape == (1, 64, 48, 48)
    assert net.blocks[0](X).shape == (1, 64, 45, 45)
    assert [type(layer) for layer in net.blocks[0]] == [nn.Conv2D]
    assert "padding" in g.ResNet.__doc__


def test_inception_of_1x1_kernels():
    """The gradient of one output value reaches as far as the block sees."""

    def seen(path, shape=(1, 3, 9, 9)):
        path.initialize(mx.init.Uniform(1))
        X = nd.random.uniform(1, 2, shape=shape)
        X.attach_grad()
        with autograd.record():
            y = path(X)[0, :, 4, 4].sum()
        y.backward()
        return int((X.grad.abs().sum(axis=(0, 1, 2)) > 0).sum().asscalar())

    def notes(kernel):
        path = nn.HybridSequential()
        path.add(nn.Conv2D(4, 1), nn.Conv2D(4, kernel))
        return path

    assert seen(notes(1)) == 1
    ours = g.Inception(16, 16, 16, 16, 16, 16)
    assert [seen(path) for path in (ours.path1, ours.path2, ours.path3)] == [1, 3, 5]


def test_channals():
    def notes(num_convs, channals):
        return [nn.Conv2D(channels, 3) for _ in range(num_convs)]  # noqa: F821

    with pytest.raises(NameError, match="channels"):
        notes(2, 64)
    assert len(g.vgg_block(2, channels=64)) == 3


def test_bytes_without_a_sign():
    img = nd.array([[[0, 127, 128], [200, 254, 255]]], dtype="uint8")
    bright = img.asnumpy() > 127
    assert bright.any()
    assert (img.astype("int8").asnumpy()[bright] < 0).all()
    augmented = g.apply_aug_list(img, [])
    assert augmented.dtype == np.float32
    np.testing.assert_array_equal(augmented.asnumpy(), img.asnumpy())


@with_onednn
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


@with_onednn
def test_max_pooling_in_prediction():
    pictures = np.random.RandomState(0).randn(20, 2, 3, 8, 8)

    def right(function, values, train_mode):
        X = nd.array(values)
        X.attach_grad()
        with autograd.record(train_mode=train_mode):
            y = function(X)
        y.backward(train_mode=train_mode)
        winners = nd.UpSampling(y, scale=2, sample_type="nearest") == X
        return np.array_equal(X.grad.asnumpy(), winners.asnumpy())

    def gluons(X):
        return nd.Pooling(X, kernel=(2, 2), stride=(2, 2), pool_type="max")

    def ours(X):
        return nd.stack(*[nd.stack(*[g.pool2d(channel, 2) for channel in picture]) for picture in X])

    # The winners are read from memory that prediction does not write: what is there is another picture's, or anything.
    assert not all(right(gluons, values, train_mode=False) for values in pictures)
    assert all(right(gluons, values, train_mode=True) for values in pictures)
    for mode in (True, False):
        assert right(ours, pictures[0], train_mode=mode)


@with_onednn
def test_concatenation_of_odd_widths(monkeypatch):
    def train():
        g.seed(0)
        net = g.DenseNet(3, init_channels=24, growth_rate=10, block_layers=(4, 4))
        net.initialize(mx.init.Xavier())
        with autograd.record():
            y = net(nd.random.uniform(shape=(2, 1, 40, 40)))
        y.backward()
        return net.features[0].weight.grad().asnumpy()

    assert np.abs(train()).max() > 0
    monkeypatch.setattr("gluon_cnn.networks.densenet.concatenate", lambda F, arrays, widths: F.concat(*arrays, dim=1))
    with pytest.raises(mx.MXNetError, match="could not construct a sub-memory"):
        train()


def test_batch_norm_of_other_channels():
    X = nd.random.normal(3, 2, shape=(4, 3))
    for hybridized in (False, True):
        theirs, ours = nn.BatchNorm(in_channels=2), g.BatchNorm(in_channels=2)
        for block in (theirs, ours):
            block.initialize()
            block.hybridize(hybridized)
        assert theirs(X).shape == X.shape  # no error, and nobody knows what the third column is
        with pytest.raises(ValueError, match="BatchNorm has weights for 2 channels; got 3"):
            ours(X)


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
