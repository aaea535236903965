"""Interrupted training runs end with the weights that they would have had otherwise, bit for bit."""

import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import gluon_cnn as g
import mxnet as mx
import numpy as np
import pytest
from gluon_cnn.cli import main as cli
from gluon_cnn.experiments import experiment
from gluon_cnn.experiments.run import Run
from gluon_cnn.training import history, loop
from gluon_cnn.training.checkpoint import Checkpoint
from hypothesis import given
from hypothesis import strategies as st
from mxnet import gluon, nd
from mxnet.gluon import nn

from tests.test_wrong_input import refused

RNG = np.random.RandomState(5)
PICTURES = RNG.randint(0, 256, (30, 12, 12)).astype(np.uint8)
LABELS = np.arange(30) % 3
KILLS = int(os.environ.get("GLUON_CNN_KILLS", "2"))  # how often the training with SIGKILL is interrupted


def parts(optimizer="sgd", units=4, ctx=None, **settings):
    """Return data, network and trainer as a new process would make them."""
    g.seed(1)
    net = nn.HybridSequential()
    net.add(nn.Conv2D(3, 5), nn.BatchNorm(), nn.Dense(units, activation="relu"), nn.Dropout(0.5), nn.Dense(3))
    net.initialize(ctx=ctx)
    net.hybridize(static_alloc=True)
    data = g.Batches(PICTURES, LABELS, 8, shuffle=True)
    return data, net, gluon.Trainer(net.collect_params(), optimizer, {"learning_rate": 0.05, **settings})


def trained(num_epochs, folder, made, ctx=None):
    data, net, trainer = made
    loss = gluon.loss.SoftmaxCrossEntropyLoss()
    ctx = ctx or mx.cpu()
    history = g.train(data, data, net, loss, trainer, ctx, num_epochs, verbose=False, checkpoint=folder)
    return history, [array.asnumpy() for p in net.collect_params().values() for array in p.list_data()]


def assert_same(one, other):
    for key in ("loss", "train_accuracy", "test_accuracy", "images"):
        assert getattr(one[0], key) == getattr(other[0], key)
    for a, b in zip(one[1], other[1]):
        np.testing.assert_array_equal(a, b)


def test_an_interrupted_training_ends_like_one_that_was_not(tmp_path):
    """Of other optimizers and networks, too: test_resuming.py."""
    straight = trained(4, tmp_path / "a", parts(momentum=0.9, wd=0.01))
    for num_epochs in (1, 3, 4):
        resumed = trained(num_epochs, tmp_path / "b", parts(momentum=0.9, wd=0.01))
        assert np.array_equal(resumed[1][0], straight[1][0]) == (num_epochs == 4)
    assert_same(resumed, straight)


def test_one_of_another_number_of_contexts_is_refused(tmp_path):
    contexts = [mx.cpu(0), mx.cpu(1)]
    trained(1, tmp_path / "two", parts(ctx=contexts), contexts)
    with pytest.raises(ValueError, match="the number of contexts was 2; now it is 1"):
        trained(2, tmp_path / "two", parts())


def test_the_first_epoch_is_that_of_a_training_without_checkpoints(tmp_path):
    assert_same(trained(1, tmp_path, parts()), trained(1, None, parts()))


def test_the_ten_thousandth_epoch_is_newer_than_the_one_before_it(tmp_path):
    data, net, trainer = parts()
    keeper = Checkpoint(tmp_path, net, trainer, train_data=data)
    for epochs in (9999, 10000, 10001):
        (tmp_path / f"epoch-{epochs}.npz").touch()
    assert keeper.newest().name == "epoch-10001.npz"


def test_a_finished_training_is_read_and_not_repeated(tmp_path, capsys):
    first = trained(2, tmp_path, parts())
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    data, net, trainer = parts()
    g.train(data, data, net, lambda *_: pytest.fail("trained again"), trainer, mx.cpu(), 2, checkpoint=tmp_path)
    assert "Resuming after 2 epochs" in capsys.readouterr().out
    np.testing.assert_array_equal(next(iter(net.collect_params().values())).data().asnumpy(), first[1][0])
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before


def test_the_newest_two_are_kept_and_nothing_else_is_touched(tmp_path):
    (tmp_path / "epoch-0001.npz.txt").write_text("mine")
    (tmp_path / "epoch-best.npz").write_text("mine")
    trained(4, tmp_path, parts())
    files = "epoch-0001.npz.txt epoch-0003.npz epoch-0004.npz epoch-best.npz"
    assert sorted(path.name for path in tmp_path.iterdir()) == files.split()


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_damaged_one_is_refused_and_the_one_before_it_helps(tmp_path):
    straight = trained(3, tmp_path / "a", parts())
    trained(2, tmp_path / "b", parts())
    newest = tmp_path / "b" / "epoch-0002.npz"
    raw, made = newest.read_bytes(), parts()
    for damaged in (raw[:-100], b"", raw[:300] + bytes([raw[300] ^ 1]) + raw[301:]):
        newest.write_bytes(damaged)
        before = contents(tmp_path / "b")
        with pytest.raises(ValueError, match="epoch-0002.npz is damaged.*; move it .* to resume from epoch-0001"):
            trained(3, tmp_path / "b", made)
        assert contents(tmp_path / "b") == before
        assert made[2].optimizer.num_update == 0
    newest.rename(tmp_path / newest.name)
    assert_same(trained(3, tmp_path / "b", parts()), straight)


@pytest.fixture(scope="module")
def whole_one(tmp_path_factory):
    """Return a checkpoint's bytes, the weights in it, and data, network and trainer to read it into."""
    made, folder = parts("adam"), tmp_path_factory.mktemp("whole")
    weights = trained(1, folder, made)[1]
    return (folder / "epoch-0001.npz").read_bytes(), weights, made


@given(st.data())
def test_any_damage_is_refused_or_harmless(tmp_path_factory, whole_one, data):
    raw, weights, (batches, net, trainer) = whole_one
    damaged = bytearray(raw)
    for _ in range(data.draw(st.integers(0, 4))):
        damaged[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    folder = tmp_path_factory.getbasetemp() / "damaged"
    folder.mkdir(exist_ok=True)
    (folder / "epoch-0001.npz").write_bytes(damaged[: data.draw(st.integers(0, len(raw)) | st.just(len(raw)))])
    trainer.optimizer.num_update = -1
    try:
        Checkpoint(folder, net, trainer, train_data=batches).restore()
    except ValueError as error:
        refused(error, "epoch-0001.npz ")
        assert trainer.optimizer.num_update == -1
    else:
        assert trainer.optimizer.num_update == 4
    for p, expected in zip(net.collect_params().values(), weights):
        np.testing.assert_array_equal(p.data().asnumpy(), expected)


WRONG_ABOUT = {
    "no seed": lambda about: about.pop("seed"),
    "no history": lambda about: about.pop("history"),
    "a history that is none": lambda about: about.update(history={"loss": 1}),
    "no number of updates": lambda about: about["state"]["optimizer"].pop("num_update"),
    "no optimizer": lambda about: about.pop("optimizer"),
    "a history without a list": lambda about: about["history"].pop("seconds"),
    "a history of words": lambda about: about["history"].update(loss=["1"]),
    "numbers that are none": lambda about: about["state"]["optimizer"].update(lr="0.1"),
    "counts of words": lambda about: about["state"].update(updates={"0": {"0.weight": "one"}}),
    "no state": lambda about: about["state"].update(parameters={"dict": []}),
    "no place": lambda about: about.pop("place"),
    "a schedule that is none": lambda about: about.pop("schedule"),
    "no checksum": lambda about: about.pop("checksum"),
    "another format": lambda about: about.update(format=1),
}


@pytest.mark.parametrize("change", WRONG_ABOUT.values(), ids=WRONG_ABOUT)
def test_one_that_lacks_a_part_changes_nothing(tmp_path, change):
    """A whole archive that another program wrote."""
    trained(1, tmp_path, parts("adam"))
    path = tmp_path / "epoch-0001.npz"
    with np.load(path) as file:
        contents = {name: file[name] for name in file.files}
    about = json.loads(str(contents["about"]))
    change(about)
    np.savez(path, **{**contents, "about": np.array(json.dumps(about))})
    data, net, trainer = parts("adam")
    net(nd.array(PICTURES[:2, None]))
    before = [p.data().asnumpy() for p in net.collect_params().values()]
    with pytest.raises(ValueError, match="epoch-0001.npz is damaged"):
        Checkpoint(tmp_path, net, trainer, train_data=data).restore(check=history.read_history)
    for p, expected in zip(net.collect_params().values(), before):
        np.testing.assert_array_equal(p.data().asnumpy(), expected)
    assert (trainer.optimizer.num_update, data.epoch) == (0, 0)


def test_pickled_objects_are_refused_unread(tmp_path):
    class Trap:
        def __reduce__(self):
            return Path.touch, (tmp_path / "sprung",)

    folder = tmp_path / "checkpoints"
    folder.mkdir()
    np.savez(folder / "epoch-0001.npz", about=np.array([Trap()], dtype=object))
    with pytest.raises(ValueError, match="is damaged"):
        trained(2, folder, parts())
    assert not (tmp_path / "sprung").exists()


def test_one_of_more_epochs_and_a_file_instead_of_the_folder_are_refused(tmp_path):
    trained(3, tmp_path, parts())
    made = parts()
    with pytest.raises(ValueError, match=r"epoch-0003.npz .* 3 epochs; num_epochs is 2"):
        trained(2, tmp_path, made)
    assert (made[0].epoch, made[2].optimizer.num_update) == (0, 0)
    with pytest.raises(NotADirectoryError, match="epoch-0003.npz is not a folder: choose another one"):
        trained(1, tmp_path / "epoch-0003.npz", parts())


def test_a_full_disk_leaves_what_was_there(tmp_path):
    trained(1, tmp_path, parts())
    before, made = contents(tmp_path), parts()
    keeper = Checkpoint(tmp_path, made[1], made[2], train_data=made[0])
    history = keeper.restore()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(OSError, match=r"epoch-0002.npz could not be written: File too large"):
            keeper.save({name: values * 2 for name, values in history.items()})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert contents(tmp_path) == before


def test_what_stops_the_writing_leaves_what_was_there(tmp_path, monkeypatch):
    trained(1, tmp_path, parts())
    before = contents(tmp_path)

    def stopped(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(np.lib.format, "write_array", stopped)
    trained(2, tmp_path, parts())  # ends early, as with Ctrl-C anywhere else
    assert contents(tmp_path) == before


OURS = """
import sys
sys.path.insert(0, sys.argv[2])
from tests.training.test_checkpoint import parts, trained
print("begins", flush=True)
trained(20, sys.argv[1], parts("adam"))
"""
OWN = """
import random, sys
sys.path.insert(0, sys.argv[2])
from tests.training.test_checkpoint import trained
from tests.training.test_resuming import TWELVE, made
parts = made(TWELVE, "nadam", before=random.randrange(4), frozen=[3])
print("begins", flush=True)
trained(6, sys.argv[1], parts)
"""


def training_seconds(program, folder, limit=600.0):
    """Train in a process of its own; return how long that took, or None when it was killed at the limit."""
    command = [sys.executable, "-c", program, str(folder), str(Path(__file__).parents[2])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "begins\n"
        start = time.perf_counter()
        try:
            assert process.wait(limit) == 0
            return time.perf_counter() - start
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            return None


def arrays(path):
    with np.load(path) as file:
        return {name: file[name] for name in set(file.files) - {"about"}}


@pytest.mark.parametrize("program", [OURS, OWN], ids=["a small network", "12 convolutions, made again and again"])
def test_killed_again_and_again(tmp_path, program):
    """GLUON_CNN_KILLS=50 is the full test; a few kills are made each time."""
    seconds = training_seconds(program, tmp_path / "straight")
    last = max(path.name for path in (tmp_path / "straight").iterdir())
    expected = arrays(tmp_path / "straight" / last)
    moments, kills, runs, folder = random.Random(0), 0, 0, tmp_path / "0"
    while kills < KILLS:
        if training_seconds(program, folder, moments.uniform(0, seconds)):
            assert_equal(arrays(folder / last), expected)
            runs += 1
            folder = tmp_path / str(runs)  # begin again
        else:
            kills += 1
    assert training_seconds(program, folder)
    assert_equal(arrays(folder / last), expected)
    assert len(list(folder.glob("epoch-*.npz"))) == 2


def assert_equal(found, expected):
    assert found.keys() == expected.keys()
    for name in expected:
        np.testing.assert_array_equal(found[name], expected[name])


# The commands


@pytest.fixture
def few_pictures(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    few = (PICTURES.repeat(3, 1).repeat(3, 2), LABELS)
    monkeypatch.setattr(experiment, "load_data", lambda _, size, resize, **__: [g.Batches(*few, size, resize)] * 2)


def interrupted_after(epochs, monkeypatch):
    """Simulate Ctrl-C during the evaluation of a later epoch."""
    calls, evaluate = [], loop.measure

    def impatient(*arguments, **more):
        calls.append(1)
        if len(calls) > epochs:
            raise KeyboardInterrupt
        return evaluate(*arguments, **more)

    monkeypatch.setattr(loop, "measure", impatient)


def test_a_training_is_resumed_by_command(few_pictures, monkeypatch, capsys, tmp_path, refused_command):
    arguments = ["train", "lenet", "--epochs", "3", "--optimizer", "adam"]
    assert cli.main([*arguments, "--output", "straight"]) == 0
    files = "checkpoints curves.png history.csv history.json network.params"
    assert sorted(path.name for path in Path("straight").iterdir()) == files.split()
    with monkeypatch.context() as patch:
        interrupted_after(2, patch)
        assert cli.main(arguments) == 0
    assert " train --resume runs/lenet resumes after the last completed epoch" in capsys.readouterr().out
    assert len(Run.load("runs/lenet").history) == 2
    refused_command("--resume it, or", *arguments, "--output", "runs/lenet")

    assert cli.main(["train", "--resume", "runs/lenet"]) == 0
    for folder in ("runs/lenet", "straight"):
        assert [path.name for path in Path(folder, "checkpoints").iterdir()] == ["epoch-0003.npz"]
    assert len(list(Path("runs/lenet").iterdir())) == len(list(Path("straight").iterdir()))
    one, other = nd.load("straight/network.params"), nd.load("runs/lenet/network.params")
    for name in one:
        np.testing.assert_array_equal(one[name].asnumpy(), other[name].asnumpy())
    refused_command(
        "lenet contains a finished training run: there is nothing to resume", "train", "--resume", "runs/lenet"
    )
    for name in ("vgg", "nin"):
        Path("runs", name).mkdir()
    Path("runs/nin/settings.json").write_text("{}")
    assert cli.main(["train", "--resume", "runs/vgg"]) == 1
    message = "runs/vgg contains no interrupted training run (settings.json is missing); runs/nin does"
    assert message in capsys.readouterr().err


def test_checkpoints_of_ones_own_are_neither_used_nor_removed(few_pictures, monkeypatch, capsys):
    mine = Path("out", "checkpoints")
    mine.mkdir(parents=True)
    (mine / "mine.txt").write_text("mine")
    assert cli.main(["train", "lenet", "--output", "out"]) == 1
    captured = capsys.readouterr()
    assert "out/checkpoints already exists: choose another --output" in captured.err
    assert "Training on" not in captured.out
    assert contents(mine) == {"mine.txt": b"mine"}
    assert [path.name for path in Path("out").iterdir()] == ["checkpoints"]

    with monkeypatch.context() as patch:
        interrupted_after(1, patch)
        assert cli.main(["train", "lenet", "--epochs", "2", "--output", "later"]) == 0
    (Path("later", "checkpoints", "mine.txt")).write_text("mine")
    (Path("later", "checkpoints", "epoch-0002.npz.123.part")).write_text("cut off by SIGKILL")
    capsys.readouterr()
    assert cli.main(["train", "--resume", "later"]) == 0
    assert "--resume" not in capsys.readouterr().out
    assert sorted(contents(Path("later", "checkpoints"))) == ["epoch-0002.npz", "mine.txt"]


def test_resuming_takes_no_other_settings(few_pictures, monkeypatch, capsys, refused_command):
    with monkeypatch.context() as patch:
        interrupted_after(1, patch)
        cli.main(["train", "lenet", "--epochs", "2"])
    for more in (["--lr", "0.01"], ["lenet"]):
        assert cli.main(["train", "--resume", "runs/lenet", *more]) == 1
        words = f"--resume uses the settings of the original training: leave out {more[0]}"
        assert words in capsys.readouterr().err
    path = Path("runs/lenet/settings.json")
    stored = json.loads(path.read_text())
    for damaged in ("", "[]", "[" * 100_000, json.dumps({**stored, "more": 1})):
        path.write_text(damaged)
        refused_command("settings.json is damaged", "train", "--resume", "runs/lenet")
    settings = {name: value for name, value in stored["settings"].items() if name != "seconds"}  # as 0.1.0 wrote them
    wrong = [
        *({"num_epochs": value} for value in ("3", 1.5, True, None)),
        *({"network": value} for value in (["lenet"], None)),
        *({name: "28"} for name in ("resize", "channels", "batch_size", "learning_rate", "momentum", "random_seed")),
        *({name: None} for name in ("dataset", "batch_size", "learning_rate", "broken")),
        *({name: 3} for name in ("optimizer", "initializer", "dataset")),
    ]
    for change in wrong:
        path.write_text(json.dumps({**settings, **change}))
        assert cli.main(["train", "--resume", "runs/lenet"]) == 1
        message = f"does not contain settings saved by `train`: {next(iter(change))} is "
        assert message in capsys.readouterr().err
    path.write_text(json.dumps(settings))
    assert cli.main(["train", "--resume", "runs/lenet"]) == 0
    assert len(Run.load("runs/lenet").history) == 2


def test_what_never_began_leaves_nothing(few_pictures, refused_command):
    assert cli.main(["train", "lenet", "--optimizer", "sdg"]) == 1
    assert not Path("runs/lenet").exists()
    refused_command("name a network", "train")
