"""Each row of docs/errata.md: the notes' version fails or gives the other answer, ours does not."""

import json
import re
from pathlib import Path

import gluon_cnn as g
import mxnet as mx
import numpy as np
import pytest
from gluon_cnn.data.transforms import CenterCrop, Crop
from mxnet import autograd, nd
from mxnet.gluon import nn

with_onednn = pytest.mark.skipif(
    not mx.runtime.Features().is_enabled("MKLDNN"), reason="a fault of oneDNN, which this build of mxnet lacks"
)
OTHERS = {
    "test_each_row_has_a_test_and_each_test_a_row",
    "test_the_letters_stand_for_the_same_notes_in_lesson_00",
}
ERRATA = Path(__file__).parent.parent / "docs" / "errata.md"


def test_each_row_has_a_test_and_each_test_a_row():
    _, tables = ERRATA.read_text().split("## In the notes")
    rows = [line for line in tables.splitlines() if line.startswith("| ") and not line.startswith(("| ---", "| where"))]
    named = [re.findall(r"`(test_\w+)`", row) for row in rows]
    assert all(len(names) == 1 for names in named)
    here = {name for name in globals() if name.startswith("test_")} - OTHERS
    assert sorted(names[0] for names in named) == sorted(here)


def test_the_letters_stand_for_the_same_notes_in_lesson_00():
    lesson = json.loads((ERRATA.parent.parent / "notebooks" / "00_start_here.ipynb").read_text())
    text = "".join("".join(cell["source"]) for cell in lesson["cells"])
    rows = [re.findall(r"^\| ([A-E]) \| (.*?) \| (.*?) \|", t, re.MULTILINE) for t in (text, ERRATA.read_text())]
    assert rows[0] == rows[1]
    assert [letter for letter, *_ in rows[0]] == list("ABCDE")


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


def test_pooling_called_global():
    for make, size, channels, notes in ((g.GoogLeNet, 2, 1024, 9_216), (g.ResNet, 3, 512, 2_048)):
        for side, inputs in ((96, channels), (224, notes)):
            net, in_paper = make(10), nn.GlobalAvgPool2D()
            net.initialize()
            X = nd.zeros((1, 1, side, side))
            for block in net.blocks[:-2]:
                X = block(X)
            last = [*net.blocks[-2], *net.blocks[-1]]
            place = next(k for k, layer in enumerate(last) if isinstance(layer, nn.AvgPool2D))
            for layer in last[:place]:
                X = layer(X)
            assert last[place](X).size == inputs  # as printed, AvgPool2D(2) and AvgPool2D(3)
            assert last[place]._kwargs["kernel"] == (size, size)
            assert in_paper(X).size == channels
            net(nd.zeros((1, 1, side, side)))
            assert last[-1].weight.shape == (10, inputs)


def test_dense_layers_in_a_vgg_block():
    X = nd.zeros((2, 3, 8, 8))
    chained = nn.HybridSequential()
    chained.add(nn.Conv2D(4, 3, padding=1), nn.Dense(4), nn.Conv2D(4, 3, padding=1))
    chained.initialize()
    with pytest.raises(ValueError, match="shape cannot be inferred"):  # a dense layer leaves no height and width
        chained(X)
    block = g.vgg_block(2, 4)
    block.initialize()
    assert block(X).shape == (2, 4, 4, 4)
    assert [layer.kind for layer in g.summary(block, X.shape).layers] == ["Conv2D", "Conv2D", "MaxPool2D"]


def test_conv_block_that_is_not_defined():
    notes = """
class DenseBlock(nn.HybridBlock):
    def __init__(self, layers, growth_rate):
        super().__init__()
        self.net = nn.HybridSequential()
        self.net.add(*[conv_block(growth_rate) for _ in range(layers)])
"""
    names = {"nn": nn}
    exec(notes, names)
    with pytest.raises(NameError, match="conv_block"):
        names["DenseBlock"](2, 10)
    names["conv_block"] = g.conv_block
    assert [type(layer) for layer in names["DenseBlock"](2, 10).net[0]] == [nn.BatchNorm, nn.Activation, nn.Conv2D]


def test_descent_that_does_not_vanish():
    """Take one step of gradient descent, at a rate that changes the first layer of a ReLU network."""

    def moved(activation):
        g.seed(0)
        net, X = nn.Sequential(), nd.random.normal(shape=(64, 32))
        net.add(*[nn.Dense(32, activation=activation) for _ in range(10)])
        net.initialize(mx.init.Xavier())
        with autograd.record():
            y = (net(X) ** 2).mean()
        before = [layer.weight.data().copy() for layer in net]
        y.backward()
        gradients = [layer.weight.grad().norm().asscalar() for layer in net]
        mx.gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 1}).step(1)
        steps = [(layer.weight.data() - old).norm().asscalar() for layer, old in zip(net, before)]
        np.testing.assert_allclose(steps[-1], gradients[-1], rtol=1e-3)  # the descent follows the gradient
        return gradients[0] / gradients[-1], steps[0] / steps[-1]

    # the same descent in both: what vanishes on the way to the first layer is the gradient, and the step with it
    sigmoid, relu = moved("sigmoid"), moved("relu")
    assert max(sigmoid) < 1e-4 < 0.1 < min(relu)


def test_running_mean_near_one_half():
    X = nd.random.uniform(shape=(100, 16, 784))
    values = X.asnumpy()
    assert values.var() == pytest.approx(1 / 12, abs=1e-3)  # not near 1
    assert values.std() == pytest.approx(0.2887, abs=1e-3)  # the root of it, which is not a variance
    mean, variance = nd.zeros(16), nd.ones(16)
    for step in range(1, 41):
        g.batch_norm(X, nd.ones(16), nd.zeros(16), True, mean, variance)
        if step == 1:
            first = mean.asnumpy()
    np.testing.assert_allclose(first, 0.05, atol=5e-4)  # a tenth of one half, not near it
    np.testing.assert_allclose(mean.asnumpy(), 0.5, atol=0.01)
    np.testing.assert_allclose(variance.asnumpy(), 1 / 12, atol=0.02)


def test_size_without_the_floor():
    conv = nn.Conv2D(1, kernel_size=3, strides=2, padding=1)
    conv.initialize()
    assert (100 + 2 - 3) / 2 + 1 == 50.5
    assert conv(nd.zeros((1, 1, 100, 100))).shape[2:] == g.conv_output_size((100, 100), 3, 2, 1) == (50, 50)


def test_blur_with_ones():
    image = nd.random.uniform(shape=(20, 20))
    ones, mean = (g.corr2d(image, nd.full((5, 5), weight)).asnumpy() for weight in (1, 1 / 25))
    assert ones.min() > image.max().asscalar()  # brighter than white everywhere
    assert image.min().asscalar() < mean.min() < mean.max() < image.max().asscalar()
    np.testing.assert_allclose(ones, 25 * mean, rtol=1e-4)


def test_mean_and_deviation_swapped():
    column = np.arange(1, 10).reshape(3, 3)[:, 0]
    printed = {"mean": 2.4494898, "standard deviation": 4.0}  # in the notes
    mean, deviation = column.mean(), column.std()
    assert (mean, deviation) == (4, pytest.approx(printed["mean"]))
    swapped, ours = (column - printed["mean"]) / printed["standard deviation"], (column - mean) / deviation
    assert (ours.mean(), ours.std()) == (pytest.approx(0), pytest.approx(1))
    assert abs(swapped.mean()) > 0.3
    X = nd.arange(1, 10).reshape((3, 3))
    np.testing.assert_allclose(g.pure_batch_norm(X, nd.ones(3), nd.zeros(3))[:, 0].asnumpy(), ours, rtol=1e-4)


def test_size_of_a_crop():
    photo = nd.zeros((300, 450, 3))
    for crop in (mx.image.RandomCropAug, mx.image.CenterCropAug):
        assert g.apply_aug_list(photo, [crop((200, 300))]).shape == (300, 200, 3)  # notes D mean 200 rows
        assert g.apply_aug_list(photo, [crop((300, 200))]).shape == (200, 300, 3)
    batch = np.zeros((1, 3, 300, 450), np.float32)  # the course's own crops take (height, width)
    for own in (Crop((200, 300)), CenterCrop((200, 300))):
        assert own(batch, np.random.RandomState(0)).shape == (1, 3, 200, 300)


def test_five_random_crops():
    g.seed(0)
    img, net = nd.random.uniform(shape=(12, 12, 1)), nn.Dense(3)
    net.initialize(mx.init.Normal(1))

    def notes():
        crops = [g.apply_aug_list(img, [mx.image.RandomCropAug((8, 8))]).transpose((2, 0, 1)) for _ in range(5)]
        return net(nd.stack(*crops)).softmax().mean(axis=0).asnumpy()

    assert len({notes().tobytes() for _ in range(8)}) > 1  # the same image, other predictions
    assert len({g.five_crop_predict(net, img, 8).asnumpy().tobytes() for _ in range(8)}) == 1


def test_one_letter_for_source_and_target():
    net = nn.HybridSequential()
    net.add(nn.Dense(4, activation="relu"), nn.Dense(8))  # trained on a source with eight classes
    net.initialize()
    X, y = nd.random.normal(shape=(6, 5)), nd.array([0, 1, 0, 1, 0, 1])
    source_classes, target_classes = net(X).shape[1], int(y.max().asscalar()) + 1
    assert source_classes != target_classes  # "as many outputs as S has classes" is one of the two, and S is both
    g.finetune(net, [(X, y)], [(X, y)], target_classes, num_epochs=1, verbose=False)
    assert net(X).shape == (6, target_classes)


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
