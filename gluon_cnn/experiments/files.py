"""The files of a run: weights, report, and the history as a table and as curves."""

from __future__ import annotations

import csv
import errno
import io
import itertools
import warnings
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import mxnet as mx
from gluon_cnn._core.checks import check_shape, check_weights
from gluon_cnn._core.files import atomic_write
from gluon_cnn._core.parameter_files import is_parameter_file, parameter_bytes
from gluon_cnn._core.record import digest, from_json
from gluon_cnn._core.startup import warn_user
from gluon_cnn.deploy.int8 import prepare_for_inference
from gluon_cnn.plots.style import plot_with_fallback
from gluon_cnn.training.history import History, read_history
from mxnet import gluon, nd

WEIGHTS, REPORT, TABLE, CURVES = "network.params", "history.json", "history.csv", "curves.png"
GRAPH = "network-symbol.json"  # of a quantized network


def network_files(net: gluon.Block) -> dict[str, bytes]:
    """Return the files of a network: its parameters by structural name and, for a SymbolBlock, its graph."""
    nd.waitall()  # MXNet may still be rearranging weights
    if not isinstance(check_weights(net), gluon.SymbolBlock):
        return {WEIGHTS: parameter_bytes({k: p._reduce() for k, p in net._collect_params_with_prefix().items()})}
    graph = net(mx.sym.var("data"))
    auxiliary = set(graph.list_auxiliary_states())  # distinguished by prefix in SymbolBlock.imports
    named = {f"{'aux' if k in auxiliary else 'arg'}:{k}": p._reduce() for k, p in net.collect_params().items()}
    return {GRAPH: graph.tojson().encode(), WEIGHTS: parameter_bytes(named)}


def read_graph(folder: Path) -> gluon.SymbolBlock:
    """Read the quantized network in a folder."""
    path = folder / WEIGHTS
    try:
        if not is_parameter_file(read_file(path)):  # MXNet does not validate files and could crash
            raise ValueError("no parameters")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # MXNet cannot infer the dtype of the images, and need not
            return prepare_for_inference(gluon.SymbolBlock.imports(str(folder / GRAPH), ["data"], str(path)))
    except (mx.MXNetError, AssertionError, AttributeError, ValueError) as error:
        raise ValueError(f"{path} does not contain the parameters of {GRAPH}") from error


def table_file(history: History) -> bytes:
    """Return the history as CSV, one line per epoch."""
    table, columns = io.StringIO(newline=""), {name: column for name, column in asdict(history).items() if column}
    if history.validation_accuracy and history.test_accuracy:  # of the best epoch only
        columns["test_accuracy"] = [None] * (history.best_epoch - 1) + history.test_accuracy
    writer = csv.writer(table)
    writer.writerow(["epoch", *columns])
    writer.writerows([epoch, *row] for epoch, row in enumerate(itertools.zip_longest(*columns.values()), 1))
    return table.getvalue().encode()


def draw_curves(history: History, path: Path) -> None:
    """Plot the history to a file, after deleting an older plot; on failure, warn."""
    path.unlink(missing_ok=True)
    curves = io.BytesIO()
    try:
        plot_with_fallback(history.plot, curves)
    except Exception as error:
        warn_user(f"{path} could not be drawn ({type(error).__name__}: {error})")
        return
    with atomic_write(path) as file:
        file.write(curves.getvalue())


def read_file(path: Path) -> bytes:
    try:
        if path.exists() and not (path.is_file() or path.is_dir()):  # reading a pipe would block
            raise OSError(errno.EINVAL, "it is a device or a pipe")
        return path.read_bytes()
    except OSError as error:
        raise OSError(error.errno, f"{path} cannot be read: {error.strerror}") from error


def read_report(folder: Path) -> dict[str, Any]:
    """Return the report of a run: settings, classes, history and more, see :mod:`gluon_cnn._core.record`."""
    return from_json(read_file(folder / REPORT), folder / REPORT)


def parse_report(folder: Path) -> dict[str, Any]:
    """Return the parsed report, with history, classes and input shape; raise ValueError if it is invalid."""
    report = read_report(folder)
    try:
        settings = dict(report["settings"])
        for name, kind in (("network", str), ("dataset", str), ("broken", str), ("int8", bool)):
            _check_kind(name, settings.get(name), kind, type(None))
        return {
            "classes": tuple(_check_kind("a class", c, str) for c in _check_kind("classes", report["classes"], list)),
            "settings": settings,
            "input_shape": _check_length(check_shape("input_shape", list(report["input_shape"]))),
            "history": read_history(report["history"]),
            "sha256": dict(report.get("sha256", {})),
            "data": report.get("data"),
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{folder / REPORT} is not a run's report ({type(error).__name__}: {error})") from error


def _check_kind(name: str, value: Any, *kinds: type) -> Any:
    if not isinstance(value, kinds):
        raise TypeError(f"{name} must be {' or '.join(kind.__name__ for kind in kinds)}, not {type(value).__name__}")
    return value


def _check_length(shape: tuple[int, ...]) -> tuple[int, int, int]:
    channels, height, width = shape
    return channels, height, width


def check_sums(folder: Path, sums: Mapping[str, str]) -> None:
    """Refuse weights or a graph that do not match the report; MXNet does not detect changed weights."""
    for name in sums.keys() & {WEIGHTS, GRAPH}:
        path = folder / name
        if not path.exists() or digest(read_file(path)) != sums[name]:
            raise ValueError(f"{path} is damaged, or does not belong to {REPORT}")


def newest_run(folder: str | Path = "runs") -> Path:
    """Return the folder of the most recently trained run in ``folder``."""
    reports = sorted(Path(folder).glob(f"*/{REPORT}"), key=lambda path: path.stat().st_mtime)
    trained = [path for path in reports if not (path.parent / GRAPH).exists()]  # without quantized copies
    if not reports:
        raise ValueError(
            f"there is no run in {folder}: create one with gluon-cnn train, or name one elsewhere with --run"
        )
    return (trained or reports)[-1].parent
