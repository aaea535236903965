"""Setup around ``import mxnet``: the number of threads, a faster import, faster pooling, and advice when it fails.

``gluon_cnn/__init__.py`` imports this module first; compatibility patches are in ``gluon_cnn/compat.py``.
"""

import contextlib
import ctypes
import functools
import importlib.util
import inspect
import os
import platform
import re
import shlex
import subprocess
import sys
import types
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

from gluon_cnn import compat
from gluon_cnn._core import server

MXNET_VERSION = "1.9.1"
USER_OMP_NUM_THREADS = os.environ.get("OMP_NUM_THREADS")  # the user's value, or None; _start sets the variable
PIP_INSTALL = f"{shlex.quote(sys.executable)} -m pip install"
INSTALL_MXNET = f"{PIP_INSTALL} --no-deps mxnet=={MXNET_VERSION}"  # its metadata excludes NumPy 2

SELDOM_NEEDED = ("scipy.stats", "scipy.sparse", "requests", "onnx")  # by MXNet, and slow to import

DEBIAN_PACKAGES = {"libgomp.so.1": "libgomp1", "libquadmath.so.0": "libquadmath0", "libGL.so.1": "libgl1"}


def available_cores(root: str | Path = "/") -> int:
    """Return the number of physical cores that this process may use, at least 1.

    CPU affinity is respected, hyper-threads of one core count once, and a container's CPU quota (cgroup 1 or 2) is an
    upper limit. ``root`` is the folder that contains ``sys`` and ``proc``.
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
    return max(1, int(min([len(cores), *_cgroup_limits(root)])))


def _cgroup_limits(root: Path) -> list[float]:
    """Return the CPU quotas, in CPUs, of this process's control groups and all their ancestors."""
    memberships = root / "proc/self/cgroup"
    limits = []
    for line in memberships.read_text().splitlines() if memberships.is_file() else ():
        _, controllers, path = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        # Version 1 mounts each controller in its own folder. Inside a container the path may be the host's, in which
        # case only the mount point exists.
        for mount in ("cpu", controllers) if controllers else ("",):
            group = root / "sys/fs/cgroup" / mount / path.strip("/")
            for folder in (group, *group.parents):
                with contextlib.suppress(OSError, ValueError):  # without a limit the file is missing or contains "max"
                    limits.append(_quota(folder))
    return [limit for limit in limits if limit > 0]


def _quota(folder: Path) -> float:
    if (folder / "cpu.max").is_file():
        quota, period = (folder / "cpu.max").read_text().split()
    else:
        quota, period = ((folder / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period"))
    return int(quota) / int(period)


def mxnet_threads() -> int | None:
    """Return the number of OpenMP threads that MXNet computes with, or None if it cannot be determined."""
    try:
        return _engine_threads[0] if _engine_threads else int(ctypes.CDLL("libgomp.so.1").omp_get_max_threads())
    except (OSError, AttributeError):
        return None


_engine_threads: list[int | None] = []


def _leave_openmp_to_the_engine() -> None:
    """Let MXNet use only one thread for what it does in the caller's thread: copies and changes of layout.

    Its engine has a thread of its own, with a team of OpenMP threads, one per core. As soon as the caller's thread has
    a team, too, there are more threads than cores; OpenMP's threads then sleep whenever they wait for each other, and a
    network of small layers takes two to four times as long, until the process ends.
    """
    if os.environ.get("MXNET_ENGINE_TYPE") != "NaiveEngine":  # which computes everything in the caller's thread
        os.environ.setdefault("MXNET_CPU_PARALLEL_SIZE", str(2**31 - 1))  # copies use a number of their own
        if (threads := mxnet_threads()) is not None:
            _engine_threads[:] = [threads]
            ctypes.CDLL("libgomp.so.1").omp_set_num_threads(1)


def parse_omp_num_threads() -> int | None:
    """Return the first number in the user's OMP_NUM_THREADS, such as 4 in "4,2"; MXNet does not read lists."""
    number = re.match(r"\s*\+?(\d+)", USER_OMP_NUM_THREADS or "")
    return int(number[1]) or None if number else None


@functools.lru_cache
def channel_block_size(cpuinfo: str | Path = "/proc/cpuinfo") -> int:
    """Return the number of float32 channels per block in oneDNN's fast convolutions: 16 with AVX-512, else 8."""
    try:
        return 16 if "avx512f" in Path(cpuinfo).read_text().split() else 8
    except OSError:  # not Linux
        return 8


def progress_disabled() -> bool:
    """Return whether progress bars are disabled, by TQDM_DISABLE or because stderr is not a terminal."""
    if "TQDM_DISABLE" in os.environ:  # tqdm's notebook bars ignore it
        return os.environ["TQDM_DISABLE"] not in ("", "0")
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return not hasattr(shell, "kernel") and not sys.stderr.isatty()  # a kernel means a notebook, which has its own bars


def warn_user(text: str) -> None:
    """Warn without the caller's file and line; in a notebook, the file is a temporary one."""
    warnings.warn_explicit(text, UserWarning, "gluon_cnn", lineno=0)


def import_advice(error: BaseException) -> str:
    """Return the cause of a library's import error, and the command that fixes it."""
    text = str(error).strip()
    missing = re.search(r"(lib[\w.+-]+?\.(so|dylib)[.\d]*):? (cannot|.*?no such file)", text, re.I)
    library = missing[1] if missing else ""
    if re.match(r"lib(cu|nccl|nv)", library):
        return (
            f"{library} is missing: this build of mxnet needs the CUDA 11 and cuDNN 8 libraries on LD_LIBRARY_PATH. "
            f"Without a GPU, install the CPU build: {INSTALL_MXNET}"
        )
    if library.startswith(("libarmpl", "libamath", "libastring")):
        return f"{library}, one of Arm's libraries, is missing: docs/environment.md gives three commands to replace it"
    if library:
        package = DEBIAN_PACKAGES.get(library)
        how = f"apt-get install {package}" if package else f"install the system package that contains {library}"
        return f"the system library {library} is missing: {how}"
    name = error.name if isinstance(error, ModuleNotFoundError) else None
    if name == "mxnet":
        system, machine = platform.system(), platform.machine()
        has_wheel = (system, machine) in (("Linux", "x86_64"), ("Linux", "aarch64"), ("Darwin", "x86_64"))
        container = f" (there is no wheel for {system} on {machine}: use the container, see docs/environment.md)"
        return f"mxnet is not installed: {INSTALL_MXNET}{'' if has_wheel else container}"
    if name and name.startswith("distutils"):
        return f"Python {platform.python_version()} has no distutils, which mxnet needs: {PIP_INSTALL} setuptools"
    if name:
        return f"{name} is not installed: {PIP_INSTALL} {name}"
    return f"{type(error).__name__}: {text.splitlines()[0]}" if text else type(error).__name__


class _LazyModule(types.ModuleType):
    """A placeholder for a module, which is imported when one of its names is first used."""

    def __getattr__(self, name: str) -> object:
        _forget(self.__name__)
        return getattr(importlib.import_module(self.__name__), name)


def _forget(name: str) -> None:
    if isinstance(sys.modules.get(name), _LazyModule):
        del sys.modules[name]


@contextlib.contextmanager
def _lazy_import(name: str) -> Iterator[None]:
    """Inside this context, import a placeholder instead of a module that is installed but not yet imported."""
    if name not in sys.modules and importlib.util.find_spec(name.split(".")[0]):
        sys.modules[name] = _LazyModule(name)
    try:
        yield
    finally:
        _forget(name)


@contextlib.contextmanager
def _importing_mxnet(module: types.ModuleType) -> Iterator[None]:
    """Start the server in a server process; otherwise speed up the import and explain errors."""
    if not hasattr(module, "__version__"):  # not imported before
        try:
            if os.environ.get("DMLC_ROLE") in server.ROLES:
                server.serve()
            with contextlib.ExitStack() as stack:
                for name in SELDOM_NEEDED:
                    stack.enter_context(_lazy_import(name))
                yield
        except Exception as error:
            raise ImportError(f"mxnet cannot be imported: {import_advice(error)}", name="mxnet") from error
    else:
        yield
    _leave_openmp_to_the_engine()
    if not vars(module)["runtime"].Features().is_enabled("CUDA"):
        # Updating four weight arrays at a time saves kernel launches on a GPU; on a CPU, one by one is a third faster.
        os.environ.setdefault("MXNET_OPTIMIZER_AGGREGATION_SIZE", "1")


@contextlib.contextmanager
def _generating_when_called(base: types.ModuleType) -> Iterator[None]:
    """Let MXNet generate most of its functions, such as all of symbols, when they are first called, not in the import.

    The functions of arrays that users call are generated at once, with their help.
    """
    yield
    for name in ("_init_op_module", "_init_np_op_module"):
        vars(base)[name] = _with_placeholders(vars(base)[name])


def _with_placeholders(register: Callable[..., None]) -> Callable[..., None]:
    def wrapper(*args: object, **kwargs: object) -> None:
        given = inspect.signature(register).bind(*args, **kwargs)
        make, of_symbols = given.arguments["make_op_func"], "symbol" in given.arguments.values()

        def make_or_put_off(handle: object, name: str, func_name: str) -> types.FunctionType:
            is_public = re.match("[^_]|_(np|npx|contrib|linalg|image|random|sparse)_", name)
            put_off = of_symbols or not is_public
            return _placeholder(make, handle, name, func_name) if put_off else make(handle, name, func_name)

        given.arguments["make_op_func"] = make_or_put_off
        register(*given.args, **given.kwargs)

    return wrapper


def _placeholder(make: types.FunctionType, handle: object, name: str, func_name: str) -> types.FunctionType:
    """Return a function that turns into what ``make`` returns when it is first called."""
    function = types.FunctionType(_turn_into_what_is_made.__code__, make.__globals__, func_name)
    function.__kwdefaults__ = {"_made_by": functools.partial(make, handle, name, func_name), "_function": function}
    function.__doc__ = f"See mxnet.ndarray's {func_name}; this function's own help is there after its first call."
    return function


def _turn_into_what_is_made(*args, _made_by, _function, **kwargs):
    made = _made_by()
    for part in ("__code__", "__defaults__", "__kwdefaults__", "__doc__"):
        setattr(_function, part, getattr(made, part))
    return _function(*args, **kwargs)


@contextlib.contextmanager
def _fast_global_pooling(layers: types.ModuleType) -> Iterator[None]:
    """Let Gluon's global pooling layers compute in the plain layout, (N, C, H, W).

    The output's single pixels make oneDNN mistake their layout if the blocks of channels are fewer than the rows, as in
    CIFAR-10's ResNets. It then computes gradients, also those of the batch norm before it, with code a hundred times
    slower than its own.
    """
    yield
    pooling = vars(layers)["_Pooling"]
    compute = pooling.hybrid_forward

    def hybrid_forward(self, F, x):
        if self._kwargs["global_pool"] and self._kwargs["layout"] == "NCHW" and not vars(layers)["is_np_array"]():
            x = F.reshape(x, (0, 0, 0, 0))  # as before, but oneDNN's layout ends here
        return compute(self, F, x)

    pooling.hybrid_forward = hybrid_forward


@functools.lru_cache
def mxnet_problem() -> str | None:
    """Import MXNet; return the reason for a failure and its remedy, or None."""
    try:
        importlib.import_module("mxnet")
    except ImportError as error:
        return str(error)
    return None


def _start() -> None:
    cores, chosen = available_cores(), parse_omp_num_threads()
    if USER_OMP_NUM_THREADS and not chosen:
        warn_user(
            f"OMP_NUM_THREADS={USER_OMP_NUM_THREADS} is not a valid number of threads: using {cores}, one per core"
        )
    threads = mxnet_threads() if "mxnet" in sys.modules and not chosen else None
    if threads is not None and threads < cores:
        warnings.warn(
            f"mxnet was imported before gluon_cnn and computes with {threads} of {cores} cores: "
            "import gluon_cnn first, or set OMP_NUM_THREADS before Python starts",
            stacklevel=4,
        )
    os.environ["OMP_NUM_THREADS"] = str(chosen or cores)
    os.environ.setdefault("MXNET_SUBGRAPH_VERBOSE", "0")  # else each bound graph prints a message about oneDNN
    compat.ADVICE["mxnet"] = lambda: import_advice(ModuleNotFoundError(name="mxnet"))
    compat.patch_import("mxnet", _importing_mxnet)
    compat.patch_import("mxnet.base", _generating_when_called)
    compat.patch_import("mxnet.gluon.nn.conv_layers", _fast_global_pooling)


_start()
