"""Training of any network resumes bit for bit, however often the network was created before."""

import functools
import re

import gluon_cnn as g
import mxnet as mx
import numpy as np
import pytest
from gluon_cnn._core.record import read_archive
from gluon_cnn.experiments import choices
from hypothesis import given, settings
from hypothesis import strategies as st
from mxnet import gluon, lr_scheduler
from mxnet.gluon import nn

from tests.training.test_checkpoint import LABELS, PICTURES, assert_equal, trained

CHANNELS = 4
TWO = [mx.cpu(0), mx.cpu(1)]


class Branches(nn.HybridBlock):
    """Two paths in blocks of their own, added up; the second uses the first's weights once more."""

    def __init__(self, shared):
        super().__init__()
        with self.name_scope():
            self.first = nn.Conv2D(CHANNELS, 3, padding=1)
            self.inner = nn.HybridSequential()
            self.inner.add(nn.Conv2D(CHANNELS, 1), nn.BatchNorm(), nn.Conv2D(CHANNELS, 1))
            self.second = nn.Conv2D(CHANNELS, 3, padding=1, params=self.first.params if shared else None)

    def hybrid_forward(self, F, x):
        x = F.relu(self.first(x) + self.inner(x))
        return self.second(x)


LAYERS = {
    "conv": lambda: nn.Conv2D(CHANNELS, 3, padding=1, activation="relu"),
    "conv, no bias": lambda: nn.Conv2D(CHANNELS, 1, use_bias=False),
    "batch norm": nn.BatchNorm,
    "our batch norm": g.BatchNorm,
    "branches": lambda: Branches(False),
    "shared branches": lambda: Branches(True),
    "prelu": nn.PReLU,
    "dropout": lambda: nn.Dropout(0.3),
    "block": lambda: nested(nn.Conv2D(CHANNELS, 1), nested(nn.BatchNorm(), nn.Conv2D(CHANNELS, 1))),
}


def nested(*layers):
    net = nn.HybridSequential()
    net.add(*layers)
    return net


def network(names, frozen=(), ctx=None):
    net = nested(nn.Conv2D(CHANNELS, 3, padding=1), *(LAYERS[name]() for name in names), nn.Dense(3))
    for k in frozen:
        net[k].collect_params().setattr("grad_req", "null")
    net.initialize(mx.init.Xavier(), ctx=ctx)
    net.hybridize(static_alloc=True)
    return net


def made(names, optimizer="adam", frozen=(), before=0, ctx=None, **arguments):
    """Return data, network and trainer as a process would that has already made ``before`` groups of layers."""
    with mx.name.NameManager():  # numbers the layers from 0, as a new process does
        for _ in range(before):
            nested(nn.Conv2D(1, 1), nn.BatchNorm(), g.BatchNorm(), nn.Dense(1), nn.PReLU(), Branches(True))
        g.seed(1)
        net = network(names, frozen, ctx)
    data = g.Batches(PICTURES, LABELS, 8, shuffle=True)
    arguments = {"learning_rate": 0.01, **{k: v() if callable(v) else v for k, v in arguments.items()}}
    return data, net, gluon.Trainer(net.collect_params(), optimizer, arguments)


def weights_of(net):
    return {name: p.list_data() for name, p in net._collect_params_with_prefix().items()}


def train(made, num_epochs, folder, ctx=None):
    """Train; return history, weights and all that the checkpoint holds of the optimizer."""
    history, _ = trained(num_epochs, folder, made, ctx)
    weights = {name: [array.asnumpy() for array in arrays] for name, arrays in weights_of(made[1]).items()}
    record, arrays = read_archive((folder / f"epoch-{num_epochs:04}.npz").read_bytes(), folder)
    return history.loss, weights, record["state"], arrays


def assert_alike(one, other):
    assert one[0] == other[0]
    for name, arrays in one[1].items():
        for a, b in zip(arrays, other[1][name]):
            np.testing.assert_array_equal(a, b, err_msg=name)
    assert one[2] == other[2]
    assert_equal(one[3], other[3])


def check(tmp_path, make, epochs=(1, 2), before=(0, 1), ctx=None):
    straight = train(make(), epochs[-1], tmp_path / "straight", ctx)
    for count, num_epochs in zip((*before, 0), epochs):
        resumed = train(make(before=count), num_epochs, tmp_path / "resumed", ctx)
    assert_alike(resumed, straight)
    assert np.isfinite(straight[0]).all()


TWELVE = ["conv, no bias"] * 10 + ["batch norm", "conv"]


@pytest.mark.parametrize("optimizer", sorted(choices.optimizers()))
def test_twelve_convolutions_with_every_optimizer(tmp_path, optimizer):
    """Their 12 have names of which conv10 comes before conv2, and of the second network conv12 before conv2."""
    check(tmp_path, functools.partial(made, TWELVE, optimizer), before=(1, 2))


SETTINGS = {
    "momentum": dict(optimizer="sgd", momentum=0.9, wd=0.01),
    "nag": dict(optimizer="nag", momentum=0.9),
    "lars with a schedule": dict(
        optimizer="lars", momentum=0.9, eta=0.1, lr_scheduler=lambda: lr_scheduler.FactorScheduler(3, 0.5, base_lr=0.01)
    ),
    "lbsgd over several batches": dict(optimizer="lbsgd", momentum=0.9, batch_scale=3, warmup_strategy="lars"),
    "centered rmsprop": dict(optimizer="rmsprop", centered=True, clip_weights=1.0),
    "clipped adam": dict(optimizer="adam", clip_gradient=0.1, beta1=0.8),
    "lamb within bounds": dict(optimizer="lamb", lower_bound=0.01, upper_bound=1.0, bias_correction=False),
    "cosine": dict(optimizer="nadam", lr_scheduler=lambda: lr_scheduler.CosineScheduler(9, 0.01, warmup_steps=2)),
    "several steps": dict(
        optimizer="adam", lr_scheduler=lambda: lr_scheduler.MultiFactorScheduler([2, 5, 9], 0.5, base_lr=0.01)
    ),
}


@pytest.mark.parametrize("arguments", SETTINGS.values(), ids=SETTINGS)
def test_settings(tmp_path, arguments):
    check(tmp_path, functools.partial(made, TWELVE, **arguments), epochs=(1, 3))


@given(st.data())
@settings(max_examples=10)
def test_any_network_is_resumed(tmp_path_factory, data):
    names = data.draw(st.lists(st.sampled_from(sorted(LAYERS)), max_size=12))
    make = functools.partial(
        made,
        names,
        data.draw(st.sampled_from(["sgd", "adam", "nadam", "sgld", "lars", "lamb"])),
        frozen=data.draw(st.sets(st.integers(0, len(names)))),
    )
    epochs = data.draw(st.sampled_from([(1, 2), (1, 2, 3)]))
    before = data.draw(st.lists(st.integers(0, 4), min_size=3, max_size=3))
    check(tmp_path_factory.mktemp("any"), make, epochs, before)


@pytest.mark.parametrize("optimizer", ["sgd", "nadam"])
def test_several_contexts(tmp_path, optimizer):
    check(tmp_path, functools.partial(made, TWELVE, optimizer, ctx=TWO), ctx=TWO)


def test_in_one_process_with_the_same_trainer(tmp_path):
    """A notebook: the cell is run again, without a new network; on two contexts with statistics of their own."""
    for ctx in (None, TWO):
        folder = tmp_path / str(ctx)
        straight = train(made(TWELVE, "nadam", ctx=ctx), 3, folder / "straight", ctx)
        parts = made(TWELVE, "nadam", ctx=ctx)
        for num_epochs in (1, 2, 3):
            resumed = train(parts, num_epochs, folder / "resumed", ctx)
        assert_alike(resumed, straight)


class Wave:
    """A schedule of one's own: no class of MXNet's, with a list and another schedule inside."""

    def __init__(self):
        self.left = [0.03, 0.02, 0.01] * 9
        self.inner = lr_scheduler.FactorScheduler(2, 0.9, base_lr=1.0)
        self.base_lr = 0.02

    def __call__(self, num_update):
        return self.left.pop() * self.inner(num_update) if self.left else 0.001


@mx.optimizer.register
class Counting(mx.optimizer.Optimizer):
    """An optimizer of one's own, which keeps arrays and numbers by the parameters' numbers."""

    def __init__(self, **arguments):
        super().__init__(**arguments)
        self.seen, self.sums, self.steps, self.rate = {}, {}, np.zeros(2), np.float32(1)

    def create_state(self, index, weight):
        return None

    def update(self, index, weight, grad, state):
        self._update_count(index)
        self.steps = self.steps + np.array([1, index])
        self.seen[index] = self.seen.get(index, 0) + 1
        self.sums[index] = self.sums.get(index, 0) + grad * self.rescale_grad
        self.rate *= np.float32(0.999)
        weight[:] -= float(self.rate) * self._get_lr(index) * self.sums[index] / self.seen[index]


def test_schedules_and_optimizers_of_ones_own(tmp_path):
    check(tmp_path / "a", functools.partial(made, TWELVE, "sgd", lr_scheduler=Wave, learning_rate=0.02))
    check(tmp_path / "b", functools.partial(made, TWELVE, "counting"))


class WithLoss(gluon.loss.SoftmaxCrossEntropyLoss):
    """A loss that learns, too: its parameters are not part of the network."""

    def __init__(self):
        super().__init__()
        with self.name_scope():
            self.scales = [self.params.get(f"scale{k}", shape=(1,), init="ones") for k in range(12)]
        self.initialize()

    def forward(self, prediction, label):
        scale = sum(p.data() for p in self.scales)
        return super().forward(prediction * scale, label)


def test_parameters_outside_the_network(tmp_path):
    def run(folder, *all_epochs):
        for num_epochs in all_epochs:
            data, net, _ = made(["conv"], before=num_epochs)
            loss = WithLoss()
            trainer = gluon.Trainer([*net.collect_params().values(), *loss.params.values()], "adam")
            g.train(data, data, net, loss, trainer, mx.cpu(), num_epochs, verbose=False, checkpoint=folder)
        return [p.data().asnumpy() for p in loss.scales], [p.data().asnumpy() for p in net.collect_params().values()]

    for one, other in zip(run(tmp_path / "a", 3), run(tmp_path / "b", 1, 3)):
        for a, b in zip(one, other):
            np.testing.assert_array_equal(a, b)


def test_a_trainer_is_left_as_it_was(tmp_path):
    """What it saved before a training, it can load after."""
    data, net, trainer = made(TWELVE)
    before = list(trainer._params)
    trained(1, tmp_path / "a", (data, net, trainer))
    assert trainer._params == before
    trainer.save_states(str(tmp_path / "states"))
    again = made(TWELVE)
    trained(1, tmp_path / "b", again)
    again[2].load_states(str(tmp_path / "states"))
    for number, state in trainer._updaters[0].states.items():
        for a, b in zip(state, again[2]._updaters[0].states[number]):
            np.testing.assert_array_equal(a.asnumpy(), b.asnumpy())


# What differs is named, and nothing is changed


def factor(step):
    return dict(lr_scheduler=lambda: lr_scheduler.FactorScheduler(step, 0.5, base_lr=0.01))


def several(*steps):
    return dict(lr_scheduler=lambda: lr_scheduler.MultiFactorScheduler([*steps], 0.5, base_lr=0.01))


COSINE = dict(lr_scheduler=lambda: lr_scheduler.CosineScheduler(9, 0.01))
FUNCTION = dict(lr_scheduler=lambda: lambda _: 0.1, learning_rate=None)
DIFFERENCES = {
    "one more setting": ({}, dict(clip_gradient=1.0), "clip_gradient was None; now it is 1.0"),
    "one setting less": (dict(wd=0.1), {}, "wd was 0.1; now it is 0.0"),
    "another learning rate": ({}, dict(learning_rate=0.1), "learning_rate was 0.01; now it is 0.1"),
    "another optimizer": ({}, dict(optimizer="nadam"), "the optimizer was Adam; now it is Nadam"),
    "another schedule": (factor(3), COSINE, "schedule was FactorScheduler; now it is CosineScheduler"),
    "a schedule that comes": ({}, factor(3), "schedule was none; now it is FactorScheduler"),
    "a schedule that goes": (factor(3), {}, "schedule was FactorScheduler; now it is none"),
    "another layer": ({}, dict(names=["conv, no bias"]), "belongs to another network: 1.bias was float32 .* missing"),
    "another step": (factor(3), factor(4), "the schedule's step was 3; now it is 4"),
    "other steps": (several(3, 6), several(3, 7), r"the schedule's step was \[3, 6\]; now it is \[3, 7\]"),
    "a function": (FUNCTION, dict(lr_scheduler=Wave, learning_rate=None), "was .*<lambda>; now it is Wave"),
    "a frozen layer": ({}, dict(frozen=[1]), "1.weight's grad_req was write; now it is null"),
}


@pytest.mark.parametrize(("before", "now", "message"), DIFFERENCES.values(), ids=DIFFERENCES)
def test_a_difference_is_named(tmp_path, before, now, message):
    trained(1, tmp_path, made(["conv"], **before))
    files = {path: path.read_bytes() for path in tmp_path.iterdir()}
    data, net, trainer = made(**{"names": ["conv"], **now})
    with pytest.raises(ValueError, match=message) as caught:
        trained(2, tmp_path, (data, net, trainer))
    assert not re.search("damaged|remove", str(caught.value))
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == files
    assert (trainer.optimizer.num_update, data.epoch) == (0, 0)


def test_a_learning_rate_that_was_set_later_is_named(tmp_path):
    parts = made(["conv"])
    trained(1, tmp_path, parts)
    parts[2].set_learning_rate(0.5)
    with pytest.raises(ValueError, match="learning_rate was 0.01; now it is 0.5"):
        trained(2, tmp_path, parts)


def test_other_data_are_named(tmp_path):
    data, net, trainer = made(["conv"])
    trained(1, tmp_path, (data, net, trainer))
    for others, message in (
        (g.Batches(PICTURES, LABELS, 4, shuffle=True), "the batch size was 8; now it is 4"),
        (g.Batches(PICTURES, LABELS, 8, shuffle=True, classes="abc"), "the classes were 0, 1, 2; now they are a, b, c"),
        (g.Batches(PICTURES, LABELS[::-1], 8, shuffle=True), "there were 30; now there are 30, and they are different"),
        (g.Batches(PICTURES[:20], LABELS[:20], 8, shuffle=True), "there were 30; now there are 20"),
    ):
        with pytest.raises(ValueError, match=f"epoch-0001.npz was written with other data: .*{message}"):
            trained(2, tmp_path, (others, *made(["conv"])[1:]))


def test_a_checkpoint_of_version_0_1_0_names_it(tmp_path):
    np.savez(tmp_path / "epoch-0001.npz", about=np.array('{"optimizer": "SGD"}'))
    with pytest.raises(ValueError, match="was written by gluon-cnn 0.1.0, .*: resume it with that version"):
        trained(2, tmp_path, made(["conv"]))


def test_parameters_that_no_batch_has_reached(tmp_path):
    """A head that is not used yet has no weights; the others are resumed."""

    def with_spare_head():
        data, net, _ = made(["conv"])
        net.spare = nn.Dense(7, prefix="spare_")  # its input is not known
        net.spare.initialize()
        net.register_child(net.spare, "spare")
        net.forward = lambda x: functools.reduce(lambda y, layer: layer(y), [*net][:-1], x)
        trained_ones = [p for p in net.collect_params().values() if not p.name.startswith(net.spare.prefix)]
        return data, net, gluon.Trainer(trained_ones, "adam")

    def run(folder, *all_epochs):
        for num_epochs in all_epochs:
            data, net, trainer = with_spare_head()
            loss = gluon.loss.SoftmaxCrossEntropyLoss()
            g.train(data, data, net, loss, trainer, mx.cpu(), num_epochs, verbose=False, checkpoint=folder)
        return [p.data().asnumpy() for p in trainer._params]

    for a, b in zip(run(tmp_path / "a", 2), run(tmp_path / "b", 1, 2)):
        np.testing.assert_array_equal(a, b)
