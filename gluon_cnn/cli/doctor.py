"""Report whether this machine meets the course's requirements: ``python -m gluon_cnn.cli.doctor``."""

from __future__ import annotations

import importlib
import os
import platform
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata

from gluon_cnn import __version__
from gluon_cnn._core import startup

OPTIONAL = {  # module: (distribution, purpose)
    "jupyterlab": ("jupyterlab", "to open the lessons"),
    "ipywidgets": ("ipywidgets", "for sliders and progress bars in the lessons"),
    "papermill": ("papermill", "to run lessons with other settings"),
    "skimage": ("scikit-image", "for the photos"),
    "gluoncv": ("gluoncv", "for its model zoo and schedules, in the last lessons"),
}


@dataclass(frozen=True)
class Finding:
    """One line of the report. Without a problem, ``remedy`` is empty; a ``serious`` problem must be fixed first."""

    name: str
    found: str
    remedy: str = ""
    serious: bool = False


def examine() -> Iterator[Finding]:
    """Yield the findings one by one."""
    yield Finding("gluon_cnn", __version__)
    yield _python()
    yield Finding("system", f"{platform.system()} {platform.release()}, {platform.machine()}")
    yield _mxnet()
    for name in ("numpy", "matplotlib"):
        yield Finding(name, metadata.version(name))
    for module, (distribution, purpose) in OPTIONAL.items():
        yield _optional(module, distribution, purpose)
    if startup.mxnet_problem() is None:
        yield _threads()
        yield from _contexts()
        yield from _data()


def run(options: object = None) -> int:
    """Print the report; return 1 if there is a serious problem, else 0."""
    problems = []
    for finding in examine():
        mark = "  " if not finding.remedy else "!!" if finding.serious else " !"
        print(f"{mark} {finding.name:<14} {finding.found}")
        if finding.remedy:
            print(f"{'':<17} -> {finding.remedy}")
            problems.append(finding)
    serious = any(problem.serious for problem in problems)
    print()
    if serious:
        print("The course cannot run yet: first apply the remedies (->) below the lines marked !!.")
    elif problems:
        print("The package runs. Lines marked ! concern optional packages or minor problems.")
    else:
        print("Everything the course needs is here.")
    return int(serious)


def _python() -> Finding:
    found = f"{platform.python_version()} ({sys.executable})"
    if sys.version_info[:2] <= (3, 14):  # pip refuses older versions
        return Finding("python", found)
    return Finding("python", found, "the course is tested on Python 3.10 to 3.14: make lab PYTHON=python3.14")


def _mxnet() -> Finding:
    try:
        version = metadata.version("mxnet")
    except metadata.PackageNotFoundError:
        version = "not installed under this name"  # a GPU wheel is called mxnet-cu112
    if problem := startup.mxnet_problem():
        return Finding("mxnet", f"{version}, cannot be imported", problem, serious=True)
    import mxnet as mx

    if mx.__version__ != startup.MXNET_VERSION:
        return Finding("mxnet", mx.__version__, f"the course was tested only with {startup.MXNET_VERSION}")
    return Finding("mxnet", mx.__version__)


def _optional(module: str, distribution: str, purpose: str) -> Finding:
    try:
        version = metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return Finding(distribution, "not installed", f"{purpose}: {startup.PIP_INSTALL} {distribution}")
    if module == "gluoncv" and startup.mxnet_problem() is not None:
        return Finding(distribution, version)  # importing it would only repeat MXNet's error
    try:
        importlib.import_module(module)
    except Exception as error:  # any error, so that the report continues
        return Finding(distribution, f"{version}, cannot be imported", startup.import_advice(error))
    return Finding(distribution, version)


def _threads() -> Finding:
    cores, threads = startup.available_cores(), startup.mxnet_threads()
    found = f"{threads if threads is not None else os.environ['OMP_NUM_THREADS']} of {cores} cores"
    if startup.USER_OMP_NUM_THREADS and not startup.parse_omp_num_threads():
        return Finding(
            "threads", found, f"OMP_NUM_THREADS={startup.USER_OMP_NUM_THREADS} is not a number: unset OMP_NUM_THREADS"
        )
    if threads is not None and threads < cores:
        setting = os.environ["OMP_NUM_THREADS"]
        return Finding("threads", found, f"OMP_NUM_THREADS={setting} is set: unset it to use all cores")
    return Finding("threads", found)


def _contexts() -> Iterator[Finding]:
    from gluon_cnn._core.devices import gpu_problem, num_gpus

    yield Finding("context", "cpu(0)")
    for i in range(max(1, num_gpus())):
        problem = gpu_problem(i)
        if problem is None:
            yield Finding(f"gpu({i})", "computes correctly")
        elif num_gpus():
            yield Finding(f"gpu({i})", "not used", problem)
        else:
            yield Finding("gpu", f"none: {problem}")  # nothing to fix


def _data() -> Iterator[Finding]:
    from gluon_cnn.data import datasets, fashion_mnist

    try:
        train, test = datasets.load_data("sample", batch_size=1)
    except (OSError, ValueError) as error:
        yield Finding("sample", f"{fashion_mnist.SAMPLE_FOLDER}, damaged", str(error), serious=True)
    else:
        yield Finding("sample", f"{fashion_mnist.SAMPLE_FOLDER} ({len(train):,} and {len(test):,} images)")
    folder = None
    try:
        folder = fashion_mnist.find_fashion_mnist()
        if folder is None:
            remedy = "for runs on the full set: gluon-cnn data (in the course: make data)"
            yield Finding("Fashion-MNIST", "not found", remedy)
            return
        (train_images, _), (test_images, _) = fashion_mnist.read_fashion_mnist()
    except (OSError, ValueError) as error:
        yield Finding("Fashion-MNIST", f"{folder}, damaged" if folder else "cannot be read", str(error))
    else:
        yield Finding("Fashion-MNIST", f"{folder} ({len(train_images):,} and {len(test_images):,} images, verified)")


if __name__ == "__main__":
    sys.exit(run())
