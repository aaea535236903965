"""The package's tests in every Python that is allowed, with the core alone and in full: make test-all."""

import nox

PYTHONS = ["3.8", "3.9", "3.10", "3.11", "3.12", "3.13"]
TOOLS = ["pytest>=8", "hypothesis>=6", "pyyaml"]

nox.needs_version = ">=2024.4"
nox.options.default_venv_backend = "uv"
nox.options.error_on_missing_interpreters = False  # those that are not installed are named and left out


@nox.session(python=PYTHONS)
@nox.parametrize("dependencies", ["newest", "oldest"])
def core(session: nox.Session, dependencies: str) -> None:
    """What `pip install gluon-cnn` brings, in the newest or the oldest versions that it allows."""
    oldest = ["--resolution", "lowest-direct"] if dependencies == "oldest" else []
    session.install("-e", ".", *TOOLS, *oldest)
    _test(session)


@nox.session(python=PYTHONS)
def full(session: nox.Session) -> None:
    """All that the course uses, in the newest versions."""
    session.install("-e", ".[course,dev]")
    _test(session)


def _test(session: nox.Session) -> None:
    session.run("python", "-m", "pytest", "tests", "--quiet", *session.posargs)
