"""Reports of people who trained, interrupted, resumed, evaluated and exported: small inputs, one test a kind.

A comment names a public report of the kind: a number in our list, and the issue of another project.
"""

import dataclasses
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import gluon_cnn as g
import numpy as np
import pytest
from gluon_cnn._core.files import locked
from gluon_cnn.cli import main as cli
from gluon_cnn.cli.parser import make_parser
from gluon_cnn.experiments import experiment
from gluon_cnn.experiments.comparison import Comparison, Measurement
from gluon_cnn.experiments.files import newest_run
from gluon_cnn.experiments.run import Run
from matplotlib import pyplot as plt
from mxnet import gluon, nd
from PIL import Image

from tests.training.test_checkpoint import interrupted_after

RNG = np.random.RandomState(4)
COLUMNS = len(dataclasses.fields(g.History))
COMMAND = [sys.executable, "-m", "gluon_cnn.cli"]
TRAIN = ["train", "lenet", "--dataset", "pics", "--grey", "--batch-size", "4", "--lr", "0.05"]


def noise(folder, count, first=0):
    for k in range(first, first + count):
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(RNG.randint(0, 256, (16, 16)).astype(np.uint8)).save(folder / f"{k}.png")


@pytest.fixture
def pics(tmp_path, monkeypatch):
    """Images of noise, in which there is nothing to learn but the training images themselves."""
    monkeypatch.chdir(tmp_path)
    for name in ("apple", "pear"):
        noise(Path("pics", name), 15)
    return Path("pics")


def run(capsys, *arguments):
    capsys.readouterr()
    status = cli.main(list(map(str, arguments)))
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def weights(folder):
    return {name: array.asnumpy() for name, array in nd.load(str(Path(folder, "network.params"))).items()}


def contents(folder):
    return {file: file.read_bytes() for file in Path(folder).rglob("*") if file.is_file()}


def assert_same_weights(one, other):
    one, other = weights(one), weights(other)
    assert one.keys() == other.keys()
    for name, array in one.items():
        np.testing.assert_array_equal(array, other[name])


def test_the_same_folder_however_it_is_spelled(pics, capsys):  # 38 (2016_person_re-ID#2)
    assert run(capsys, *TRAIN, "--epochs", 3)[0] == 0
    Path("link").symlink_to("pics")
    expected = run(capsys, "evaluate", "--run", "runs/lenet")
    accuracy = json.loads(Path("runs/lenet/history.json").read_text())["history"]["test_accuracy"][-1]
    assert float(expected[1].split()[-1]) == pytest.approx(accuracy, abs=1e-4)
    for name in ("pics", "./pics", "pics/", "pics/.", "pics/apple/..", pics.resolve(), "link", "link/../pics"):
        assert run(capsys, "evaluate", "--run", "runs/lenet", "--dataset", name) == expected, name


def test_what_was_held_out_stays_held_out(pics, capsys):  # 35 (keras PR#6152), 36 (webvision#5)
    assert run(capsys, *TRAIN, "--epochs", 3)[0] == 0
    expected = run(capsys, "evaluate")
    held_out = [file["name"] for file in Run.load("runs/lenet").data["test"]["files"]]
    for name in ("apple", "pear"):
        noise(pics / name, 20, first=100)
    noise(pics / "apple" / "more", 5)
    assert run(capsys, "evaluate")[1] == expected[1]
    other = next(file for file in pics.glob("apple/*.png") if f"apple/{file.name}" not in held_out)
    other.unlink()  # a training image
    assert run(capsys, "evaluate")[1] == expected[1]
    pics.joinpath(held_out[0]).unlink()
    status, _, message = run(capsys, "evaluate")
    assert status == 1
    assert held_out[0] in message


CHANGES = {
    "renamed": (
        lambda pics: (pics / "apple").rename(pics / "zucchini"),
        "the classes were apple, pear; now they are pear, zucchini",
    ),
    "added": (lambda pics: noise(pics / "pear", 3, first=50), r"3 added|[12] added.*[12] added"),
    "removed": (lambda pics: (pics / "pear" / "3.png").unlink(), "1 missing"),
    "replaced": (lambda pics: noise(pics / "pear", 1, first=3), "1 changed"),
}


@pytest.mark.parametrize(("change", "words"), CHANGES.values(), ids=CHANGES)
def test_data_that_changed_before_resuming(pics, monkeypatch, capsys, change, words):  # 36 (webvision#5)
    with monkeypatch.context() as patch:
        interrupted_after(1, patch)
        assert run(capsys, *TRAIN, "--epochs", 3)[0] == 0
    before = contents("runs")
    change(pics)
    status, _, message = run(capsys, "train", "--resume", "runs/lenet")
    assert status == 1
    assert "epoch-0001.npz was written with other data: " in message
    assert "damaged" not in message
    assert re.search(words, message)
    assert contents("runs").items() >= before.items()


@pytest.mark.parametrize("backend", ["module://nowhere", "tkagg"])
def test_a_backend_that_does_not_start(pics, backend):  # 10 (brevitas-radioml#5)
    environment = {**os.environ, "MPLBACKEND": backend}
    environment.pop("DISPLAY", None)
    done = subprocess.run([*COMMAND, *TRAIN], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert len(Run.load("runs/lenet").history) == 1
    assert plt.imread("runs/lenet/curves.png").shape[0] > 300


def test_weights_and_tables_are_safe_before_figures_are_drawn(tmp_path, monkeypatch):  # 10 (brevitas-radioml#5)
    def stopped(*_):
        assert (tmp_path / "network.params").exists()
        raise RuntimeError("no screen")

    for kind in (g.History, Comparison):
        monkeypatch.setattr(kind, "plot", stopped)
    (tmp_path / "curves.png").write_text("of an older run")
    with pytest.warns(UserWarning, match="curves.png could not be drawn .RuntimeError: no screen"):
        hand_made(history=g.History(*[[0.5]] * COLUMNS)).save(tmp_path)
    assert not (tmp_path / "curves.png").exists()
    assert len(Run.load(tmp_path, g.LeNet).history) == 1
    with pytest.raises(RuntimeError, match="no screen"):
        Comparison((Measurement("lenet", 28, 1, 1, 1, 1.0, 1, 0.5),), "1 epoch").write(tmp_path)
    assert (tmp_path / "comparison.csv").read_text().splitlines()[1].startswith("lenet,28")


HOLD = """
import sys, time
from pathlib import Path
from gluon_cnn._core.files import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


def test_one_training_in_a_folder(pics, monkeypatch, capsys):  # 11 (classifier-pipeline#14)
    with monkeypatch.context() as patch:
        interrupted_after(1, patch)
        assert run(capsys, *TRAIN, "--epochs", 2)[0] == 0
    for folder in ("runs/lenet", "runs/lenet/checkpoints"):
        with subprocess.Popen([sys.executable, "-c", HOLD, folder], stdout=subprocess.PIPE, text=True) as other:
            assert other.stdout.readline() == "held\n"
            status, _, message = run(capsys, "train", "--resume", "runs/lenet")
            other.send_signal(signal.SIGKILL)
        assert status == 1
        assert f"train: the training run in {folder} is still running (process {other.pid}): wait" in message
    assert run(capsys, "train", "--resume", "runs/lenet")[0] == 0  # the system has released both locks
    assert not list(Path("runs").rglob("lock"))


def test_a_lock_is_not_inherited(tmp_path):  # 11 (classifier-pipeline#14)
    """A process that was forked for loading data, say, may outlive the training."""
    with locked(tmp_path):
        child = os.fork()
        if not child:
            time.sleep(60)
            os._exit(0)
        with pytest.raises(BlockingIOError, match=rf"still running \(process {os.getpid()}\)"), locked(tmp_path):
            pass
    try:
        with locked(tmp_path):
            pass
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def test_a_file_system_without_locks(tmp_path, monkeypatch):  # 11 (classifier-pipeline#14)
    def refuse(*_):
        raise OSError(37, "No locks available")

    monkeypatch.setattr("fcntl.flock", refuse)
    with pytest.warns(UserWarning, match="supports no locks: make sure that no other training"), locked(tmp_path):
        pass
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("command", [["train", "lenet"], ["compare", "lenet", "--seconds", "0"]])
def test_a_link_that_leads_nowhere(tmp_path, monkeypatch, capsys, command):  # 8 (cpython#129626)
    monkeypatch.chdir(tmp_path)
    Path("runs").symlink_to("/nowhere/at/all")
    for output in ([], ["--output", "runs/mine"]):
        status, _, message = run(capsys, *command, *output)
        assert status == 1
        assert message.endswith("runs is a link to /nowhere/at/all, which does not exist: create that folder\n")
    Path("runs").unlink()
    Path("runs").write_text("mine")
    status, _, message = run(capsys, *command)
    assert (status, message) == (1, f"gluon-cnn {command[0]}: runs is not a folder: choose another one\n")


def test_quantize_and_export_in_the_folder_of_the_run(pics, monkeypatch, capsys):  # 9
    pytest.importorskip("onnx")
    assert run(capsys, *TRAIN)[0] == 0
    monkeypatch.chdir("runs/lenet")
    status, printed, message = run(capsys, "quantize", "--run", ".")
    assert status == 0, message
    assert printed.splitlines()[-1] == f"Saved to {Path('..').resolve() / 'lenet-int8'}"
    monkeypatch.chdir("../..")
    assert newest_run() == Path("runs/lenet")  # the newest that was trained
    status, printed, message = run(capsys, "export", "--format", "symbol")
    assert status == 0, message
    assert "Using runs/lenet\n" in printed


def test_a_finished_training_is_continued(pics, capsys):  # 17 (mxnet#1217)
    assert run(capsys, *TRAIN, "--optimizer", "adam", "--epochs", 3, "--output", "straight")[0] == 0
    assert run(capsys, *TRAIN, "--optimizer", "adam", "--epochs", 1)[0] == 0
    assert run(capsys, "train", "--resume", "runs/lenet", "--epochs", 2)[0] == 0
    assert run(capsys, "train", "--resume", "runs/lenet", "--num_epochs=3")[0] == 0
    assert_same_weights("runs/lenet", "straight")
    one, other = (Run.load(folder).history for folder in ("runs/lenet", "straight"))
    assert (one.loss, one.test_accuracy) == (other.loss, other.test_accuracy)
    before = contents("runs")
    for epochs in (1, 3):
        status, _, message = run(capsys, "train", "--resume", "runs/lenet", "--epochs", epochs)
        assert status == 1
        assert f"has been trained for 3 epochs: --epochs must be larger; got {epochs}\n" in message
    assert contents("runs") == before


def test_names_of_python_on_the_command_line():  # (own)
    parser = make_parser()
    short = "--epochs 4 --lr 0.5 --batch-size 3 --seed 2 --init he"
    for names in (
        "--num-epochs 4 --learning-rate 0.5 --batch-size 3 --random-seed 2 --initializer he",
        "--num_epochs 4 --learning_rate 0.5 --batch_size 3 --random_seed 2 --initializer he",
    ):
        one, other = (vars(parser.parse_args(["train", "lenet", *each.split()])) for each in (short, names))
        assert one == other


def test_loaders_are_told_where_they_belong():  # (own)
    data = gluon.data.ArrayDataset(np.zeros((4, 1, 28, 28), np.float32), np.zeros(4))
    loader = gluon.data.DataLoader(data, 2)
    batches = g.Batches(np.zeros((4, 28, 28), np.uint8), np.zeros(4, int), 2)
    for dataset in ((loader, loader), (batches, batches), loader, batches, iter([]), (data, data)):
        with pytest.raises(TypeError, match="dataset must be a name, a folder or arrays .*: to train with your own"):
            experiment.experiment(g.LeNet, dataset)


def test_adamax_is_not_offered(capsys):  # 18a (mxnet PR#18532)
    status, _, message = run(capsys, "train", "lenet", "--optimizer", "adamax")
    assert status == 1
    assert "the optimizer 'adamax' of MXNet 1.9.1 is not offered, as it divides by zero" in message
    assert "learning rate" not in message


def hand_made(**parts):
    net = g.LeNet(num_classes=3)
    net.initialize()
    net(nd.zeros((1, 1, 28, 28)))
    parts = {"history": g.History(), "settings": {}, "classes": ("a", "b", "c"), "input_shape": (1, 28, 28), **parts}
    return Run(net, **parts)


BY_HAND = {
    "nothing but what is needed": {},
    "no settings": dict(settings=None),
    "other settings": dict(settings={"note": "my best", "rate": np.float32(0.5), "made": Path("here")}),
    "lists": dict(classes=["a", "b", "c"], input_shape=[1, 28, 28]),
    "arrays": dict(classes=np.array(["a", "b", "c"]), input_shape=np.array([1, 28, 28])),
    "a part of a history": dict(history=g.History(loss=[0.5, 0.25])),
    "a history of NumPy's numbers": dict(history=g.History(*[[np.float32(0.5)]] * COLUMNS)),
    "the name of a network": dict(settings={"network": "lenet"}),
}


@pytest.mark.filterwarnings("ignore:.*could not be drawn:UserWarning")
@pytest.mark.parametrize("parts", BY_HAND.values(), ids=BY_HAND)
def test_a_run_made_by_hand(tmp_path, parts):  # (own)
    run = hand_made(**parts)
    run.save(tmp_path)
    again = Run.load(tmp_path, g.LeNet)
    X = nd.random.uniform(shape=(2, 1, 28, 28))
    np.testing.assert_allclose(again.net(X).asnumpy(), run.net(X).asnumpy(), rtol=1e-5)
    assert again.classes == ("a", "b", "c")
    assert again.input_shape == (1, 28, 28)
    assert len(again.history) == len(run.history)
    assert again.predict([]).shape == (0, 3)
    with pytest.raises(
        ValueError, match="the run does not record which images the network was trained on: pass a data set"
    ):
        again.test_images()


def of_version_0_1_0(folder):
    """Make a run's report what version 0.1.0 wrote."""
    report = Path(folder, "history.json")
    about = json.loads(report.read_text())
    names = ("settings", "classes", "input_shape", "sha256", "history")
    report.write_text(json.dumps({name: about[name] for name in names}, indent=2))
    shutil.rmtree(Path(folder, "checkpoints"))


def test_runs_of_version_0_1_0(pics, capsys):  # 42 (self-critical.pytorch#232)
    assert run(capsys, *TRAIN)[0] == 0
    expected = weights("runs/lenet")
    of_version_0_1_0("runs/lenet")
    loaded = Run.load("runs/lenet")
    for name, array in expected.items():
        np.testing.assert_array_equal(loaded.net._collect_params_with_prefix()[name].data().asnumpy(), array)
    assert run(capsys, "predict", "pics/apple/0.png")[0] == 0
    status, _, message = run(capsys, "evaluate")  # which images were held out nobody knows
    assert status == 1
    assert "held out from training: evaluate it with that version, or on other" in message
    status, _, message = run(capsys, "train", "--resume", "runs/lenet", "--epochs", 2)
    assert status == 1
    assert "contains no checkpoint to continue from: only `train` saves them, since version 0.2" in message


def test_a_newer_format_names_its_version(tmp_path):  # 42 (self-critical.pytorch#232)
    from gluon_cnn._core import record

    hand_made().save(tmp_path)
    path = tmp_path / "history.json"
    about = json.loads(path.read_text())
    del about["checksum"]
    path.write_bytes(record.to_json({**about, "format": 3, "versions": {"gluon_cnn": "9.0"}}))
    with pytest.raises(ValueError, match="was written by gluon-cnn 9.0 in format 3; this version reads formats up"):
        Run.load(tmp_path, g.LeNet)
