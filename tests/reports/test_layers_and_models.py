"""What people met elsewhere, on small inputs of our own: layers, networks, their files and copies.

A comment names a public report of the kind: a number in our list, and the issue of another project.
"""

import copy
import subprocess
import sys

import gluon_cnn as g
import mxnet as mx
import numpy as np
import pytest
from gluon_cnn.networks.loading import load_weights
from gluon_cnn.plots import predictions
from gluon_cnn.training.prediction import predict_batches
from matplotlib import pyplot as plt
from mxnet import autograd, gluon, nd
from mxnet.gluon import nn

LOSS = gluon.loss.SoftmaxCrossEntropyLoss()


def images(count=4, side=28, channels=1):
    return nd.random.uniform(shape=(count, channels, side, side)), nd.array(np.arange(count) % 2)


def sequence(*layers):
    net = nn.HybridSequential()
    net.add(*layers)
    net.initialize(mx.init.Xavier())
    net(images()[0])
    return net


def values(net):
    return {key: p.data().asnumpy() for key, p in net._collect_params_with_prefix().items()}


def lenet(classes=2):
    net = g.LeNet(classes)
    net.initialize()
    net(images()[0])
    return net


# 13b (Text_Classification#8): probabilities where classes are expected
def test_a_confusion_matrix_of_probabilities():
    predictions.plot_confusion([0, 1, 1], np.array([[0.9, 0.1], [0.4, 0.6], [0.8, 0.2]]), ["cup", "bowl"])
    np.testing.assert_array_equal(plt.gca().images[0].get_array(), [[1, 0], [1, 1]])


# 14a (keras-apache-mxnet PR#252): frozen batch norm moves its averages
def test_frozen_batch_norm_stays():
    net = sequence(nn.Conv2D(4, 3), nn.BatchNorm(), nn.Activation("relu"), nn.Dense(5))
    before = values(net)
    g.finetune(net, [images()], [images()], 2, num_epochs=2, frozen=True, verbose=False)
    moved = {
        key
        for key, p in net._collect_params_with_prefix().items()
        if not np.array_equal(p.data().asnumpy(), before[key])
    }
    assert moved == {"3.weight", "3.bias"}


# 14b (NIH-Chest-X-Rays#5): the second phase of fine-tuning is still frozen
def test_the_second_phase_of_fine_tuning_trains_all():
    net = sequence(nn.Conv2D(4, 3), nn.BatchNorm(), nn.Activation("relu"), nn.Dense(5))
    g.finetune(net, [images()], [images()], 2, num_epochs=1, frozen=True, verbose=False)
    before = values(net)
    g.finetune(net, [images()], [images()], 2, num_epochs=1, verbose=False)
    after = values(net)
    for key in ("0.weight", "1.gamma", "1.beta", "1.running_mean", "1.running_var", "3.weight"):
        assert not np.array_equal(before[key], after[key]), key


# 15a (mxnet#11756): answers in 8 bits differ; here of a network whose sums MXNet computes wrongly
def test_8_bits_answer_what_floats_answer():
    X, y = images(8)
    net = sequence(nn.Conv2D(8, 3), g.Residual(8), nn.Dense(4))
    integers, floats = g.quantize(net, [(X, y)])(X).asnumpy(), net(X).asnumpy()
    assert np.linalg.norm(integers - floats) < 0.05 * np.linalg.norm(floats)


# 15c (mxnet#19821): an activation that is merged with the layer in front of it
@pytest.mark.parametrize("front", [nn.Conv2D, nn.Dense], ids=["convolution", "dense"])
def test_an_activation_that_8_bits_lose_is_refused(front):
    layers = [nn.Conv2D(8, 3), nn.GELU()] if front is nn.Conv2D else [nn.Dense(32), nn.LeakyReLU(0.2)]
    with pytest.raises(ValueError, match="cannot be quantized: with 8-bit integers its output for the"):
        g.quantize(sequence(*layers, nn.Dense(4)), [images(8)])


# 24 (mxnet#19609): NumPy mode beside NDArrays
def test_numpy_mode_is_named():
    net = lenet()
    mx.npx.set_np()
    try:
        with pytest.raises(TypeError, match=r"npx.set_np\(\), is on: call mx.npx.reset_np\(\)"):
            net(images()[0])
    finally:
        mx.npx.reset_np()


# 26b (mxnet#9916): sums of float16 beyond 65504
def test_batch_norm_in_half_precision():
    X = np.random.RandomState(0).normal(30, 12, (32, 2, 40, 40)).astype(np.float16)
    exact = X.astype(np.float64)
    mean, variance = exact.mean((0, 2, 3), keepdims=True), exact.var((0, 2, 3), keepdims=True)
    expected = (exact - mean) / np.sqrt(variance + 1e-5)
    block = g.BatchNorm()
    block.initialize()
    block.cast("float16")
    ones, zeros = nd.ones(2, dtype="float16"), nd.zeros(2, dtype="float16")
    with autograd.train_mode():
        outputs = [
            g.pure_batch_norm(nd.array(X, dtype="float16"), ones, zeros),
            g.batch_norm(nd.array(X, dtype="float16"), ones, zeros, True, zeros.copy(), ones.copy()),
            block(nd.array(X, dtype="float16")),
        ]
    for output in outputs:
        assert output.dtype == np.float16
        np.testing.assert_allclose(output.asnumpy(), expected, atol=3e-3)


# 28a (mxnet#10544): a file that lacks a parameter. 28c: under python -O
def test_a_file_that_lacks_a_layer(tmp_path):
    net, path = lenet(), tmp_path / "lenet.params"
    net.save_parameters(str(path))
    arrays = nd.load(str(path))
    nd.save(str(path), {name: array for name, array in arrays.items() if name != "output.weight"})
    program = (
        "import sys, gluon_cnn, mxnet\nfrom gluon_cnn.networks.loading import load_weights\n"
        "load_weights(gluon_cnn.LeNet(2), sys.argv[1], mxnet.cpu())"
    )
    done = subprocess.run([sys.executable, "-O", "-c", program, path], capture_output=True, text=True, check=False)
    assert done.stderr.splitlines()[-1] == f"ValueError: {path} does not fit LeNet: the file lacks output.weight"


# 28b, 43b: names as collect_params().save and export write them
def test_names_by_layer_are_read(tmp_path):
    net, X = lenet(), images()[0]
    net.collect_params().save(str(tmp_path / "layers.params"))
    _, exported = g.export_symbol(net, tmp_path / "net", X.shape)
    for path in (tmp_path / "layers.params", exported):
        other = g.LeNet(2)
        load_weights(other, path, mx.cpu())
        np.testing.assert_array_equal(other(X).asnumpy(), net(X).asnumpy())


# 29b (mxnet.apache.org reshape_transpose tutorial): channels last
def test_channels_last_is_named():
    X, y = images(2, 224, 3)
    net = g.ResNet(10, init_channels=2)
    net.initialize()
    last = X.transpose((0, 2, 3, 1))
    for call in (net, lambda X: predict_batches([(X, y)], net)):
        with pytest.raises(ValueError, match=r"channels first.* pass x.transpose\(\(0, 3, 1, 2\)\)"):
            call(last)


# 30b (matplotlib PR#1919): figures stay open
def test_figures_are_closed():
    plt.ioff()
    for _ in range(3):
        g.show_images(images()[0], 1, 4)
        predictions.plot_confusion([0, 1], [0, 0], ["cup", "bowl"])
    assert plt.get_fignums() == []


# 31b: a parameter of no layer
def test_a_token_is_named():
    net = sequence(nn.Dense(3))
    state = {"embed.cls_token": np.zeros((1, 1, 8)), "head.weight": np.ones((3, 784)), "head.bias": np.ones(3)}
    with pytest.raises(ValueError, match=r"PyTorch's embed.cls_token \(parameter 1x1x8\); strict=False"):
        g.load_torch_state(net, state)


# (own): copies, summaries and exports after hybridizing
def test_a_copy_of_a_hybridized_network():
    net, (X, y) = lenet(), images()
    net.hybridize(static_alloc=True)
    expected = net(X).asnumpy()
    other = copy.deepcopy(net)
    np.testing.assert_array_equal(other(X).asnumpy(), expected)
    assert g.summary(other, X.shape).parameters == g.summary(net, X.shape).parameters
    small = g.quantize(other, [(X, y)])
    np.testing.assert_array_equal(copy.deepcopy(small)(X).asnumpy(), small(X).asnumpy())
