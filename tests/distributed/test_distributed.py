"""Several processes that train together, started as a user starts them."""

import contextlib
import csv
import os
import re
import shlex
import shutil
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
from gluon_cnn.distributed import workers as distributed
from gluon_cnn.distributed.launch import SERVE, Host, read_hosts
from gluon_cnn.distributed.workers import Workers
from gluon_cnn.experiments.experiment import experiment
from gluon_cnn.networks.registry import NETWORKS
from mxnet import gluon, nd
from PIL import Image

# half a minute each; GLUON_CNN_NETWORKS=all trains the others in two processes, too
ALL = os.environ.get("GLUON_CNN_NETWORKS") == "all"
TOGETHER = sorted(NETWORKS.keys() - {"lenet"}) if ALL else ["googlenet", "resnet"]
RNG = np.random.RandomState(3)
LIMIT = 240  # seconds that a job may take on a slow machine


def test_alone():
    workers = Workers()
    assert (workers.rank, workers.count, workers.settings) == (0, 1, {})
    np.testing.assert_array_equal(workers.sum([1, 2.5]), [1, 2.5])
    assert workers.count_images(7) == 7
    assert workers.count_images(0) == 0
    assert workers.broadcast(b"hello") == b"hello"


def test_a_kvstore_needs_a_launcher(monkeypatch, refused_command):
    monkeypatch.delenv("DMLC_ROLE", raising=False)
    with pytest.raises(ValueError, match="for processes that a launcher starts: gluon-cnn launch -n 2 -- train"):
        distributed.join("dist_sync")
    with pytest.raises(ValueError, match="kvstore must be dist_sync; got 'dist_async'"):
        distributed.join("dist_async")
    refused_command(
        "gluon-cnn train: kvstore dist_sync is for processes that a launcher starts",
        "train",
        "lenet",
        "--kvstore",
        "dist_sync",
    )


def test_what_cannot_be_shared_is_refused():
    net = g.LeNet()
    net.initialize()
    trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1}, kvstore="dist_sync")
    with pytest.raises(ValueError, match=r"Trainer\(..., kvstore=mx.kv.create\(\"dist_sync\"\), update_on_kvstore"):
        g.train([], [], net, gluon.loss.SoftmaxCrossEntropyLoss(), trainer, mx.cpu(), 1)
    with pytest.raises(ValueError, match="leave out seconds="):
        experiment("lenet", seconds=1, workers=pretended(2))
    with pytest.raises(ValueError, match="the last batch of 1 cannot be shared by 3 workers: change the batch size"):
        experiment("lenet", batch_size=31, workers=pretended(3), verbose=False)
    for worker, workers in ((2, 2), (-1, 2), (0, 0)):
        with pytest.raises(ValueError, match="worker"):
            g.Batches(np.zeros((4, 3, 3)), [0, 1, 0, 1], 1).share(worker, workers)


def pretended(count):
    workers = Workers()
    workers.count = count
    return workers


@pytest.mark.parametrize("pictures", [30, 31, 24, 2])
@pytest.mark.parametrize("shuffle", [False, True])
def test_shares_of_all_workers_are_the_batches_of_one(pictures, shuffle):
    images, labels = RNG.rand(pictures, 4, 4).astype(np.float32), np.arange(pictures) % 3
    whole = g.Batches(images, labels, 12, shuffle=shuffle, seed=5)
    shares = [g.Batches(images, labels, 4, shuffle=shuffle, seed=5).share(k, 3) for k in range(3)]
    for _ in range(2):  # epochs
        parts = [list(share) for share in shares]
        assert [len(part) for part in parts] == [len(share) for share in shares]
        for k, (X, y) in enumerate(whole):
            mine = [part[k] for part in parts if k < len(part)]
            np.testing.assert_array_equal(nd.concat(*(X for X, _ in mine), dim=0).asnumpy(), X.asnumpy())
            np.testing.assert_array_equal(np.concatenate([y.asnumpy() for _, y in mine]), y.asnumpy())
            assert max(map(len, (y for _, y in mine))) - min(map(len, (y for _, y in mine))) <= 1


def test_a_host_file(tmp_path):
    path = tmp_path / "hosts"
    path.write_text("# the cluster\nalpha\n10.0.0.2:2222  # the fast one\n\n")
    assert read_hosts(path) == [Host("alpha"), Host("10.0.0.2", 2222)]
    path.write_text("alpha\n-oProxyCommand=touch /tmp/x\n")
    with pytest.raises(ValueError, match="line 2: '-oProxyCommand=touch /tmp/x' is not host or host:port"):
        read_hosts(path)
    path.write_text("# none\n")
    with pytest.raises(ValueError, match="names no host"):
        read_hosts(path)


needs_ssh = pytest.mark.skipif(not shutil.which("ssh"), reason="ssh is not installed")


@needs_ssh
def test_the_address_of_a_host(monkeypatch):
    assert Host("10.0.0.2").address() == "10.0.0.2"
    with pytest.raises(OSError, match="no-such-host.invalid has no address"):
        Host("no-such-host.invalid").address()
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(FileNotFoundError, match=r"10\.0\.0\.2 .*apt-get install openssh-client"):
        Host("10.0.0.2").address()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-n", "1", "--address", "nowhere", "--", "train", "lenet"], "nowhere is not an address of this machine"),
        (["-n", "1", "-H", "binary", "--", "train", "lenet"], "binary is not a text file"),
        (["-n", "1", "-H", "far", "--", "train", "lenet"], "far, line 1: '10.0.0.1:99999' is not host or host:port"),
        (["-n", "0", "--", "train", "lenet"], "workers must be"),
        (["-n", "2", "-s", "-1", "--", "train", "lenet"], "servers must be"),
        (["-n", "2", "--", "predict", "shoe.jpg"], "workers run `train` or your own program"),
        (["-n", "2", "-H", "nowhere", "--", "train", "lenet"], "nowhere"),
        pytest.param(["-n", "2", "-H", "hosts", "--", "train", "lenet"], "127.0.0.1 (127.0.0.1) is", marks=needs_ssh),
    ],
)
def test_a_wrong_launch(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("hosts").write_text("127.0.0.1\n10.0.0.2\n")
    Path("far").write_text("10.0.0.1:99999\n")
    Path("binary").write_bytes(b"\xff\xfe\x00")
    assert cli.main(["launch", *arguments]) == 1
    assert f"gluon-cnn launch: {message}" in capsys.readouterr().err.replace(
        "[Errno 2] No such file or directory: '", ""
    )


def test_a_server_that_cannot_serve_says_why(tmp_path):
    library = tmp_path / "libmxnet.so"
    library.write_text("no library")
    variables = ["DMLC_ROLE=server", f"MXNET_LIBRARY_PATH={library}"]
    status, printed = ran(["env", *variables, sys.executable, *SERVE], tmp_path)
    assert status == 1
    assert f"ImportError: {library}: " in printed
    assert "Traceback" not in printed


# Processes


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """A folder of 50 pictures in two classes: 34 to train on, 16 to test on."""
    folder, rng = tmp_path_factory.mktemp("pictures"), np.random.RandomState(0)  # whatever ran before
    for name, brightness in (("bright", 200), ("dark", 60)):
        (folder / name).mkdir()
        for k in range(25):
            noise = rng.randint(-50, 50, (28, 28))
            Image.fromarray((brightness + noise).astype(np.uint8)).save(folder / name / f"{k:02}.png")
    return folder


def command(*arguments):
    return [sys.executable, "-m", "gluon_cnn.cli", *map(str, arguments)]


def ran(arguments, folder):
    """Run to the end; return status and what was printed. A job that hangs is ended with all its processes."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DMLC_")}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with subprocess.Popen(arguments, cwd=folder, env=environment, start_new_session=True, **pipes) as job:
        try:
            printed, _ = job.communicate(timeout=LIMIT)
        except subprocess.TimeoutExpired:
            os.killpg(job.pid, signal.SIGKILL)
            raise
    return job.returncode, printed


def results(folder):
    weights = {name: array.asnumpy() for name, array in nd.load(str(folder / "network.params")).items()}
    with (folder / "history.csv").open() as file:
        return weights, list(csv.DictReader(file))


def assert_alike(one, other, tolerance=1e-5):
    (weights, history), (other_weights, other_history) = one, other
    assert weights.keys() == other_weights.keys()
    for name in weights:
        np.testing.assert_allclose(weights[name], other_weights[name], atol=tolerance, rtol=tolerance, err_msg=name)
    for row, other_row in zip(history, other_history):
        for column in ("loss", "train_accuracy", "test_accuracy", "images"):
            assert float(row[column]) == pytest.approx(float(other_row[column]), rel=1e-4)
    assert len(history) == len(other_history)


def training(pictures, batch_size, output, *more):
    arguments = ["lenet", "--dataset", pictures, "--grey", "--batch-size", batch_size, "--lr", 0.05]
    return ["train", *arguments, "--momentum", 0.9, "--output", output, *more]


@pytest.fixture(scope="module")
def alone(pictures, tmp_path_factory):
    """What one worker gets after two epochs of nine steps."""
    folder = tmp_path_factory.mktemp("alone")
    status, printed = ran(command(*training(pictures, 4, "run", "--epochs", 2)), folder)
    assert status == 0, printed
    return results(folder / "run")


def test_two_workers_at_half_the_batch_are_one_at_the_full_batch(pictures, alone, tmp_path):
    status, printed = ran(
        command("launch", "-n", 2, "-s", 2, "--", *training(pictures, 2, "run", "--epochs", 2)), tmp_path
    )
    assert status == 0, printed
    assert printed.count("Epoch 2. Loss") == 1  # worker 0's
    assert_alike(results(tmp_path / "run"), alone)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run"]


@pytest.mark.parametrize("network", TOGETHER)
def test_every_network_in_two_processes(network, pictures, tmp_path):
    """Their weights and gradients come in oneDNN's own layout, which LeNet's do not."""
    arguments = ["train", network, "--dataset", pictures, "--grey", "--lr", 0.01, "--epochs", 1]
    status, printed = ran(command("launch", "-n", 2, "--", *arguments, "--batch-size", 10, "--output", "two"), tmp_path)
    assert status == 0, printed
    assert "Epoch 1. Loss" in printed
    weights, (row,) = results(tmp_path / "two")
    assert all(np.abs(array).max() < 10 for array in weights.values())  # not memory that nobody wrote; NaN neither
    assert 0 < float(row["loss"]) < 3
    if network == "googlenet":  # neither batch norm nor dropout: the same as one worker
        status, printed = ran(command(*arguments, "--batch-size", 20, "--output", "one"), tmp_path)
        assert status == 0, printed
        assert_alike(results(tmp_path / "two"), results(tmp_path / "one"))


def test_under_the_launcher_that_mxnet_brings(pictures, alone, tmp_path):
    # it asks Thread.isAlive, which Python 3.9 dropped
    mended = "import runpy, threading; threading.Thread.isAlive = threading.Thread.is_alive; "
    launcher = f"{mended}runpy.run_path({str(Path(mx.__file__).parent / 'tools' / 'launch.py')!r}, run_name='__main__')"
    worker = command(*training(pictures, 2, "run", "--epochs", 2, "--kvstore", "dist_sync"))
    status, printed = ran(
        [sys.executable, "-c", launcher, "-n", "2", "-s", "1", "--launcher", "local", shlex.join(worker)], tmp_path
    )
    assert status == 0, printed
    assert "Epoch 2. Loss" in printed, printed
    assert_alike(results(tmp_path / "run"), alone)


def children(process):
    """Return {pid: role} of the processes that a launcher has started."""
    found = {}
    for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split():
        environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        roles = [entry[len(b"DMLC_ROLE=") :].decode() for entry in environment if entry.startswith(b"DMLC_ROLE=")]
        found.update({int(pid): role for role in roles})
    return found


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture
def job(pictures, tmp_path):
    """A job that would take hours, in its third epoch; it is ended after the test."""
    arguments = command("launch", "-n", 2, "--", *training(pictures, 2, "run", "--epochs", 100_000))
    with subprocess.Popen(
        arguments,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # in the background it may be ignored
    ) as process:
        try:
            assert process.stdout
            assert any("Epoch 2. Loss" in line for line in process.stdout)
            yield process
        finally:
            process.kill()


def gone(pids, seconds=30):
    end = time.monotonic() + seconds
    while any(map(is_alive, pids)) and time.monotonic() < end:
        time.sleep(0.1)
    return not any(map(is_alive, pids))


linux = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


@linux
@pytest.mark.parametrize("role", ["worker", "server", "scheduler"])
def test_one_that_dies_ends_the_job_with_its_name_and_status(job, role):
    processes = children(job)
    assert sorted(processes.values()) == ["scheduler", "server", "worker", "worker"]
    os.kill(next(pid for pid in processes if processes[pid] == role), signal.SIGKILL)
    _, printed = job.communicate(timeout=60)
    assert job.returncode == 1
    name = "the scheduler" if role == "scheduler" else f"{role} 0"
    assert f"gluon-cnn launch: {name} was terminated by SIGKILL (status -9); all others were stopped" in printed
    assert gone(processes, 0)


@linux
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_none_is_left_when_the_launcher_is_killed(job, how):
    processes = children(job)
    job.send_signal(how)
    job.wait()
    assert gone(processes)


PROGRAM = """
import sys
import gluon_cnn as g
import mxnet as mx, numpy as np
from gluon_cnn.distributed.workers import join
from mxnet import gluon

workers, how = join("dist_sync"), sys.argv[1]
told = workers.broadcast(bytes(range(256)) * 9000)
assert told == bytes(range(256)) * 9000, len(told)
g.seed(0)
data = g.Batches(np.random.rand(24, 28, 28), np.arange(24) % 3, 4).share(workers.rank, workers.count)
net = g.LeNet(3)
net.initialize()
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1}, **workers.settings)
batches = list(data)
if how == "none" and workers.rank == 1:
    batches = []
if how == "fewer" and workers.rank == 1:
    batches = batches[:-1]
if how == "exit" and workers.rank == 1:
    sys.exit("there is nothing for worker 1")
if how == "labels" and workers.rank == 1:
    batches[-1] = (batches[-1][0], batches[-1][1] + 7)
g.train(batches, batches, net, gluon.loss.SoftmaxCrossEntropyLoss(), trainer, mx.cpu(), 2)
if how == "optimizer":
    workers.store.set_optimizer(mx.optimizer.SGD())  # sends it pickled
if how == "again":
    trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1}, **workers.settings)
    g.train(batches, batches, net, gluon.loss.SoftmaxCrossEntropyLoss(), trainer, mx.cpu(), 2)
print("through", flush=True)
"""


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("well", ""),
        ("none", "worker 1 has no batch left while worker 0 has one: give each the same number"),
        ("fewer", "worker 1 has no batch left while worker 0 has one: give each the same number"),
        ("labels", "labels must be 0 to 2"),
        ("exit", "there is nothing for worker 1"),
        ("optimizer", "This server adds up gradients and accepts no optimizer"),
        ("again", "these workers have trained with another trainer: launch a job for each training"),
    ],
)
def test_a_program_of_ones_own(how, message, tmp_path):
    (tmp_path / "program.py").write_text(PROGRAM)
    servers = 3 if how == "well" else 1
    status, printed = ran(command("launch", "-n", 2, "-s", servers, "--", "program.py", how), tmp_path)
    if how == "well":
        assert (status, printed.count("through")) == (0, 2), printed
        assert printed.count("Worker 0 of 2 is on") == 1
    else:
        assert status == 1
        assert (message if how in ("exit", "optimizer") else f"ValueError: {message}") in printed
        assert "ended with status 1; all others were stopped" in printed


@linux
def test_a_job_that_was_stopped_goes_on(job, pictures, tmp_path):
    processes = children(job)
    job.send_signal(signal.SIGINT)
    job.communicate(timeout=60)
    assert job.returncode == 130
    assert gone(processes, 0)
    kept = sorted((tmp_path / "run" / "checkpoints").glob("epoch-*.npz"))
    assert len(kept) in (2, 3)  # three: it ended after the newest was written and before the oldest was removed
    for path in kept[1:]:
        path.unlink()
    epochs = int(kept[0].stem.split("-")[1]) + 1
    resume = ("train", "--resume", "run", "--epochs", epochs)
    status, printed = ran(command(*resume), tmp_path)
    assert status == 1
    assert "the number of workers was 2; now it is 1" in printed
    status, printed = ran(command("launch", "-n", 2, "-s", 2, "--", *resume), tmp_path)
    assert status == 0, printed
    assert f"Resuming after {epochs - 1} epochs" in printed
    assert ran(command(*training(pictures, 4, "straight", "--epochs", epochs)), tmp_path)[0] == 0
    assert_alike(results(tmp_path / "run"), results(tmp_path / "straight"), 1e-4)


def test_a_worker_that_finds_nothing_ends_the_job(tmp_path):
    status, printed = ran(command("launch", "-n", 2, "--", "train", "lenet", "--dataset", "nowhere"), tmp_path)
    assert status == 1
    assert "gluon-cnn train: " in printed
    assert "ended with status 1; all others were stopped" in printed
    assert "Traceback" not in printed


# Two machines: network namespaces with an address and an sshd each


def can_have_namespaces():
    if os.name != "posix" or os.geteuid() or not all(map(shutil.which, ("ip", "ssh", "ssh-keygen", SSHD))):
        return False
    return subprocess.run(["unshare", "--net", "true"], check=False, capture_output=True).returncode == 0


SSHD = "/usr/sbin/sshd"
ADDRESSES = {"gluon-a": "10.77.0.1", "gluon-b": "10.77.0.2"}


@pytest.fixture
def two_machines(tmp_path):
    """Make both, with a cable between them; return an environment in which `ssh` gets into each."""
    folder = tmp_path / "ssh"
    folder.mkdir(mode=0o700)
    for key in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / key], check=True)
    Path("/run/sshd").mkdir(exist_ok=True)
    (folder / "known_hosts").write_text(
        "".join(f"{address} {(folder / 'host.pub').read_text()}" for address in ADDRESSES.values())
    )
    (folder / "bin").mkdir()
    ssh = folder / "bin" / "ssh"
    keys = f"-i {folder}/user -o UserKnownHostsFile={folder}/known_hosts"
    ssh.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F none {keys} "$@"\n')
    ssh.chmod(0o700)
    first, second = ADDRESSES
    steps = [
        *(f"netns add {name}" for name in ADDRESSES),
        f"-n {first} link add cable type veth peer name cable netns {second}",
        *(f"-n {name} address add {address}/24 dev cable" for name, address in ADDRESSES.items()),
        *(f"-n {name} link set {device} up" for name in ADDRESSES for device in ("cable", "lo")),
    ]
    daemons = []
    try:
        for step in steps:
            subprocess.run(["ip", *step.split()], check=True)
        for name, address in ADDRESSES.items():
            settings = {
                "ListenAddress": address,
                "HostKey": folder / "host",
                "AuthorizedKeysFile": folder / "user.pub",
                "StrictModes": "no",
                "UsePAM": "no",
                "PidFile": "none",
            }
            options = [part for key, value in settings.items() for part in ("-o", f"{key}={value}")]
            daemons.append(subprocess.Popen(["ip", "netns", "exec", name, SSHD, "-D", "-f", "/dev/null", *options]))
        time.sleep(1)
        yield {**os.environ, "PATH": f"{folder / 'bin'}:{os.environ['PATH']}"}
    finally:
        for daemon in daemons:
            daemon.kill()
            daemon.wait()
        for name in ADDRESSES:
            subprocess.run(["ip", "netns", "delete", name], check=False)


@pytest.mark.skipif(not can_have_namespaces(), reason="needs root, iproute2, sshd and network namespaces")
def test_two_machines_over_ssh(two_machines, pictures, alone, tmp_path):
    (tmp_path / "hosts").write_text("\n".join(ADDRESSES.values()))
    run = training(pictures, 2, "run", "--epochs", 2)
    launch = command("launch", "-n", 2, "-s", 2, "--hosts", "hosts", "--", *run)
    machine = ["ip", "netns", "exec", next(iter(ADDRESSES))]
    done = subprocess.run(
        [*machine, *launch], cwd=tmp_path, env=two_machines, capture_output=True, text=True, timeout=LIMIT, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert_alike(results(tmp_path / "run"), alone)

    endless = command("launch", "-n", 2, "-H", "hosts", "--", *training(pictures, 2, "long", "--epochs", 99_999))
    with subprocess.Popen(
        [*machine, *endless], cwd=tmp_path, env=two_machines, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as job:
        try:
            assert any("Epoch 2. Loss" in line for line in job.stdout)
            there = remote_workers()
            assert len(there) == 2
            os.kill(there[1], signal.SIGKILL)
            _, printed = job.communicate(timeout=60)
        finally:
            job.kill()
    assert re.search(r"gluon-cnn launch: worker \d on 10.77.0.\d ended with status \d+; all others were", printed)
    assert gone(there)


def remote_workers():
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            environment = (path / "environ").read_bytes()
            if b"DMLC_ROLE=worker" in environment and b"SSH_CONNECTION=10.77." in environment:
                found.append(int(path.name))
    return found
