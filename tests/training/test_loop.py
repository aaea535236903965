"""Training and measuring, on networks small enough to be computed by hand."""

import json
import random
import re

import gluon_cnn as g
import mxnet as mx
import numpy as np
import pytest
from gluon_cnn.training import loop as training
from gluon_cnn.training.history import read_history
from mxnet import autograd, gluon, init, nd
from mxnet.gluon import nn

LOSS = gluon.loss.SoftmaxCrossEntropyLoss()
RNG = np.random.RandomState(3)
FEATURES = RNG.randn(60, 5).astype(np.float32)
LABELS = FEATURES[:, :3].argmax(axis=1).astype(np.int32)


def batches(size=10, count=60):
    return [(FEATURES[i : i + size], LABELS[i : i + size]) for i in range(0, count, size)]


def dense(ctx=None, learning_rate=0.5):
    net = nn.Dense(3, in_units=5)
    net.initialize(init.Xavier(), ctx=ctx)
    return net, gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": learning_rate})


def epochs(count=1, train=None, test=None, learning_rate=0.5, **settings):
    """Train a dense layer; return the history."""
    net, trainer = dense(learning_rate=learning_rate)
    return g.train(train or batches(), test or batches(), net, LOSS, trainer, mx.cpu(), count, **settings)


def parameters(net):
    return np.concatenate([p.list_data()[0].asnumpy().ravel() for p in net.collect_params().values()])


def test_an_epoch_equals_the_steps_written_out():
    g.seed(1)
    net, trainer = dense()
    history = g.train(batches(), batches(), net, LOSS, trainer, mx.cpu(), 2)

    g.seed(1)
    plain, trainer = dense()
    losses, hits = [], []
    for _ in range(2):
        for X, y in batches():
            X, y = nd.array(X), nd.array(y)
            with autograd.record():
                output = plain(X)
                loss = LOSS(output, y)
            loss.backward()
            trainer.step(len(X))
            losses.append(loss.asnumpy())
            hits.append(output.asnumpy().argmax(1) == y.asnumpy())
    np.testing.assert_array_equal(parameters(net), parameters(plain))
    np.testing.assert_allclose(history.loss, np.mean(np.reshape(losses, (2, -1)), axis=1), rtol=1e-6)
    np.testing.assert_allclose(history.train_accuracy, np.mean(np.reshape(hits, (2, -1)), axis=1))
    expected = (plain(nd.array(FEATURES)).asnumpy().argmax(1) == LABELS).mean()
    assert history.test_accuracy[-1] == pytest.approx(expected)


def test_loading_is_on_the_clock(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(training.time, "perf_counter", lambda: now[0])

    class Slow:
        def __iter__(self):
            for batch in batches():
                now[0] += 10
                yield batch

    history = epochs(1, Slow())
    assert history.images_per_second == [1]
    assert history.seconds == [60]


def test_what_is_printed(capsys):
    history = epochs(2)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Training on cpu(0)"
    assert lines[-1] == (
        f"Epoch 2. Loss: {history.loss[1]:.3f}, Train acc {history.train_accuracy[1]:.2f}, "
        f"Test acc {history.test_accuracy[1]:.2f}, Time {history.seconds[1]:.1f} sec"
    )
    assert len(lines) == 3


def test_silence(capsys, monkeypatch):
    monkeypatch.delenv("TQDM_DISABLE")
    assert len(epochs(2, verbose=False)) == 2
    assert capsys.readouterr() == ("", "")


def test_progress_names_epoch_time_left_loss_and_accuracy(monkeypatch, capsys):
    monkeypatch.setenv("TQDM_DISABLE", "0")
    epochs(2)
    out, err = capsys.readouterr()
    assert len(re.findall("^Epoch", out, re.MULTILINE)) == 2
    assert re.search(r"epoch 2 of 2, [\d:?]+ left .*acc=\d\.\d\d, loss=\d", err)


def test_a_log_file_gets_no_progress(monkeypatch, capsys):
    monkeypatch.delenv("TQDM_DISABLE")
    epochs(2)
    assert capsys.readouterr().err == ""


def test_a_short_last_batch_counts_by_its_pictures():
    net, trainer = dense(learning_rate=0)
    history = g.train(batches(25), batches(7), net, LOSS, trainer, mx.cpu(), 1)
    everything = g.evaluate_accuracy(batches(60), net)
    assert history.train_accuracy[0] == pytest.approx(everything)
    assert history.test_accuracy[0] == pytest.approx(everything)


def test_a_gluon_data_loader_works():
    loader = gluon.data.DataLoader(gluon.data.ArrayDataset(FEATURES, LABELS), batch_size=16)
    assert len(epochs(1, loader, loader)) == 1


@pytest.mark.parametrize("size", [25, 59, 29, 1])  # the last batch holds ten images, one, two, one as all do
@pytest.mark.parametrize("update_on_kvstore", [None, False])
def test_a_batch_of_fewer_pictures_than_contexts(size, update_on_kvstore):
    results = []
    for contexts in ([mx.cpu(0)], [mx.cpu(0), mx.cpu(1), mx.cpu(2)]):
        g.seed(1)
        net = dense(contexts)[0]
        settings = {"learning_rate": 0.1, "momentum": 0.9}
        trainer = gluon.Trainer(net.collect_params(), "sgd", settings, update_on_kvstore=update_on_kvstore)
        history = g.train(batches(size), batches(size), net, LOSS, trainer, contexts, 2)
        assert g.evaluate_accuracy(batches(1, 1), net) in (0, 1)
        results.append((parameters(net), history.loss, history.test_accuracy))
        for p in net.collect_params().values():
            for array in p.list_data():
                np.testing.assert_array_equal(array.asnumpy(), p.list_data()[0].asnumpy())
    for got, expected in zip(*results):
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6)


def test_a_network_on_more_contexts_than_it_is_trained_on():
    net, trainer = dense([mx.cpu(0), mx.cpu(1)])
    assert len(g.train(batches(), batches(), net, LOSS, trainer, mx.cpu(0), 1)) == 1


def test_ctrl_c_keeps_the_history_so_far(capsys):
    class Impatient:
        epoch = 0

        def __iter__(self):
            self.epoch += 1
            for number, batch in enumerate(batches()):
                if self.epoch == 3 and number == 2:
                    raise KeyboardInterrupt
                yield batch

    history = epochs(5, Impatient())
    assert len(history) == len(history.test_accuracy) == 2
    assert "Stopped in epoch 3" in capsys.readouterr().out


POISONED = [*batches()[:3], (np.full((10, 5), np.nan, np.float32), LABELS[:10])]


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        (dict(data=[]), ValueError, "train_data yielded no batches"),
        (dict(data=iter(batches()), num_epochs=2), ValueError, "train_data .* can be iterated in each epoch"),
        (dict(data=POISONED), FloatingPointError, "the loss is nan in batch 3: lower the learning rate"),
        (dict(data=[FEATURES]), TypeError, r"a pair \(X, y\); got ndarray"),
        (dict(data=[(FEATURES, LABELS[:5])]), ValueError, "60 images and 5 labels"),
        (dict(loss=lambda output, y: LOSS(output, y).mean()), ValueError, r"loss must .* got \(1,\) for 10 images"),
        (dict(ctx=[]), TypeError, "ctx must be a context"),
        (dict(num_epochs=0), ValueError, "num_epochs must be"),
    ],
)
def test_what_is_wrong_is_named(wrong, error, message):
    net, trainer = dense()
    given = {"data": batches(), "loss": LOSS, "ctx": mx.cpu(), "num_epochs": 1, **wrong}
    with pytest.raises(error, match=message):
        g.train(given["data"], batches(), net, given["loss"], trainer, given["ctx"], given["num_epochs"])
    with pytest.raises(ValueError, match="no batches"):
        g.evaluate_accuracy(iter(()), net)


def test_accuracy_by_hand():
    class Echo(nn.Block):
        def forward(self, x):
            return x

    scores = np.eye(4, dtype=np.float32)[[0, 1, 2, 3, 0]]
    assert g.evaluate_accuracy([(scores, np.array([0, 1, 2, 0, 1]))], Echo(), mx.cpu()) == pytest.approx(3 / 5)
    assert g.evaluate_accuracy([(scores[:2], np.array([0, 1])), (scores[2:], np.array([0, 0, 1]))], Echo()) == 2 / 5


def test_evaluating_changes_nothing():
    net = nn.HybridSequential()
    net.add(nn.Dense(4, in_units=5), nn.BatchNorm(), nn.Dropout(0.5), nn.Dense(3))
    net.initialize()
    first = g.evaluate_accuracy(batches(), net)
    before = parameters(net)
    assert g.evaluate_accuracy(batches(), net) == first
    np.testing.assert_array_equal(parameters(net), before)


def test_seed_seeds_all_three():
    def draw():
        g.seed(7)
        return nd.random.uniform(shape=3).asnumpy().tolist(), np.random.rand(), random.random()

    assert draw() == draw()
    g.seed(8)
    assert nd.random.uniform(shape=3).asnumpy().tolist() != draw()[0]


def test_the_history_draws_itself():
    from matplotlib import pyplot as plt

    history = epochs(3)
    history.plot()
    left, right = plt.gcf().axes
    np.testing.assert_allclose(left.lines[0].get_ydata(), history.loss)
    np.testing.assert_allclose(right.lines[0].get_ydata(), history.train_accuracy)
    np.testing.assert_allclose(right.lines[1].get_ydata(), history.test_accuracy)
    assert all(ax.get_xlabel() and ax.get_ylabel() and ax.get_title() for ax in (left, right))
    with pytest.raises(ValueError, match="nothing to plot"):
        g.History().plot()
    assert str(g.History()) == "no epoch was completed"


def test_the_clock_runs_until_the_last_update(monkeypatch):
    """Loss and output of the last batch are known before its gradients are."""
    events = []
    waitall = training.nd.waitall
    monkeypatch.setattr(training.nd, "waitall", lambda: (events.append("waited"), waitall()))
    measure = training.measure
    monkeypatch.setattr(training, "measure", lambda *data, **more: events.append("tested") or measure(*data, **more))
    net = nn.Dense(2)
    net.initialize()

    class Logged(gluon.Trainer):
        def step(self, *arguments):
            events.append("updated")
            super().step(*arguments)

    trainer = Logged(net.collect_params(), "sgd")
    batches = [(nd.ones((2, 3)), nd.array([0, 1]))] * 2
    g.train(batches, batches, net, gluon.loss.SoftmaxCrossEntropyLoss(), trainer, mx.cpu(), 1, verbose=False)
    assert events == ["updated", "updated", "waited", "tested"]


def test_a_history_says_nothing_that_was_not_measured():
    """MXNet computes while the next batch is loaded, so the waiting time is not the loader's alone."""
    history = epochs(1, verbose=False)
    names = ["loss", "train_accuracy", "test_accuracy", "images", "images_per_second", "seconds"]
    names += ["validation_loss", "validation_accuracy"]
    assert list(vars(history)) == names
    former = json.loads(json.dumps({**vars(history), "loader_seconds": [0.5]}))
    former["pictures"] = former.pop("images")  # its old name
    assert read_history(former) == history
    with pytest.raises(ValueError, match="a part of the history is missing"):
        read_history({name: former[name] for name in former if name != "loss"})
