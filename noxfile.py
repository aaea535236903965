"""The package's tests in every supported Python that is installed, with the core alone and in full: make test-all."""

import os

import nox

PYTHONS = ["3.10", "3.11", "3.12", "3.13", "3.14"]
TESTS = ["pytest>=8", "pytest-xdist", "hypothesis>=6", "pyyaml"]
CORE = ["numpy", "matplotlib", "pillow", "tqdm", "requests", "lazy-loader", "threadpoolctl"]
MXNET = "mxnet==1.9.1"

nox.needs_version = ">=2024.4"
nox.options.default_venv_backend = "uv"
os.environ.setdefault("UV_PYTHON_DOWNLOADS", "never")  # uv would look for a missing Python on the network
nox.options.error_on_missing_interpreters = False  # those that are not installed are named and left out


@nox.session(python=PYTHONS)
@nox.parametrize("dependencies", ["newest", "oldest"])
def core(session: nox.Session, dependencies: str) -> None:
    """What the README's command for one's own work installs, in the newest or the oldest versions that are allowed."""
    oldest = ["--resolution", "lowest-direct", *(f"--only-binary={name}" for name in CORE)]  # that have a wheel
    session.install("-e", ".", MXNET, *(oldest if dependencies == "oldest" else []))
    session.install(*TESTS)
    _test(session)


@nox.session(python=PYTHONS)
def full(session: nox.Session) -> None:
    """All that the course uses, in the newest versions."""
    session.install("-e", ".[course,dev,export,pretrained]", MXNET)
    session.run("mypy")  # what it finds depends on the versions of NumPy and Pillow
    _test(session)


def _test(session: nox.Session) -> None:
    session.run("uv", "pip", "list", "--quiet", external=True)
    env = {"OMP_NUM_THREADS": "1"}
    session.run("python", "-m", "pytest", "tests", "-q", "-n", "auto", *session.posargs, env=env)
