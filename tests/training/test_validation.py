"""Validation: the best epoch is kept, the test set is looked at once, and an interruption changes nothing."""

import gluon_cnn as g
import mxnet as mx
import numpy as np
import pytest
from gluon_cnn.training import loop
from gluon_cnn.training.history import History, read_history
from mxnet import gluon, nd
from mxnet.gluon import nn

LOSS = gluon.loss.SoftmaxCrossEntropyLoss()
IMAGES = np.random.RandomState(0).rand(60, 1, 4, 4).astype("float32")
LABELS = (IMAGES[:, 0, 0, 0] > 0.5).astype("int32")


def made(rate=0.5):
    g.seed(1)
    net = nn.HybridSequential()
    net.add(nn.Dense(8, activation="relu"), nn.BatchNorm(), nn.Dense(2))
    net.initialize()
    parts = g.load_data((IMAGES, LABELS), 8, seed=2, validation=0.3, augment="flip")
    return net, gluon.Trainer(net.collect_params(), "adam", {"learning_rate": rate}), parts


def trained(num_epochs, folder=None, patience=None):
    net, trainer, (train, validation, test) = made()
    more = {"checkpoint": folder, "validation_data": validation, "patience": patience, "verbose": False}
    history = g.train(train, test, net, LOSS, trainer, mx.cpu(), num_epochs, **more)
    return net, history, validation, test


def weights(net):
    return [p.data().asnumpy() for p in net._collect_params_with_prefix().values()]


def test_the_network_ends_with_the_best_epoch():
    net, history, validation, test = trained(12)
    best = history.best_epoch
    assert len(history.validation_accuracy) == 12
    assert history.validation_accuracy[best - 1] == max(history.validation_accuracy)
    assert best < 12  # else the test could not tell it from the last
    assert g.evaluate_accuracy(validation, net) == history.validation_accuracy[best - 1]
    assert history.test_accuracy == [g.evaluate_accuracy(test, net)]
    for one, other in zip(weights(net), weights(trained(best)[0])):
        np.testing.assert_array_equal(one, other)


def test_validation_loss_is_the_mean_over_the_images():
    net, history, validation, _ = trained(1)
    losses = np.concatenate([LOSS(net(X), y).asnumpy() for X, y in validation])
    assert history.validation_loss[0] == pytest.approx(losses.mean(), rel=1e-5)


def test_the_test_images_are_looked_at_once(monkeypatch):
    looked, measured = [], loop.measure
    monkeypatch.setattr(loop, "measure", lambda data, **rest: looked.append(data) or measured(data, **rest))
    *_, validation, test = trained(4)
    assert [data for data in looked if data is not validation] == [test]


def test_patience_stops_the_training():
    _, history, *_ = trained(40, patience=3)
    assert len(history) < 40
    assert len(history) == history.best_epoch + 3
    net, trainer, (train, _, test) = made()
    with pytest.raises(ValueError, match="pass validation_data"):
        g.train(train, test, net, LOSS, trainer, mx.cpu(), 2, patience=3)


@pytest.mark.parametrize("stop", [1, 5, 9])
def test_an_interruption_changes_nothing(tmp_path, stop, monkeypatch):
    straight, expected, *_ = trained(12, tmp_path / "straight", patience=4)
    epochs, train_epoch = [], loop._train_epoch

    def interrupted(*args):
        epochs.append(1)
        if len(epochs) > stop:
            raise KeyboardInterrupt
        return train_epoch(*args)

    with monkeypatch.context() as patch:
        patch.setattr(loop, "_train_epoch", interrupted)
        trained(12, tmp_path / "stopped", patience=4)
    np.random.seed(99)
    net, history, *_ = trained(12, tmp_path / "stopped", patience=4)
    for name in ("loss", "validation_loss", "validation_accuracy", "test_accuracy"):
        assert getattr(history, name) == getattr(expected, name)
    for one, other in zip(weights(net), weights(straight)):
        np.testing.assert_array_equal(one, other)


def test_another_split_or_augmentation_is_refused(tmp_path):
    trained(1, tmp_path)
    net, trainer, _ = made()
    for share, augment, words in ((0.2, "flip", "images: there were"), (0.3, (), "augmentation was Flip")):
        train, validation, test = g.load_data((IMAGES, LABELS), 8, seed=2, validation=share, augment=augment)
        with pytest.raises(ValueError, match=words):
            g.train(train, test, net, LOSS, trainer, mx.cpu(), 2, checkpoint=tmp_path, validation_data=validation)


def test_best_epoch_and_files():
    history = History([1.0] * 3, [0.5] * 3, [0.75], [9] * 3, [1.0] * 3, [1.0] * 3, [0.4, 0.3, 0.5], [0.8, 0.8, 0.7])
    assert history.best_epoch == 2
    assert read_history(vars(history)) == history
    assert "Validation acc 0.70" in str(history)
    with pytest.raises(ValueError, match="a part of the history"):
        read_history({**vars(history), "test_accuracy": [0.1, 0.2]})


def test_the_split_is_fixed_by_file_and_seed(tmp_path):
    from PIL import Image

    for name in "ab":
        (tmp_path / name).mkdir()
        for k in range(40):
            Image.new("L", (8, 8), k).save(tmp_path / name / f"{k}.png")

    def split(seed=0):
        parts = g.load_data(tmp_path, 8, 8, validation=0.25, validation_seed=seed)
        return [{file.name for file in part.files} for part in parts]

    train, validation, test = split()
    assert not validation & (train | test)
    assert len(train | validation | test) == 80
    assert {name[0] for name in validation} == {"a", "b"}
    assert split()[1] == validation != split(1)[1]
    assert split(1)[2] == test
    (tmp_path / "a" / "39.png").rename(tmp_path / "a" / "new.png")
    for name in "cd":
        Image.new("L", (8, 8)).save(tmp_path / "b" / f"{name}.png")
    for before, after in zip((train, validation, test), split()):
        assert before - {"a/39.png"} <= after


def test_a_class_of_two_images_cannot_be_divided_into_three(tmp_path):
    X, y = nd.zeros((12, 1, 4, 4)).asnumpy(), np.array([0] * 10 + [1] * 2)
    with pytest.raises(ValueError, match="class 1 contains a single image"):
        g.load_data((X, y), 4, validation=0.1)
