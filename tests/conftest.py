"""Settings of all tests: no windows, no progress bars, seeded."""

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path

os.environ["TQDM_DISABLE"] = "1"
os.environ.setdefault("MPLBACKEND", "agg")

import gluon_cnn
import pytest
from gluon_cnn.cli import main as cli
from hypothesis import settings
from matplotlib import pyplot as plt
from PIL import Image

# a slow machine is no failure, and the same cases each time
settings.register_profile("course", deadline=None, derandomize=True)
# HYPOTHESIS_PROFILE=search pytest -k any_: look for new cases, for an hour
settings.register_profile("search", deadline=None, max_examples=100_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "course"))

# What takes seconds, most of it because it starts processes; make check leaves it out.
SLOW = (
    "tests/cli/test_kinds_of_images.py",
    "tests/core/test_startup.py",
    "tests/deploy/",
    "tests/distributed/",
    "tests/networks/test_all_networks.py::test_a_shorter_batch",
    "tests/networks/test_all_networks.py::test_dropout",
    "tests/networks/test_all_networks.py::test_hybridized",
    "tests/networks/test_all_networks.py::test_the_same_seed",
    "tests/reports/test_runs.py",
    "tests/test_compat.py",
    "tests/test_docs.py::test_the_readmes_commands",
    "tests/test_docs.py::test_your_own_images",
    "tests/test_project.py::test_a_clone",
    "tests/test_project.py::test_make_lab_serves",
    "tests/test_project.py::test_the_readmes_program",
    "tests/test_project.py::test_the_tests_are_collected",
    "tests/training/test_checkpoint.py::test_killed",
    "tests/training/test_resuming.py",
)


def pytest_collection_modifyitems(items):
    for item in items:
        if item.nodeid.startswith(SLOW):
            item.add_marker("slow")


@pytest.fixture(autouse=True)
def _seeded():
    gluon_cnn.seed(0)
    plt.ion()  # figures stay open, to be looked at
    yield
    plt.close("all")


@pytest.fixture
def no_usual_places(monkeypatch, tmp_path):
    """Hide every copy of the full Fashion-MNIST that this machine may have."""
    monkeypatch.delenv("GLUON_CNN_DATA", raising=False)
    monkeypatch.setenv("MXNET_HOME", str(tmp_path / "mxnet-home"))
    monkeypatch.setattr("gluon_cnn.data.fashion_mnist.DEBIAN_FOLDER", tmp_path / "debian")
    return tmp_path


@pytest.fixture
def open_folder():
    """A folder that everybody may enter, also those who may not enter pytest's."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        yield Path(folder)


@pytest.fixture
def as_nobody():
    """Return a context in which permissions count: root may read everything."""

    @contextmanager
    def nobody():
        before = os.geteuid()
        if before == 0:
            os.seteuid(65534)
        try:
            yield
        finally:
            os.seteuid(before)

    return nobody


@pytest.fixture
def write_images():
    """Return a function that writes images of one colour: {"a/1.png": 7} or {"a/1.png": (250, 10, 10)}."""

    def write(folder, values, size=(9, 9)):
        for name, value in values.items():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB" if isinstance(value, tuple) else "L", size, value).save(path)
        return Path(folder)

    return write


@pytest.fixture
def refused_command(capsys):
    """Return a function that asserts that a command ends with an error of certain words."""

    def refused(words, *arguments):
        capsys.readouterr()
        assert cli.main([*map(str, arguments)]) == 1
        assert words in capsys.readouterr().err

    return refused
