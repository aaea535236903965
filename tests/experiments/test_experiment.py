"""The notes' experiment and its command, with a network and data small enough for a test."""

import dataclasses
import functools
import json
import resource
import shutil
from pathlib import Path

import gluon_cnn as g
import mxnet as mx
import numpy as np
import pytest
from gluon_cnn._core.record import to_json
from gluon_cnn.cli import main as cli
from gluon_cnn.cli.folders import SETTINGS
from gluon_cnn.experiments import choices, experiment, files
from gluon_cnn.experiments.comparison import compare
from gluon_cnn.experiments.run import Run
from gluon_cnn.networks import loading
from gluon_cnn.networks.registry import NETWORKS
from gluon_cnn.training import loop
from gluon_cnn.training.metrics import NotFiniteError
from matplotlib import pyplot as plt
from mxnet import nd
from mxnet.gluon import nn
from PIL import Image

pytestmark = pytest.mark.filterwarnings("ignore:using the CPU:UserWarning")  # no test needs a GPU


@pytest.fixture(autouse=True)
def forty_pictures(monkeypatch):
    load_data = g.load_data

    def few(dataset, batch_size, resize, **_):
        assert dataset == "sample"
        parts = load_data(dataset, batch_size)
        return [g.Batches(b.images[:40], b.labels[:40], batch_size, resize, True, classes=b.classes) for b in parts]

    for module in ("experiment", "run"):
        monkeypatch.setattr(f"gluon_cnn.experiments.{module}.load_data", few)


def test_a_seed_repeats_a_run_and_another_does_not():
    runs = [experiment.experiment("lenet", num_epochs=2, random_seed=seed).history for seed in (3, 3, 4)]
    assert runs[0].loss == runs[1].loss
    assert runs[0].loss != runs[2].loss
    assert len(runs[0]) == 2


def test_settings_reach_the_training():
    settings = [{}, dict(learning_rate=0.1), dict(momentum=0.9), dict(optimizer="adam"), dict(initializer="he")]
    settings.append(dict(resize=30))
    losses = {experiment.experiment("lenet", batch_size=10, **more).history.loss[0] for more in settings}
    assert len(losses) == len(settings)


def test_he_keeps_the_size_of_values_through_relus():
    """Values of variance 2/n behind each ReLU, by the paper's argument, so that their squares keep their mean."""
    size = {}
    for name, make in choices.INITIALIZERS.items():
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
    ("settings", "error", "message"),
    [
        ({"network": "resnett"}, ValueError, "there is no network 'resnett'; choose one of lenet, alexnet, vgg, nin"),
        ({"initializer": "zero"}, ValueError, "there is no initializer 'zero'; choose one of xavier, he"),
        ({"optimizer": "sgdd"}, ValueError, "there is no optimizer 'sgdd'; choose one of sgd, "),
        ({"optimizer": "adam", "momentum": 0.9}, ValueError, "the optimizer 'adam' has no momentum"),
        ({"network": "nin", "resize": 28}, ValueError, "NiN needs .* at least 67x67; got 28x28: resize them"),
        ({"ctx": "cpu"}, TypeError, "ctx must be a context or a list of contexts"),
        ({"ctx": [mx.cpu(), mx.cpu()]}, ValueError, r"ctx names a context twice: cpu\(0\), cpu\(0\)"),
        ({"ctx": mx.gpu(99)}, ValueError, r"mxnet sees no gpu\(99\) here"),
        ({"learning_rte": 0.1}, TypeError, "learning_rte"),
        ({"seconds": 1, "checkpoint": "here"}, ValueError, "leave out one of them"),
    ],
)
def test_wrong_settings_are_named(settings, error, message):
    with pytest.raises(error, match=message):
        experiment.experiment(**{"network": "lenet", **settings})


def test_a_run_is_kept_and_found_again(tmp_path, monkeypatch, capsys, refused_command):
    monkeypatch.chdir(tmp_path)
    arguments = ["train", "lenet", "--epochs", "2", "--lr", "0.02", "--momentum", "0.9", "--seed", "5"]
    assert cli.main(arguments) == 0
    assert "Epoch 1. Loss" in capsys.readouterr().out
    report = json.loads(Path("runs/lenet/history.json").read_text())
    run = experiment.experiment("lenet", num_epochs=2, learning_rate=0.02, momentum=0.9, random_seed=5)
    np.testing.assert_allclose(report["history"]["loss"], run.history.loss)
    assert report["settings"] == {**run.settings, "resize": [28, 28]}
    assert report["classes"][0] == "t-shirt"
    table = Path("runs/lenet/history.csv").read_text().splitlines()
    assert table[0].startswith("epoch,loss,train_accuracy,test_accuracy,")
    assert [float(line.split(",")[1]) for line in table[1:]] == report["history"]["loss"]
    assert plt.imread("runs/lenet/curves.png").shape[0] > 300
    loaded = Run.load("runs/lenet")
    X = nd.random.uniform(shape=(2, 1, 28, 28))
    np.testing.assert_array_equal(loaded.net(X).asnumpy(), run.net(X).asnumpy())
    assert cli.main(arguments) == 0
    assert Path("runs/lenet-2/network.params").exists()
    refused_command("runs/lenet already contains a run: choose another --output", *arguments, "--output", "runs/lenet")


def test_evaluate_and_predict_use_the_newest_run(tmp_path, monkeypatch, capsys, refused_command):
    monkeypatch.chdir(tmp_path)
    refused_command("there is no run in runs: create one with gluon-cnn train", "evaluate")
    assert cli.main(["train", "lenet", "--epochs", "5", "--lr", "0.05"]) == 0
    accuracy = json.loads(Path("runs/lenet/history.json").read_text())["history"]["test_accuracy"][-1]
    capsys.readouterr()
    monkeypatch.setattr(g, "load_data", experiment.load_data)
    assert cli.main(["evaluate"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "Using runs/lenet"
    assert float(printed[-1].split()[-1]) == pytest.approx(accuracy)
    assert len(printed) == 1 + 1 + 10 + 1

    picture = g.load_data("sample", 1, None)[1].images[0, 0]
    Image.fromarray(picture).save("bright.png")
    expected = Run.load("runs/lenet").net(nd.array(picture[None, None]) / 255).softmax()[0].asnumpy()
    (best,) = g.fashion_mnist_labels([expected.argmax()])
    Path("broken.png").write_text("not a picture")
    assert cli.main(["predict", "broken.png", "bright.png", "--top", "2", "--run", "runs/lenet"]) == 1
    captured = capsys.readouterr()
    assert captured.out.startswith(f"bright.png: {best} {expected.max():.1%}, ")
    assert captured.out.count("%") == 2
    assert "broken.png cannot be read as an image" in captured.err


def test_a_folder_without_a_run_is_named_and_how_to_resume_a_training(tmp_path, refused_command):
    refused_command(
        f"{tmp_path} contains no run (history.json and network.params missing)",
        "predict",
        "shoe.png",
        "--run",
        str(tmp_path),
    )
    (tmp_path / SETTINGS).write_text("{}")
    refused_command(f" train --resume {tmp_path}\n", "evaluate", "--run", str(tmp_path))


def test_damaged_runs_are_named(tmp_path):
    experiment.experiment("lenet").save(tmp_path)
    weights, report = tmp_path / "network.params", tmp_path / "history.json"
    raw, about = bytearray(weights.read_bytes()), json.loads(report.read_text())
    raw[len(raw) // 2] ^= 1  # in a weight, where mxnet notices nothing
    for damaged in (raw, raw[:-1], b""):
        weights.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"network\.params is damaged, or does not belong to history"):
            Run.load(tmp_path)
    del about["checksum"]
    report.write_bytes(to_json({**about, "sha256": {}}))
    for damaged in (b"cut off", raw[: len(raw) // 2]):
        weights.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"network\.params (is a text file, not MXNet|ends too early)"):
            Run.load(tmp_path)
    report.write_text(json.dumps({**about, "classes": about["classes"][::-1]}))  # labels would be permuted
    with pytest.raises(ValueError, match=r"history\.json is damaged: its content does not match its checksum"):
        Run.load(tmp_path)
    for wrong, message in [
        ({"classes": None}, "TypeError: classes must be list, not NoneType"),
        ({"input_shape": [1, -28, 28]}, "ValueError: input_shape"),
        ({"input_shape": 28}, "TypeError"),
        ({"sha256": 1}, "TypeError"),
        ({"settings": None}, "TypeError"),
        ({"history": {"accuracy": []}}, "TypeError"),
        ({"history": {}}, "ValueError: a part of the history is missing"),
        ({"history": {**about["history"], "loss": []}}, "ValueError: a part of the history is missing"),
        ({"history": {**about["history"], "loss": ["1"]}}, "TypeError: a history consists of lists"),
        ({"history": {**about["history"], "loss": 1}}, "TypeError"),
        ({"classes": "abcdefghij"}, "TypeError: classes must be list, not str"),
        ({"classes": [0, 1]}, "TypeError: a class must be str, not int"),
        ({"settings": {**about["settings"], "network": ["lenet"]}}, "TypeError: network must be str or None"),
        ({"settings": {**about["settings"], "broken": 1}}, "TypeError: broken must be str or NoneType, not int"),
        ({"settings": {**about["settings"], "int8": "no"}}, "TypeError: int8 must be bool or NoneType, not str"),
    ]:
        report.write_bytes(to_json({**about, **wrong}))
        with pytest.raises(ValueError, match=rf"history\.json is not a run's report \({message}"):
            Run.load(tmp_path)
    report.write_text("{}")
    with pytest.raises(ValueError, match=r"history\.json is not a run's report \(KeyError: 'settings'"):
        Run.load(tmp_path)
    report.write_text("[" * 100_000)
    with pytest.raises(ValueError, match=r"history\.json is damaged \((maximum recursion|Stack overflow)"):
        Run.load(tmp_path)


@pytest.mark.parametrize("name", ["network.params", "history.csv", "curves.png", "history.json"])
def test_a_full_disk_leaves_the_older_run(tmp_path, monkeypatch, name):
    run = experiment.experiment("lenet", verbose=False)
    run.save(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert before["network.params"] == mxnet_writes(run.net, tmp_path.parent / "mxnet.params")
    other = experiment.experiment("lenet", num_epochs=2, verbose=False)
    write = Path.open

    def opened(path, mode="r", *arguments, **settings):
        """Simulate a full disk: limit files to one byte."""
        if path.name.startswith(name) and mode == "wb":
            resource.setrlimit(resource.RLIMIT_FSIZE, (1, limits[1]))
        return write(path, mode, *arguments, **settings)

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    monkeypatch.setattr(Path, "open", opened)
    try:
        with pytest.raises(OSError, match=rf"{name} could not be written: File too large"):
            other.save(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    after = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    if name == "curves.png":  # drawn last, as all else is safe by then
        del before[name]
        assert after.keys() == before.keys()
        assert len(Run.load(tmp_path).history) == 2
    else:
        assert after == before
        assert len(Run.load(tmp_path).history) == 1


def mxnet_writes(net, path):
    net.save_parameters(str(path))
    return path.read_bytes()


def test_weights_that_cannot_be_read(open_folder, as_nobody):
    experiment.experiment("lenet", verbose=False).save(open_folder)
    weights = open_folder / "network.params"
    weights.chmod(0)
    with as_nobody(), pytest.raises(OSError, match=r"network.params cannot be read: Permission denied"):
        Run.load(open_folder)
    weights.unlink()
    weights.mkdir()
    for call in (Run.load, lambda folder: loading.load_weights(g.LeNet(), folder / "network.params")):
        with pytest.raises(OSError, match=r"network.params cannot be read: Is a directory"):
            call(open_folder)


def test_a_folder_through_all_commands(tmp_path, monkeypatch, capsys, write_images, refused_command):
    """Dark and bright pictures, one of them broken: trained on, tested on, asked about."""
    for module in ("experiment", "run"):
        monkeypatch.setattr(f"gluon_cnn.experiments.{module}.load_data", g.load_data)
    monkeypatch.chdir(tmp_path)
    for k in range(10):
        write_images("light", {f"bright/{k}.png": (250,) * 3, f"dark/{k}.png": (5,) * 3}, (20 + k, 30))
    Path("light/dark/broken.jpg").write_text("no picture")
    arguments = ["train", "lenet", "--dataset", "light/", "--grey", "--init", "he", "--batch-size", "4", "--lr", "0.05"]
    refused_command("broken.jpg cannot be read as an image", *arguments)
    assert not Path("runs/lenet").exists()
    assert cli.main([*arguments, "--epochs", "4", "--skip-broken"]) == 0
    captured = capsys.readouterr()
    assert "skipped: light/dark/broken.jpg cannot be read" in captured.err
    run = Run.load("runs/lenet")
    assert run.input_shape == (1, 28, 28)
    held_out = str(run.data["test"]["count"])
    assert (run.settings["batch_size"], run.settings["initializer"]) == (4, "he")
    assert cli.main(["evaluate"]) == 0  # without the broken file, as in training
    assert capsys.readouterr().out.splitlines()[-1].split()[2:] == [held_out, "of", held_out, "1.0000"]
    shutil.copytree("light", "other")
    Path("other/dark/broken.jpg").unlink()
    assert cli.main(["evaluate", "--dataset", "other"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].split()[2:] == ["20", "of", "20", "1.0000"]
    assert cli.main(["predict", "other/bright/0.png", "--top", "1"]) == 0
    assert "other/bright/0.png: bright " in capsys.readouterr().out
    shutil.rmtree("light")
    refused_command("no longer exist: restore them, or evaluate on others (--dataset)", "evaluate")


def test_ctrl_c_in_training_keeps_what_was_finished(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    epochs = []

    def interrupted(*data, **more):
        epochs.append(1)
        if len(epochs) == 2:
            raise KeyboardInterrupt
        return measure(*data, **more)

    measure = loop.measure
    monkeypatch.setattr(loop, "measure", interrupted)
    assert cli.main(["train", "lenet", "--epochs", "3"]) == 0
    assert "Stopped in epoch 2" in capsys.readouterr().out
    assert len(Run.load("runs/lenet").history) == 1
    epochs.append(1)
    epochs[:] = [1]
    assert cli.main(["train", "lenet", "--epochs", "3"]) == 130
    assert not Path("runs/lenet-2").exists()
    epochs.clear()
    found = compare(["lenet", "densenet"], seconds=0, verbose=False)
    assert [m.network for m in found.measurements] == ["lenet"]


def test_a_comparison_checks_sizes_first_and_leaves_out_what_fails(monkeypatch):
    with pytest.raises(ValueError, match="nin needs images of at least 67x67; got 28x28: resize them"):
        compare(["lenet", "nin"], resize=28, verbose=False)

    def fail_once(network, *arguments, **settings):
        if network is NETWORKS["lenet"]:
            raise NotFiniteError("the loss is nan in batch 7")
        return experiment.experiment(network, *arguments, **settings)

    monkeypatch.setattr("gluon_cnn.experiments.comparison.experiment", fail_once)
    with pytest.warns(UserWarning, match="lenet is omitted: the loss is nan in batch 7"):
        found = compare(["lenet", "densenet"], seconds=0, verbose=False)
    assert [m.network for m in found.measurements] == ["densenet"]


def test_evaluating_on_other_classes_is_refused(tmp_path, write_images, refused_command):
    experiment.experiment("lenet").save(tmp_path / "run")
    write_images(tmp_path / "animals", {f"{name}/{k}.png": 0 for name in ("cat", "dog") for k in range(2)})
    arguments = ["evaluate", "--run", str(tmp_path / "run"), "--dataset", str(tmp_path / "animals")]
    refused_command("animals has the classes cat, dog; expected t-shirt, trouser", *arguments)


def test_a_network_and_arrays_of_ones_own(tmp_path, monkeypatch):
    monkeypatch.undo()  # the real load_data
    images = np.zeros((20, 12, 12), np.uint8)
    images[::2] = 255
    pair = (images, np.arange(20) % 2)
    run = experiment.experiment(g.LeNet, pair, resize=12, batch_size=4, num_epochs=4, learning_rate=0.1)
    assert run.history.test_accuracy[-1] == 1
    assert run.classes == ("0", "1")
    assert (run.settings["network"], run.settings["dataset"]) == (None, "arrays")
    run.save(tmp_path)
    with pytest.raises(ValueError, match="contains a network of your own: pass its constructor, network="):
        Run.load(tmp_path)
    assert Run.load(tmp_path, g.LeNet).classes == run.classes
    both = (mx.cpu(0), mx.cpu(1))
    split = experiment.experiment(g.LeNet, (pair, pair), ctx=both, batch_size=19)  # not resized: LeNet takes 12x12
    assert split.history.images == [20]
    assert split.input_shape == (1, 12, 12)


def test_a_time_budget_counts_pictures(monkeypatch):
    clock = iter(range(100))
    monkeypatch.setattr(experiment.time, "perf_counter", lambda: next(clock))
    batches = list(experiment._for_seconds(g.Batches(np.zeros((5, 2, 2), np.uint8), np.zeros(5, int), 2), 4))
    assert [len(y) for _, y in batches] == [2, 2, 1, 2, 2]
    run = experiment.experiment("lenet", seconds=0, verbose=False)
    assert run.history.images == [40]


def test_comparison_of_two_networks(tmp_path, monkeypatch, capsys, refused_command):
    monkeypatch.chdir(tmp_path)
    refused_command("there is no network 'densenett'", "compare", "lenet", "densenett")
    small = functools.partial(g.DenseNet, init_channels=4, growth_rate=2, block_layers=(1, 1))
    found = compare({"LeNet": g.LeNet, "small": small}, resize={"small": 32}, seconds=None, num_epochs=2, verbose=False)
    lenet, other = found.measurements
    assert (lenet.network, lenet.pixels, other.pixels) == ("LeNet", 28, 32)
    assert (lenet.parameters, lenet.images) == (170_988, 80)
    assert lenet.receptive_field == g.receptive_field([(5, 1), (2, 2), (3, 1), (2, 2)])
    assert lenet.flops == g.summary(initialized(g.LeNet()), (1, 1, 28, 28)).flops
    assert lenet.images_per_second > 0
    head, _, *rows = repr(found).splitlines()
    assert head.split()[:3] == ["network", "pixels", "parameters"]
    assert [row.split()[:2] for row in rows] == [["LeNet", "28"], ["small", "32"]]
    assert cli.main(["compare", "lenet", "--seconds", "0"]) == 0
    assert "lenet" in capsys.readouterr().out
    table = Path("runs/comparison/comparison.csv").read_text().splitlines()
    assert table[0].split(",") == [field.name for field in dataclasses.fields(lenet)]
    assert table[1].startswith("lenet,28,170988,")
    assert plt.imread("runs/comparison/comparison.png").shape[1] > 1000


def initialized(net):
    net.initialize()
    return net


def test_ctrl_c_while_loading_is_one_word(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(experiment, "load_data", interrupted)
    assert cli.main(["train", "lenet"]) == 130
    assert capsys.readouterr().err == "\nstopped\n"


OWN = """
from mxnet.gluon import nn

def tiny(num_classes):
    net = nn.HybridSequential()
    net.add(nn.Conv2D(4, 3, strides=2, activation="relu"), nn.Dense(num_classes))
    return net
"""


def test_a_network_of_ones_own_by_module_and_function(tmp_path, monkeypatch, capsys, refused_command):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    Path("my_nets.py").write_text(OWN)
    assert cli.main(["train", "my_nets:tiny", "--batch-size", "500"]) == 0
    accuracy = files.read_report(Path("runs/my_nets-tiny"))["history"]["test_accuracy"][-1]
    capsys.readouterr()
    assert cli.main(["evaluate", "--network", "my_nets:tiny"]) == 0
    assert capsys.readouterr().out.rstrip().endswith(f"{accuracy:.4f}")
    assert cli.main(["train", "--resume", "runs/my_nets-tiny", "--epochs", "2"]) == 0
    assert cli.main(["export", "--network", "my_nets:tiny", "--format", "symbol"]) == 0
    assert cli.main(["summary", "my_nets:tiny"]) == 0
    refused_command("--network my_nets:tiny", "evaluate")
    refused_command("no attribute 'big'", "train", "my_nets:big")
    refused_command("leave out --run", "predict", "x.png", "--network", "efficientnet-lite0", "--run", "runs/x")
