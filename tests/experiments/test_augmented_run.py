"""A run with augmentation, normalization and validation, from the folder to the prediction."""

import itertools

import gluon_cnn as g
import numpy as np
import pytest
from gluon_cnn.cli.main import main
from gluon_cnn.experiments.experiment import balanced, experiment, prepare
from gluon_cnn.experiments.run import Run
from gluon_cnn.experiments.settings import Settings
from gluon_cnn.training.prediction import predict_batches
from mxnet import gluon, nd
from PIL import Image

SETTINGS = {"resize": 28, "batch_size": 8, "augment": "flip,crop", "normalize": "train", "validation": 0.25}


@pytest.fixture
def folder(tmp_path):
    for (label, name), k in itertools.product(enumerate(["dark", "light"]), range(24)):
        (tmp_path / "photos" / name).mkdir(parents=True, exist_ok=True)
        pixels = np.random.RandomState(k).randint(128, size=(30, 30, 3)) + 127 * label
        Image.fromarray(pixels.astype("uint8")).save(tmp_path / "photos" / name / f"{k}.png")
    return tmp_path / "photos"


@pytest.fixture
def run(folder, tmp_path):
    more = {**SETTINGS, "augment": ["flip", "crop"], "optimizer": "adam", "learning_rate": 0.001}
    experiment("lenet", folder, num_epochs=4, patience=3, verbose=False, **more).save(tmp_path / "run")
    return Run.load(tmp_path / "run")


def test_a_prediction_applies_what_was_stored(run, folder):
    mean, std = run.settings["normalize"]
    assert (len(mean), len(std)) == (3, 3)
    test = run.test_images()
    labels, expected = predict_batches(test, run.net)
    found = run.predict([folder / file.name for file in test.files])
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert run.history.test_accuracy == [(found.argmax(1) == labels).mean()]
    (first, _), *_ = test
    by_hand = (test.images / 255 - np.reshape(mean, (3, 1, 1))) / np.reshape(std, (3, 1, 1))
    np.testing.assert_allclose(first.asnumpy(), by_hand, atol=1e-5)


def test_the_command_line_trains_the_same(run, folder, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    words = [word for name, value in SETTINGS.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    words += ["--epochs", "4", "--patience", "3", "--optimizer", "adam", "--lr", "0.001"]
    assert main(["train", "lenet", "--dataset", str(folder), *words]) == 0
    told = capsys.readouterr().out
    assert "Best epoch" in told
    assert f"{len(run.test_images().labels)} held out for testing" in told
    other = Run.load("runs/lenet")
    X = nd.random.uniform(shape=(2, 3, 28, 28))
    np.testing.assert_array_equal(other.net(X).asnumpy(), run.net(X).asnumpy())
    header = (tmp_path / "runs/lenet/history.csv").read_text().splitlines()[0]
    assert header.endswith("validation_loss,validation_accuracy")


def test_names_only_and_no_mixture_with_seconds(folder):
    with pytest.raises(TypeError, match="pass it to gluon_cnn.load_data"):
        experiment("lenet", folder, augment=[g.corr2d])
    with pytest.raises(ValueError, match="set validation"):
        experiment("lenet", folder, patience=2)
    with pytest.raises(ValueError, match="leave out one"):
        experiment("lenet", folder, validation=0.1, seconds=1)


def test_schedules_warm_up_and_fall(folder):
    rates = {}
    for schedule, warmup in (("constant", 1), ("cosine", 0), ("cosine", 1), ("step", 0)):
        settings = Settings("lenet", folder, 28, 8, 4, "adam", 0.1, schedule=schedule, warmup=warmup)
        prepared = prepare(settings)
        steps = len(prepared.train_data)
        found = [prepared.trainer.optimizer.lr_scheduler(k) for k in range(1, 4 * steps + 1)]
        rates[schedule, warmup] = found
        assert max(found) == pytest.approx(0.1, rel=0.05)
        if warmup:
            assert found[0] < 0.05
            assert found[: steps - 1] == sorted(found[: steps - 1])
    assert rates["constant", 1][-1] == 0.1
    assert rates["cosine", 0][-1] == rates["cosine", 1][-1] == 0
    assert rates["cosine", 0][steps * 2 - 1] == pytest.approx(0.05)
    assert [round(rate, 6) for rate in sorted(set(rates["step", 0]))] == [0.001, 0.01, 0.1]


def test_a_resumed_schedule_ends_with_the_same_weights(folder, tmp_path):
    more = {"resize": 28, "num_epochs": 3, "schedule": "cosine", "warmup": 1, "weight_decay": 0.01, "verbose": False}
    straight = experiment("lenet", folder, **more)
    experiment("lenet", folder, **{**more, "checkpoint": tmp_path / "c"})
    for path in sorted((tmp_path / "c").iterdir())[-1:]:
        path.unlink()  # the last epoch is trained again
    resumed = experiment("lenet", folder, **{**more, "checkpoint": tmp_path / "c"})
    for one, other in zip(straight.net.collect_params().values(), resumed.net.collect_params().values()):
        np.testing.assert_array_equal(one.data().asnumpy(), other.data().asnumpy())


def test_rare_classes_count_as_much_as_common_ones():
    labels = np.array([0] * 9 + [1] * 3)
    loss = balanced(gluon.loss.SoftmaxCrossEntropyLoss(), labels)
    values = loss(nd.zeros((12, 2)), nd.array(labels)).asnumpy() / np.log(2)
    np.testing.assert_allclose(values, [2 / 3] * 9 + [2] * 3, rtol=1e-5)
    assert values[:9].sum() == pytest.approx(values[9:].sum())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"schedule": "linear"}, "choose one of constant, cosine, step"),
        ({"warmup": 2, "num_epochs": 2}, "warmup must be less than the 2 epochs"),
        ({"schedule": "cosine", "seconds": 1}, "leave out one"),
        ({"weight_decay": -1}, "weight_decay"),
    ],
)
def test_wrong_schedules_are_named(options, words):
    with pytest.raises(ValueError, match=words):
        experiment("lenet", **options)
