"""Fine-tuning: what is kept is kept, what is frozen does not move, the new layer learns faster."""

import functools

import gluon_cnn as g
import numpy as np
import pytest
from gluon_cnn.networks.registry import NETWORKS
from gluon_cnn.training import fine_tuning
from mxnet import autograd, gluon, init, lr_scheduler, nd
from mxnet.gluon import nn
from mxnet.gluon.model_zoo import model_store

from tests.networks.small import ROWS, small


def trained(make=g.LeNet, side=28, **settings):
    """A network that has seen pictures; small random ones are enough to move all of it."""
    net = make(num_classes=8, **settings)
    net.initialize(init.Xavier())
    net(nd.random.uniform(shape=(2, 1, side, side)))
    return net


def few(side=28, classes=2):
    rng = np.random.RandomState(0)
    return g.Batches(rng.rand(8, side, side).astype(np.float32), np.arange(8) % classes, 4)


def values(net):
    return {name: p.data().asnumpy() for name, p in net._collect_params_with_prefix().items()}


@pytest.mark.parametrize("name", [name for name in NETWORKS if name != "nin_bn"])  # which ends with batch norm
def test_every_network_gets_a_new_output_and_keeps_the_rest(name):
    side = ROWS[name].side
    net = trained(functools.partial(small, name), side)
    net.hybridize()
    net(nd.zeros((1, 1, side, side)))
    before = values(net)
    layer = fine_tuning.new_output(net, 3)
    assert net(nd.zeros((1, 1, side, side))).shape == (1, 3)
    after = values(net)
    assert list(after) == list(before)
    changed = [key for key in before if not np.array_equal(before[key], after[key])]
    new = {p.name for p in layer.collect_params().values()}
    assert {net._collect_params_with_prefix()[key].name for key in changed} <= new
    assert np.abs(layer.weight.data().asnumpy()).max() > 0
    assert not layer.bias.data().asnumpy().any()


def test_a_layer_known_under_two_names_is_replaced_under_both():
    class Twice(nn.HybridBlock):
        def __init__(self):
            super().__init__()
            self.output = nn.Dense(8, in_units=4)
            self.head = nn.HybridSequential()
            self.head.add(nn.Flatten(), self.output)

        def hybrid_forward(self, F, x):
            return self.head(x)

    net = Twice()
    net.initialize()
    new = fine_tuning.new_output(net, 2)
    assert net(nd.zeros((3, 4))).shape == (3, 2)
    assert net.output is new
    assert net.head[1] is new


def test_a_refused_call_leaves_the_network():
    net = trained()
    for settings in ({"momentum": 2}, {"num_epochs": 0}):
        with pytest.raises(ValueError, match="must be"):
            g.finetune(net, few(), few(), 2, **settings)
    with pytest.raises(ValueError, match="train_data has 3 classes, 0, 1, 2; num_classes is 2"):
        g.finetune(net, few(classes=3), few(), 2)
    assert net(nd.zeros((1, 1, 28, 28))).shape == (1, 8)


def test_only_the_new_layer_moves_when_the_rest_is_frozen():
    net = trained(g.ResNet, 75, init_channels=4)
    before = values(net)
    history = g.finetune(net, few(75), few(75), 2, num_epochs=2, frozen=True, verbose=False)
    after = values(net)
    moved = [key for key in before if before[key].shape != after[key].shape or (before[key] != after[key]).any()]
    assert moved == ["blocks.5.2.weight", "blocks.5.2.bias"]
    assert len(history) == 2


def test_frozen_batch_norm_predicts_and_thaws():  # 14a (keras-apache-mxnet PR#252)
    X = nd.random.normal(3, 2, shape=(6, 4, 5, 5))
    X.attach_grad()
    norm = nn.BatchNorm(in_channels=4)
    norm.initialize()
    norm.hybridize()

    def in_training():
        with autograd.record():
            y = norm(X)
        y.backward()
        return y.asnumpy()

    assert abs(in_training().mean()) < 1e-3
    fine_tuning.freeze(norm)
    mean = norm.running_mean.data().asnumpy()
    np.testing.assert_allclose(in_training(), norm(X).asnumpy(), rtol=1e-5)
    np.testing.assert_array_equal(norm.running_mean.data().asnumpy(), mean)
    fine_tuning.freeze(norm, False)
    assert abs(in_training().mean()) < 1e-3
    assert (norm.running_mean.data().asnumpy() != mean).all()


def test_our_own_batch_norm_cannot_be_frozen():
    with pytest.raises(ValueError, match=r"build the network with nn\.BatchNorm to freeze it"):
        fine_tuning.freeze(g.BatchNorm(in_channels=3))


@pytest.mark.parametrize("mult", [1.0, 10.0])
def test_the_new_layers_rate_is_larger(mult):
    """One step of gradient descent without momentum: the change is the gradient times the rate."""
    net = trained()
    data = few()
    g.seed(1)
    g.finetune(net, data, data, 2, num_epochs=1, learning_rate=0, output_lr_mult=mult, verbose=False)
    batch = next(iter(data))
    loss = gluon.loss.SoftmaxCrossEntropyLoss()
    with autograd.record():
        cost = loss(net(batch[0]), batch[1]).mean()
    cost.backward()
    before = values(net)
    gradients = {name: p.grad().asnumpy() for name, p in net._collect_params_with_prefix().items()}
    trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1})
    trainer.step(1)
    nd.waitall()
    for name, value in values(net).items():
        factor = 0.1 * (mult if name.startswith("output") else 1)
        np.testing.assert_allclose(before[name] - value, factor * gradients[name], rtol=1e-3, atol=1e-6)


def test_a_schedule_decides_the_rate():
    net, data = trained(), few()
    before = values(net)
    g.finetune(net, data, data, 2, schedule=lr_scheduler.FactorScheduler(4, base_lr=0, stop_factor_lr=0), verbose=False)
    kept = {key: value for key, value in values(net).items() if not key.startswith("output")}
    for key, value in kept.items():
        np.testing.assert_array_equal(value, before[key])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: fine_tuning.new_output(g.LeNet(), 2), "LeNet has no weights yet: train it or load its parameters"),
        (lambda: fine_tuning.new_output(nn.BatchNorm(), 2), "BatchNorm ends with NoneType, neither a dense layer nor"),
        (lambda: fine_tuning.new_output(trained(g.NiN, 67, batch_norm=True), 2), "NiN ends with BatchNorm, neither"),
        (lambda: fine_tuning.new_output(trained(), 0), "num_classes must be at least 1; got 0"),
        (lambda: g.finetune(trained(), few(), few(), 2, learning_rate=-1), "learning_rate must be at least 0; got -1"),
        (lambda: fine_tuning.zoo_network("resnet18"), "no network 'resnet18'; choose one of alexnet, densenet121"),
    ],
)
def test_wrong_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_the_zoo_says_which_weights_it_has(tmp_path, monkeypatch, capsys):
    file = f"resnet18_v2-{model_store.short_hash('resnet18_v2')}.params"
    net = fine_tuning.zoo_network(root=tmp_path)
    assert f"resnet18_v2: random weights; {file} is not on disk" in capsys.readouterr().out
    assert repr(net.output) == "Dense(512 -> 1000, linear)"
    net(nd.zeros((1, 3, 32, 32)))
    (tmp_path / file).write_bytes(b"cut off")
    fine_tuning.zoo_network(root=tmp_path)
    assert f"random weights; {file} is damaged" in capsys.readouterr().out
    net.save_parameters(str(tmp_path / file))
    monkeypatch.setitem(model_store._model_sha1, "resnet18_v2", sha1(tmp_path / file))
    monkeypatch.setattr(model_store, "short_hash", lambda name: file.split("-")[1].split(".")[0])
    again = fine_tuning.zoo_network(root=tmp_path)
    assert capsys.readouterr().out == f"resnet18_v2: weights trained on ImageNet, from {file}\n"
    for kept, loaded in zip(values(net).values(), values(again).values()):
        np.testing.assert_array_equal(kept, loaded)


def sha1(path):
    import hashlib

    return hashlib.sha1(path.read_bytes()).hexdigest()


def test_no_download_unasked_and_one_message_when_it_fails(tmp_path, monkeypatch):
    asked = []

    def refuse(name, root):
        asked.append(name)
        raise ConnectionError("no route to host")

    monkeypatch.setattr("mxnet.gluon.model_zoo.model_store.get_model_file", refuse)
    fine_tuning.zoo_network(root=tmp_path)
    assert not asked
    with pytest.raises(OSError, match=r"weights of resnet18_v2 could not be downloaded \(ConnectionError\): no route"):
        fine_tuning.zoo_network(root=tmp_path, download=True)
    assert asked == ["resnet18_v2"]


def test_what_was_frozen_is_trained_in_the_second_phase():  # 14b (NIH-Chest-X-Rays#5)
    net = trained(g.ResNet, 75, init_channels=4)
    g.finetune(net, few(75), few(75), 2, num_epochs=1, frozen=True, verbose=False)
    before = values(net)
    g.finetune(net, few(75), few(75), 2, num_epochs=1, verbose=False)
    after = values(net)
    assert not [key for key in before if np.array_equal(before[key], after[key]) and not key.endswith("bias")]
    assert {p.grad_req for p in net.collect_params().values() if p._differentiable} == {"write"}


def test_our_own_batch_norm_is_no_hindrance_to_training_all():
    net = nn.HybridSequential()
    net.add(nn.Conv2D(4, 3), g.BatchNorm(), nn.Dense(8))
    net.initialize()
    net(nd.zeros((2, 1, 28, 28)))
    assert len(g.finetune(net, few(), few(), 2, num_epochs=1, verbose=False)) == 1


def test_a_zoo_network_takes_a_parameter_file(tmp_path, capsys):
    """As GluonCV distributes resnet18_v2: by the names of the structure."""
    known = fine_tuning.zoo_network("resnet18_v2", root=tmp_path)
    known.save_parameters(str(tmp_path / "resnet18_v2-abc.params"))
    net = fine_tuning.zoo_network("resnet18_v2", file=tmp_path / "resnet18_v2-abc.params")
    assert "weights from" in capsys.readouterr().out
    X = nd.random.uniform(shape=(1, 3, 64, 64))
    np.testing.assert_array_equal(net(X).asnumpy(), known(X).asnumpy())
    with pytest.raises(ValueError, match=r"resnet18_v2-abc\.params"):
        fine_tuning.zoo_network("resnet34_v2", file=tmp_path / "resnet18_v2-abc.params")
