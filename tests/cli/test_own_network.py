"""A network of one's own, module:function, in each command; and a run made by hand."""

from pathlib import Path

import gluon_cnn as g
import numpy as np
import pytest
from gluon_cnn.cli import main as cli
from gluon_cnn.data.description import describe
from gluon_cnn.experiments.run import Run
from mxnet import gluon, init, nd
from PIL import Image

MODULE = """
from mxnet import nd
from mxnet.gluon import nn


class Small(nn.HybridSequential):
    def __init__(self, num_classes):
        super().__init__()
        self.add(nn.Conv2D(4, 3, activation="relu"), nn.MaxPool2D(4), nn.Dense(num_classes))


def nothing(num_classes):
    return None


class Trained(nn.HybridBlock):
    def __init__(self, num_classes):
        super().__init__()
        self.features = nn.HybridSequential()
        self.features.add(nn.Conv2D(4, 3, strides=2, activation="relu"), nn.GlobalAvgPool2D(), nn.Flatten())
        self.features.initialize()
        self.features(nd.zeros((1, 3, 32, 32)))
        self.output = nn.Dense(num_classes)

    def hybrid_forward(self, F, x):
        return self.output(self.features(x))
"""


@pytest.fixture
def place(tmp_path, monkeypatch, request):
    """A folder with dark and bright images, and a module with two networks, which each test imports anew."""
    monkeypatch.chdir(tmp_path)
    for k, name in enumerate(("dark", "bright")):
        Path("photos", name).mkdir(parents=True)
        for number in range(12):
            pixels = np.random.RandomState(number).randint(100 * k, 100 * k + 100, (32, 32, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(Path("photos", name, f"{number}.png"))
    module = f"networks_{request.node.name.split('[')[0]}"
    Path(f"{module}.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    return module


def run(capsys, *words):
    status = cli.main(list(words))
    out, errors = capsys.readouterr()
    assert status == 0, errors
    return out


def test_each_command_takes_it(place, capsys):
    pytest.importorskip("onnx")
    own, image = f"{place}:Small", "photos/dark/0.png"
    photos = ["--dataset", "photos", "--resize", "32"]
    assert "Suggested: --lr" in run(capsys, "rate", own, *photos)
    assert f"--network {own}" in run(capsys, "train", own, *photos, "--epochs", "1", "--output", "run")
    run(capsys, "train", "--resume", "run", "--epochs", "2")
    chosen = ["--run", "run", "--network", own]
    assert image in run(capsys, "predict", image, *chosen)
    assert "test accuracy" in run(capsys, "evaluate", *chosen)
    run(capsys, "explain", image, "--output", "seen.png", *chosen)
    run(capsys, "export", "--output", "own.onnx", *chosen)
    run(capsys, "quantize", *chosen)
    assert "Conv2D" in run(capsys, "summary", own, "--channels", "3")
    run(capsys, "compare", own, "--dataset", "photos", "--seconds", "0.1")
    assert all(Path(name).exists() for name in ("seen.png", "own.onnx", "run-int8/network.params", "runs/comparison"))


def test_a_trained_one_is_fine_tuned(place, capsys):
    own, image = f"{place}:Trained", "photos/dark/0.png"
    words = ["--network", own, "--resize", "32", "--lr", "0.1", "--output", "tuned"]
    told = run(capsys, "finetune", "photos", *words)
    assert "Test acc 1.00, Time" in told.splitlines()[-2]
    assert run(capsys, "predict", image, "--run", "tuned", "--network", own).startswith(f"{image}: dark")


def test_it_is_named_where_it_is_missing(place, capsys):
    for network, words in (
        (f"{place}:Large", "the network networks_test_it_is_named_where_it_is_missing:Large was not found"),
        (f"{place}:nn", "network must be a function that can be called with num_classes="),
        ("os:getcwd", "network must be a function that can be called with num_classes="),
        (f"{place}:nothing", "network must return a Gluon network; got None"),
    ):
        assert cli.main(["train", network]) == 1
        assert words in capsys.readouterr().err
    assert not Path("runs").exists()


def test_a_run_made_by_hand_is_like_any_other(place, capsys):
    """As docs/commands.md shows it."""
    train, test = g.load_data("photos", 4, 28)
    net = g.LeNet(num_classes=2)
    net.initialize(init.Xavier())
    trainer = gluon.Trainer(net.collect_params(), "adam", {"learning_rate": 0.001})
    history = g.train(train, test, net, gluon.loss.SoftmaxCrossEntropyLoss(), trainer, g.try_gpu(), 2, verbose=False)
    settings = {"network": "lenet", "dataset": "photos"}
    Run(net, history, settings, train.classes, train.image_shape, describe(train, test)).save("runs/mine")
    again = Run.load("runs/mine")
    X = nd.random.uniform(shape=(2, 3, 28, 28))
    np.testing.assert_allclose(again.net(X).asnumpy(), net(X).asnumpy(), rtol=1e-5)
    assert again.history == history
    assert "photos/dark/0.png: " in run(capsys, "predict", "photos/dark/0.png")
    assert f"{history.test_accuracy[-1]:.4f}" in run(capsys, "evaluate")
