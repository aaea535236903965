"""What has to happen before ``import mxnet``: threads, and names that newer NumPy and Python dropped.

``gluon_cnn/__init__.py`` imports this module first. When mxnet cannot be imported, ``mxnet_problem`` says why
and what to do, and ``python -m gluon_cnn.doctor`` still runs.
"""

from __future__ import annotations

import builtins
import contextlib
import ctypes
import functools
import importlib.util
import os
import platform
import re
import subprocess
import sys
import types
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from gluon_cnn import _serve

MXNET_VERSION = "1.9.1"
THREADS_WERE_CHOSEN = "OMP_NUM_THREADS" in os.environ  # by the user: below, it is set in any case

# NumPy 1.24 removed these aliases of Python's own types; mxnet 1.9.1 and gluoncv still use them.
NUMPY_ALIASES = ("bool", "int", "float", "complex", "object", "str")

DEBIAN_PACKAGES = {"libgomp.so.1": "libgomp1", "libquadmath.so.0": "libquadmath0", "libGL.so.1": "libgl1"}

__all__ = [
    "available_cores",
    "channels_at_once",
    "import_advice",
    "mxnet_problem",
    "mxnet_threads",
    "progress_disabled",
    "remark",
]


def available_cores(root: str | Path = "/") -> int:
    """Return how many physical cores this process may keep busy (at least 1).

    CPU affinity counts, two hyper-threads of one core count once, and a CPU quota of a container (cgroup 1 or 2)
    is an upper limit. ``root`` is where ``sys`` and ``proc`` are looked up.
    """
    root = Path(root)
    if sys.platform == "darwin":
        found = subprocess.run(["sysctl", "-n", "hw.physicalcpu"], capture_output=True, text=True, check=False)
        return int(found.stdout) if found.stdout.strip().isdigit() else os.cpu_count() or 1
    cpus = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))
    cores = set()
    for cpu in cpus:
        siblings = root / f"sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list"
        cores.add(siblings.read_text().strip() if siblings.is_file() else str(cpu))
    limits = [len(cores), *_cgroup_limits(root)]
    return max(1, int(min(limits)))


def _cgroup_limits(root: Path) -> list[float]:
    """Return the CPU quotas, in CPUs, of this process's control groups and of all groups above them."""
    memberships = root / "proc/self/cgroup"
    if not memberships.is_file():
        return []
    limits = []
    for line in memberships.read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        mount = root / "sys/fs/cgroup"
        if controllers:  # version 1 mounts each controller in a folder of its own
            if "cpu" not in controllers.split(","):
                continue
            mount = next((m for m in (mount / "cpu", mount / controllers) if m.is_dir()), mount)
        group = mount / path.strip("/")
        # Inside a container the path may be the host's: then only the mount's own top is there.
        for folder in [group, *group.parents]:
            limits += _quota(folder)
            if folder == mount:
                break
    return limits


def _quota(folder: Path) -> list[float]:
    try:
        if (folder / "cpu.max").is_file():
            quota, period = (folder / "cpu.max").read_text().split()
        else:
            quota = (folder / "cpu.cfs_quota_us").read_text()
            period = (folder / "cpu.cfs_period_us").read_text()
        return [int(quota) / int(period)] if int(quota) > 0 else []
    except (OSError, ValueError):  # no limit in this group: no such file, or the word "max"
        return []


def mxnet_threads() -> int | None:
    """Return how many OpenMP threads mxnet computes with, or None where that cannot be asked."""
    try:
        return int(ctypes.CDLL("libgomp.so.1").omp_get_max_threads())
    except (OSError, AttributeError):
        return None


@functools.lru_cache
def channels_at_once(cpuinfo: str | Path = "/proc/cpuinfo") -> int:
    """Return the channels (float32) in a block of oneDNN's fast convolutions: 16 with AVX-512, else 8."""
    try:
        return 16 if "avx512f" in Path(cpuinfo).read_text().split() else 8
    except OSError:  # not Linux
        return 8


def progress_disabled() -> bool:
    """Return whether TQDM_DISABLE is set; tqdm's notebook bars do not look at it themselves."""
    return os.environ.get("TQDM_DISABLE", "0") not in ("", "0")


def remark(text: str) -> None:
    """Warn without the caller's place, which says nothing to a user and, in a notebook, is a temporary file's name."""
    warnings.warn_explicit(text, UserWarning, "gluon_cnn", lineno=0)


def import_advice(error: BaseException) -> str:
    """Say what an error met while importing a library means and what mends it."""
    text = str(error).strip()
    first_line = text.splitlines()[0] if text else type(error).__name__
    missing = re.search(
        r"(lib[\w.+-]+?\.(?:so|dylib)[.\d]*):? .*?no such file|(lib[\w.+-]+\.so[.\d]*): cannot", text, re.I
    )
    library = next((name for name in missing.groups() if name), None) if missing else None
    if library and re.match(r"lib(cu|nccl|nv)", library):
        return (
            f"{library} is missing: this build of mxnet needs the CUDA 11 and cuDNN 8 libraries on LD_LIBRARY_PATH. "
            f"Without a GPU install the CPU build: pip install mxnet=={MXNET_VERSION}"
        )
    if library:
        package = DEBIAN_PACKAGES.get(library)
        how = f"apt-get install {package}" if package else f"install the package of your system that holds {library}"
        return f"the system library {library} is missing: {how}"
    if isinstance(error, ModuleNotFoundError) and error.name == "mxnet":
        return (
            f"mxnet is not installed: pip install mxnet=={MXNET_VERSION} "
            f"(there are wheels for Linux and for macOS on Intel; this is {platform.system()} {platform.machine()})"
        )
    if isinstance(error, ModuleNotFoundError) and error.name and error.name.startswith("distutils"):
        return f"Python {platform.python_version()} has no distutils, as mxnet needs: pip install --upgrade setuptools"
    if int(np.__version__.split(".")[0]) >= 2:
        return f'NumPy {np.__version__} is too new for mxnet {MXNET_VERSION}: pip install "numpy<2" ({first_line})'
    return f"{type(error).__name__}: {first_line}"


def _restore_names() -> None:
    for name in NUMPY_ALIASES:
        if name not in vars(np):
            setattr(np, name, getattr(builtins, name))
    try:
        importlib.import_module("distutils")
    except ModuleNotFoundError:
        # setuptools brings a distutils of its own; without it import_advice says so when mxnet asks for one
        with contextlib.suppress(Exception):  # one from before Python 3.12 fails in its own way
            importlib.import_module("setuptools")


class _OnFirstUse(types.ModuleType):
    """Stands for a module that is imported when something of it is wanted."""

    def __getattr__(self, name: str) -> object:
        self.leave()
        return getattr(importlib.import_module(self.__name__), name)

    def leave(self) -> None:
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]


@contextlib.contextmanager
def _on_first_use(name: str) -> Iterator[None]:
    """Give whoever imports a module in this block one that waits, if the module is there and not imported yet."""
    if name in sys.modules or importlib.util.find_spec(name.split(".")[0]) is None:
        yield
        return
    sys.modules[name] = waiting = _OnFirstUse(name)
    try:
        yield
    finally:
        waiting.leave()


def _import_mxnet() -> str | None:
    """Import mxnet with all cores and all names; return what went wrong, if anything did."""
    imported_before = "mxnet" in sys.modules
    cores = available_cores()
    os.environ.setdefault("OMP_NUM_THREADS", str(cores))
    os.environ.setdefault("MXNET_SUBGRAPH_VERBOSE", "0")  # else each graph that is bound tells of oneDNN on stderr
    _restore_names()
    try:
        if os.environ.get("DMLC_ROLE") in _serve.ROLES:
            _serve.serve()
        with warnings.catch_warnings(), _on_first_use("scipy.stats"):  # a third of the time that mxnet takes to import
            warnings.simplefilter("ignore", DeprecationWarning)  # distutils' own, on Python 3.10 and 3.11
            importlib.import_module("mxnet")
    except Exception as error:  # whatever it is, the doctor must be able to report it
        return import_advice(error)
    if not sys.modules["mxnet"].runtime.Features().is_enabled("CUDA"):
        # Updating four weight arrays at a time spares a GPU launches; on a CPU, one by one is a third faster.
        os.environ.setdefault("MXNET_OPTIMIZER_AGGREGATION_SIZE", "1")
    threads = mxnet_threads() if imported_before and not THREADS_WERE_CHOSEN else None
    if threads is not None and threads < cores:
        warnings.warn(
            f"mxnet was imported before gluon_cnn and computes with {threads} of {cores} cores: "
            "import gluon_cnn first, or set OMP_NUM_THREADS before Python starts",
            stacklevel=4,
        )
    return None


mxnet_problem = _import_mxnet()


def refuse(name: str) -> object:
    """Stand in for the package's names while mxnet cannot be imported: say what to do about it."""
    if name not in sys.modules["gluon_cnn"].__all__:
        raise AttributeError(f"module 'gluon_cnn' has no attribute {name!r}")  # Python then looks for a submodule
    raise ImportError(f"gluon_cnn needs mxnet, and {mxnet_problem}. For more: python -m gluon_cnn.doctor")
