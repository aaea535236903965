"""Networks that predict with 8-bit integers."""

import json

import gluon_cnn as g
import mxnet as mx
import numpy as np
import pytest
from gluon_cnn.cli import main as cli
from gluon_cnn.experiments import experiment
from gluon_cnn.experiments.run import Run
from gluon_cnn.networks.registry import NETWORKS
from gluon_cnn.training.prediction import predict_batches
from mxnet.gluon import nn

from tests.networks.small import ROWS, small


@pytest.fixture(scope="module")
def run():
    return experiment.experiment("lenet", num_epochs=3, learning_rate=0.02, momentum=0.9, ctx=mx.cpu(), verbose=False)


def operators(net):
    return {node["op"] for node in json.loads(net(mx.sym.var("data")).tojson())["nodes"]}


def test_predicts_what_the_floats_predict(run):
    small = run.quantize()
    assert "_contrib_quantize_v2" in operators(small.net)
    test = run.test_images()
    floats, integers = (predict_batches(test, net)[1] for net in (run.net, small.net))
    assert (floats.argmax(axis=1) == integers.argmax(axis=1)).mean() > 0.97
    assert np.abs(floats - integers).max() > 0  # it does compute with fewer bits
    assert g.evaluate_accuracy(test, small.net) == pytest.approx(run.history.test_accuracy[-1], abs=0.01)


def test_is_kept_and_found_again(run, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    run.save(tmp_path / "runs" / "lenet")
    assert cli.main(["quantize", "--run", "runs/lenet"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert [line.split(" test accuracy ")[0].strip() for line in printed[:2]] == ["32-bit floats", "8-bit integers"]
    assert printed[2] == "Saved to runs/lenet-int8"
    again = Run.load("runs/lenet-int8")
    accuracy = g.evaluate_accuracy(run.test_images(), again.net)
    assert f"{accuracy:.4f}" in printed[1]
    assert cli.main(["evaluate", "--run", "runs/lenet-int8"]) == 0
    assert f"{accuracy:.4f}" in capsys.readouterr().out
    with pytest.raises(ValueError, match="this network already computes with 8-bit integers"):
        again.quantize()
    assert cli.main(["quantize", "--run", "runs/lenet-int8"]) == 1
    (tmp_path / "runs" / "lenet-int8" / "network-symbol.json").write_text("{")
    with pytest.raises(ValueError, match="damaged"):
        Run.load("runs/lenet-int8")


def test_refuses_what_it_cannot_learn_ranges_from(run):
    for images, settings, error, words in (
        ([], {}, ValueError, "images yielded no batches"),
        (run.test_images(), {"num_batches": 0}, ValueError, "num_batches"),
        ([mx.nd.zeros((2, 1, 28, 28))], {}, TypeError, r"each batch must be a pair \(X, y\); got NDArray"),
    ):
        with pytest.raises(error, match=words):
            g.quantize(run.net, images, **settings)


def sequence(*layers):
    net = nn.HybridSequential()
    net.add(*layers)
    return net


def initialized(net, side=28):
    net.initialize(mx.init.Xavier())
    net(mx.nd.zeros((1, 1, side, side)))
    return net


def calibration(side=28, channels=1):
    X = mx.nd.random.uniform(shape=(16, channels, side, side))
    return X, mx.nd.zeros(16)


def relative_error(net, X):
    integers, floats = (block(X).asnumpy() for block in (g.quantize(net, [(X, mx.nd.zeros(len(X)))]), net))
    return np.linalg.norm(integers - floats) / np.linalg.norm(floats)


WRONG = {  # what MXNet computes wrongly
    "GELU behind a convolution": lambda: sequence(nn.Conv2D(8, 3), nn.GELU(), nn.Dense(10)),
    "GELU behind batch norm": lambda: sequence(nn.Conv2D(8, 3), nn.BatchNorm(), nn.GELU(), nn.Dense(10)),
    "GELU twice": lambda: sequence(nn.Conv2D(8, 3), nn.GELU(), nn.Conv2D(8, 3), nn.GELU(), nn.Dense(10)),
    "LeakyReLU behind a dense layer": lambda: sequence(nn.Dense(32), nn.LeakyReLU(0.2), nn.Dense(10)),
    "average pooling beyond the edge": lambda: sequence(
        nn.Conv2D(8, 3, padding=1), nn.AvgPool2D(3, 2, ceil_mode=True), nn.Dense(10)
    ),
    "Swish": lambda: sequence(nn.Conv2D(8, 3), nn.Swish(), nn.Dense(10)),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_mxnet_computes_wrongly_is_refused(name):  # 15c (mxnet#19821)
    net = initialized(WRONG[name]())
    X, y = calibration()
    expected = net(X).asnumpy()
    with pytest.raises(ValueError, match="HybridSequential cannot be quantized: ") as caught:
        g.quantize(net, [(X, y)])
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400
    mx.nd.waitall()  # tells of no error a second time
    np.testing.assert_array_equal(net(X).asnumpy(), expected)


class Sum(nn.HybridBlock):
    """A convolution added to its input; MXNet adds in place, where one may be signed and the other not."""

    def __init__(self, activation):
        super().__init__()
        self.conv, self.activation = nn.Conv2D(8, 3, padding=1), activation

    def hybrid_forward(self, F, x):
        y = self.conv(x) + x
        return F.relu(y) if self.activation else y


RIGHT = {
    "signed and unsigned": lambda: sequence(nn.Conv2D(8, 3), Sum(True), nn.Dense(10)),
    "unsigned and signed": lambda: sequence(nn.Conv2D(8, 3, activation="relu"), Sum(False), nn.Dense(10)),
    "a residual block": lambda: sequence(nn.Conv2D(8, 3), g.Residual(8), g.Residual(8, False), nn.Dense(10)),
    "GELU behind a dense layer": lambda: sequence(nn.Dense(32), nn.GELU(), nn.Dense(10)),
    "LeakyReLU behind a convolution": lambda: sequence(nn.Conv2D(8, 3), nn.LeakyReLU(0.2), nn.Dense(10)),
    "ELU": lambda: sequence(nn.Conv2D(8, 3), nn.ELU(), nn.Dense(10)),
    "PReLU": lambda: sequence(nn.Conv2D(8, 3), nn.PReLU(), nn.Dense(10)),
    "sigmoid": lambda: sequence(nn.Conv2D(8, 3, activation="sigmoid"), nn.Dense(10)),
    "groups": lambda: sequence(nn.Conv2D(8, 3), nn.Conv2D(8, 3, groups=8), nn.Dense(10)),
    "our own batch norm": lambda: sequence(nn.Conv2D(8, 3), g.BatchNorm(), nn.Activation("relu"), nn.Dense(10)),
    "maps as output": lambda: sequence(nn.Conv2D(8, 3), nn.Conv2D(4, 1)),
    "zeros as output": lambda: sequence(nn.Conv2D(8, 3), nn.Dense(10, weight_initializer="zeros")),
}


@pytest.mark.parametrize("name", RIGHT)
def test_what_mxnet_computes_rightly_is_not(name):  # 15a (mxnet#11756)
    net = initialized(RIGHT[name]())
    X, _ = calibration()
    if name == "zeros as output":
        assert np.abs(g.quantize(net, [calibration()])(X).asnumpy()).max() < 1e-3
    else:
        assert relative_error(net, X) < 0.05


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_of_the_course(name):
    side = ROWS[name].side
    assert relative_error(initialized(small(name, 10), side), calibration(side)[0]) < 0.06


def test_a_network_of_two_outputs():
    class Two(nn.HybridBlock):
        def __init__(self, activation):
            super().__init__()
            self.conv, self.activation, self.output = nn.Conv2D(8, 3), activation, nn.Dense(10)

        def hybrid_forward(self, F, x):
            x = self.activation(self.conv(x))
            return x, self.output(x)

    X, y = calibration()
    net = initialized(Two(nn.Activation("relu")))
    for integers, floats in zip(g.quantize(net, [(X, y)])(X), net(X)):
        np.testing.assert_allclose(integers.asnumpy(), floats.asnumpy(), atol=0.05 * floats.abs().max().asscalar())
    with pytest.raises(ValueError, match="Two cannot be quantized: with 8-bit integers its output for"):
        g.quantize(initialized(Two(nn.GELU())), [(X, y)])
