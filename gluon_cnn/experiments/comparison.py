"""Comparing networks on the same data with the same budget, in a table and a figure. Lesson 14."""

from __future__ import annotations

import csv
import io
import itertools
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
from gluon_cnn._core.files import atomic_write, make_folder
from gluon_cnn._core.startup import progress_disabled
from gluon_cnn.experiments.choices import find_network, min_image_size
from gluon_cnn.experiments.experiment import experiment
from gluon_cnn.experiments.run import Run
from gluon_cnn.networks.receptive_field import receptive_field
from gluon_cnn.networks.registry import NETWORKS
from gluon_cnn.networks.summary import format_table, summary
from gluon_cnn.plots.style import COLORS, MAX_WIDTH, plot_with_fallback, show_or_save, style
from matplotlib.ticker import EngFormatter, LogLocator, NullFormatter
from mxnet import gluon
from tqdm.auto import tqdm

MARKERS = "osD^vP*X<>ph"
TABLE = "comparison.csv"  # written next to comparison.png


@dataclass(frozen=True)
class Measurement:
    """The properties, cost and accuracy of one network."""

    network: str
    pixels: int  # height of its images
    parameters: int  # weights, biases and statistics
    flops: int  # for one image, see gluon_cnn.summary
    receptive_field: int  # in pixels along one axis, see gluon_cnn.receptive_field
    images_per_second: float  # in training, from the first batch on
    images: int  # training images, counted once per epoch
    test_accuracy: float  # 0..1


@dataclass(frozen=True)
class Comparison:
    """One :class:`Measurement` per network; printed as a table."""

    measurements: tuple[Measurement, ...]
    budget: str

    def __repr__(self) -> str:
        head = ("network", "pixels", "parameters", "MFLOPs", "receptive field", "images/s", "images", "test accuracy")
        rows = [
            f"{m.network}\t{m.pixels}\t{m.parameters:,}\t{m.flops / 1e6:,.1f}\t{m.receptive_field}\t"
            f"{m.images_per_second:,.0f}\t{m.images:,}\t{m.test_accuracy:.3f}".split("\t")
            for m in self.measurements
        ]
        return format_table(head, [tuple(row) for row in rows])

    def write(self, folder: str | Path) -> None:
        """Write the table (CSV) and the figure (PNG) to a folder."""
        folder = make_folder(Path(folder))
        table = io.StringIO(newline="")
        writer = csv.DictWriter(table, [field.name for field in fields(Measurement)])
        writer.writeheader()
        writer.writerows(asdict(m) for m in self.measurements)
        with atomic_write(folder / TABLE) as file:  # first: drawing may fail
            file.write(table.getvalue().encode())
        plot_with_fallback(self.plot, folder / "comparison.png")

    def plot(self, file: str | Path | None = None) -> None:
        """Plot accuracy against parameters and images, and speed against FLOPs; show or write the figure."""
        best, quickest, busiest = (
            max(self.measurements, key=lambda m: getattr(m, name)).network
            for name in ("test_accuracy", "images_per_second", "images")
        )
        panels = (
            (
                "parameters",
                "test_accuracy",
                "parameters",
                "test accuracy",
                f"{self.budget}: {best} is the most accurate",
            ),
            (
                "flops",
                "images_per_second",
                "FLOPs per image",
                "training images per second",
                f"{quickest} is the fastest",
            ),
            ("images", "test_accuracy", "training images", "test accuracy", f"{busiest} processes the most images"),
        )
        with style():
            _, axes = plt.subplots(2, 2, figsize=(MAX_WIDTH, 7), layout="constrained")
            *drawn, last = axes.flat
            for ax, (x, y, xlabel, ylabel, title) in zip(drawn, panels):
                points = zip(self.measurements, itertools.cycle(COLORS.values()), itertools.cycle(MARKERS))
                for m, color, marker in points:
                    ax.scatter(getattr(m, x), getattr(m, y), color=color, marker=marker, s=60, label=m.network)
                ax.set(xscale="log", xlabel=xlabel, ylabel=ylabel, title=title)
                if y == "test_accuracy":
                    ax.set_ylim(0, 1)
                else:
                    ax.set_yscale("log")
                for axis in (ax.xaxis, ax.yaxis)[: 1 if y == "test_accuracy" else 2]:
                    axis.set_major_locator(LogLocator(subs=(1, 3)))
                    axis.set_major_formatter(EngFormatter(sep=""))  # 300k
                    axis.set_minor_formatter(NullFormatter())
            last.axis("off")
            last.legend(*drawn[0].get_legend_handles_labels(), loc="center")
            show_or_save(file)


def compare(
    networks: Iterable[str] | Mapping[str, Callable[..., gluon.HybridBlock]] | None = None,
    dataset: Any = "sample",
    resize: int | Mapping[str, int] | None = None,
    seconds: float | None = 10.0,
    optimizer: str = "adam",
    learning_rate: float = 0.001,
    initializer: str = "he",
    verbose: bool = True,
    **settings: Any,
) -> Comparison:
    """Train networks one after the other on the same data with the same budget, and compare them.

    Parameters
    ----------
    networks : iterable of str, or mapping from names to callables
        Names or constructors of hybrid blocks, as in :func:`gluon_cnn.experiments.experiment.experiment`. Default: all
        networks of the course.
    dataset
        See :func:`gluon_cnn.load_data`.
    resize : int or mapping from names to int, optional
        Side length in pixels, for all networks or for each. Default: 28, or the smallest side that the network accepts.
    seconds : float or None
        Training time of each network; if None, use ``num_epochs`` instead. Speed and the accuracy after a fixed time
        depend on the machine.
    optimizer, learning_rate, initializer, **settings
        See :func:`gluon_cnn.experiments.experiment.experiment`; the same for all networks.
    verbose : bool
        Whether to show progress.

    Returns
    -------
    Comparison
        Print it, or use ``.plot()``, ``.write(folder)`` and ``.measurements``.

    Notes
    -----
    Ctrl-C stops the comparison and returns the measurements completed so far. A network whose loss becomes infinite or
    NaN is omitted, with a warning.
    """
    if not isinstance(networks, Mapping):
        networks = {name: find_network(name) for name in (NETWORKS if networks is None else networks)}
    sides = {name: resize.get(name) if isinstance(resize, Mapping) else resize for name in networks}
    for name, side in sides.items():  # before any training
        if side is not None and side < (fewest := min_image_size(networks[name])):
            raise ValueError(f"{name} needs images of at least {fewest}x{fewest}; got {side}x{side}: resize them")
    common = {"optimizer": optimizer, "learning_rate": learning_rate, "initializer": initializer, **settings}
    num_epochs = 1 if seconds is not None else settings.get("num_epochs", 1)
    found = []
    bar = tqdm(networks.items(), unit="network", leave=False, disable=not verbose or progress_disabled())
    for name, make in bar:
        bar.set_description(name)
        try:
            run = experiment(make, dataset, resize=sides[name], seconds=seconds, verbose=False, **common)
        except FloatingPointError as error:
            warnings.warn(f"{name} is omitted: {error}", stacklevel=2)
            continue
        except KeyboardInterrupt:
            break
        if len(run.history) < num_epochs:  # Ctrl-C, which train handles itself
            break
        found.append(_measure(name, run))
    return Comparison(tuple(found), f"{seconds:g} seconds" if seconds is not None else f"{num_epochs} epochs")


def _measure(name: str, run: Run) -> Measurement:
    history, table = run.history, summary(run.net, (1, *run.input_shape))
    images = sum(history.images)
    seconds = sum(n / rate for n, rate in zip(history.images, history.images_per_second))
    return Measurement(
        network=name,
        pixels=run.input_shape[1],
        parameters=table.parameters,
        flops=table.flops,
        receptive_field=receptive_field(run.net),
        images_per_second=images / seconds,
        images=images,
        test_accuracy=history.test_accuracy[-1],
    )
