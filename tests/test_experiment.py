"""The notes' experiment and its command, with a network and data small enough for a test."""

import json

import gluon_cnn as g
import numpy as np
import pytest
from gluon_cnn import cli, experiment
from mxnet import nd
from mxnet.gluon import nn

pytestmark = pytest.mark.filterwarnings("ignore:using the CPU:UserWarning")  # no test needs a GPU


@pytest.fixture(autouse=True)
def forty_pictures(monkeypatch):
    def few(dataset, batch_size, resize):
        assert dataset == "sample"
        train, test = g.load_data(dataset, batch_size)
        return (g.Batches(b.images[:40], b.labels[:40], batch_size, resize, shuffle=True) for b in (train, test))

    monkeypatch.setattr(experiment, "load_data", few)


def test_a_seed_repeats_a_run_and_another_does_not():
    runs = [experiment.experiment("lenet", num_epochs=2, random_seed=seed)[1] for seed in (3, 3, 4)]
    assert runs[0].loss == runs[1].loss
    assert runs[0].loss != runs[2].loss
    assert len(runs[0]) == 2


def test_settings_reach_the_training():
    def first_loss(**settings):
        return experiment.experiment("lenet", batch_size=10, **settings)[1].loss[0]

    losses = [
        first_loss(),
        first_loss(learning_rate=0.1),
        first_loss(momentum=0.9),
        first_loss(optimizer="adam"),
        first_loss(initializer="he"),
        first_loss(resize=30),
    ]
    assert len(set(losses)) == len(losses)


def test_he_keeps_the_size_of_values_through_relus():
    """Values of variance 2/n behind each ReLU, by the paper's argument, so that their squares keep their mean."""
    size = {}
    for name, make in experiment.INITIALIZERS.items():
        g.seed(0)
        net = nn.HybridSequential()
        for _ in range(10):
            net.add(nn.Dense(400, activation="relu"))
        net.initialize(make())
        X = nd.random.normal(shape=(50, 400))
        size[name] = ((net(X) ** 2).mean() / (X**2).mean()).asscalar()
    assert 0.4 < size["he"] < 1.6
    assert size["xavier"] == pytest.approx(size["he"] / 2**10, rel=0.5)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"network": "resnett"}, "there is no network 'resnett'; choose one of lenet, alexnet, vgg, nin"),
        ({"network": "lenet", "initializer": "zero"}, "there is no initializer 'zero'; choose one of xavier, he"),
        ({"network": "lenet", "optimizer": "sgdd"}, "Cannot find optimizer sgdd"),
        ({"network": "lenet", "optimizer": "adam", "momentum": 0.9}, "the optimizer 'adam' has no momentum"),
        ({"network": "nin", "resize": 28}, "NiN needs pictures of at least 67x67; got 28x28: resize them"),
    ],
)
def test_wrong_names_and_sizes(settings, message):
    with pytest.raises(ValueError, match=message):
        experiment.experiment(**settings)


@pytest.mark.parametrize("name", experiment.NETWORKS)
def test_every_network_is_there_and_takes_pictures_of_its_smallest_size(name):
    net = experiment.NETWORKS[name](num_classes=10)
    net.initialize()
    side = net.smallest_size()
    assert net(nd.zeros((1, 1, side, side))).shape == (1, 10)


def test_the_command_trains_and_writes(tmp_path, capsys):
    path = tmp_path / "new" / "lenet.json"
    arguments = ["train", "lenet", "--epochs", "2", "--lr", "0.02", "--momentum", "0.9", "--seed", "5"]
    assert cli.main([*arguments, "--output", str(path)]) == 0
    written = json.loads(path.read_text())
    history = experiment.experiment("lenet", num_epochs=2, learning_rate=0.02, momentum=0.9, random_seed=5)[1]
    np.testing.assert_allclose(written["loss"], history.loss)
    assert {key: written[key] for key in ("network", "learning_rate", "initializer", "random_seed")} == {
        "network": "lenet",
        "learning_rate": 0.02,
        "initializer": "xavier",
        "random_seed": 5,
    }
    assert "Epoch 1. Loss" in capsys.readouterr().out


def test_the_command_names_the_right_networks(capsys):
    assert cli.main(["train", "lenett"]) == 1
    assert capsys.readouterr().err.startswith("gluon-cnn train: there is no network 'lenett'; choose one of lenet")


def test_an_output_that_cannot_be_written_is_known_before_the_training(tmp_path, capsys):
    assert cli.main(["train", "lenet", "--output", str(tmp_path)]) == 1
    captured = capsys.readouterr()
    assert "Training" not in captured.out
    assert str(tmp_path) in captured.err


def test_ctrl_c_while_loading_is_one_word(monkeypatch, capsys):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(experiment, "load_data", interrupted)
    assert cli.main(["train", "lenet"]) == 130
    assert capsys.readouterr().err == "\nstopped\n"
