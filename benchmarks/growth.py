"""How training steps grow with the batch, the image and the processes, and loading with the number of files.

    .venv/bin/python benchmarks/growth.py

Prints tables and draws them, by default to docs/growth.png. A step is one of `gluon_cnn.train`, on all cores. Two
processes share the cores and the batch. The folders hold links to a few JPEGs of 200x150 pixels; each is loaded in a
process of its own, up to the first batch of 64.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

import gluon_cnn as g
import mxnet as mx
import numpy as np
from gluon_cnn.networks.registry import NETWORKS
from gluon_cnn.networks.summary import format_table
from gluon_cnn.plots import style
from matplotlib import pyplot as plt
from mxnet import gluon, init, nd
from PIL import Image
from scaling import rate, write_images
from tqdm import tqdm

BATCHES = {"lenet": (28, (1, 4, 16, 64, 256)), "resnet": (96, (1, 4, 16, 64))}  # pixels, images
SIDES = {"lenet": (64, (28, 56, 112, 224)), "resnet": (8, (96, 160, 224))}  # images, pixels
LINKS = 50_000  # to one file; file systems allow about 65,000
LOAD = """
import resource, sys, time
start = time.perf_counter()
import gluon_cnn as g
train, test = g.load_data(sys.argv[1], 64, resize=96)
next(iter(train))
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(time.perf_counter() - start, peak)
"""


def step(network: str, side: int, batch_size: int, rounds: int, seconds: float) -> float:
    """Return the milliseconds of a training step: the median of the rounds."""
    net = NETWORKS[network](num_classes=10)
    net.initialize(init.Xavier())
    net.hybridize(static_alloc=True)
    loss = gluon.loss.SoftmaxCrossEntropyLoss()
    loss.hybridize(static_alloc=True)
    trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.01})
    batch = nd.random.uniform(shape=(batch_size, 1, side, side)), nd.random.randint(0, 10, shape=(batch_size,))

    def time_of(steps: int) -> float:
        history = g.train([batch] * steps, [batch], net, loss, trainer, mx.cpu(), 1, verbose=False)
        return 1000 * batch_size / history.images_per_second[0]

    time_of(2)
    steps = max(2, round(1000 * seconds / time_of(3)))
    return median(time_of(steps) for _ in range(rounds))


def make_folder(folder: Path, files: int) -> None:
    """Write a folder of two classes whose files are links to a few images."""
    for name in ("one", "two"):
        (folder / name).mkdir(parents=True)
    pixels = np.random.default_rng(0)
    for start in tqdm(range(0, files, LINKS), desc=f"{files:,} files", leave=False):
        for name in ("one", "two"):
            first = folder / name / f"{start}.jpg"
            Image.fromarray(pixels.integers(0, 256, (150, 200, 3), np.uint8)).save(first)
            for k in range(start + 1, min(start + LINKS, files) // 2 + start // 2):
                os.link(first, folder / name / f"{k}.jpg")


def loading(files: int) -> tuple[float, float]:
    """Return the seconds until the first batch of a folder, with the import, and the peak memory in MB."""
    with tempfile.TemporaryDirectory() as folder:
        make_folder(Path(folder), files)
        environment = {**os.environ, "TQDM_DISABLE": "1"}
        done = subprocess.run(
            [sys.executable, "-c", LOAD, folder], check=True, capture_output=True, text=True, env=environment
        )
    seconds, peak = map(float, done.stdout.split())
    return seconds, peak


def draw(panels: dict[str, dict[str, dict[int, float]]], file: Path) -> None:
    """Draw one plot per panel, with a line per label."""
    with style():
        figure, axes = plt.subplots(1, len(panels), figsize=(11, 3.2), layout="constrained")
        for ax, (title, lines) in zip(axes, panels.items()):
            for (label, points), marker in zip(lines.items(), "os^"):
                ax.loglog(list(points), list(points.values()), marker=marker, label=label)
            ax.set(title=title.split(";")[0], xlabel=title.split(";")[1], ylabel=title.split(";")[2])
            ticks = sorted({x for points in lines.values() for x in points})
            ax.set_xticks(ticks, [f"{x:,}" for x in ticks])
            ax.minorticks_off()
            ax.legend()
        figure.savefig(file, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.4, help="of one round")
    parser.add_argument("--files", type=int, nargs="*", default=[1_000, 10_000, 100_000])
    parser.add_argument("--output", type=Path, default=Path("docs/growth.png"))
    options = parser.parse_args()
    panels: dict = {}
    turns = [
        (n, "Batch size;images;ms a step", side, size, size) for n, (side, sizes) in BATCHES.items() for size in sizes
    ]
    turns += [
        (n, "Image size;pixels;ms a step", side, size, side) for n, (size, sides) in SIDES.items() for side in sides
    ]
    rows = []
    for network, panel, side, batch_size, x in tqdm(turns, unit="size"):
        took = step(network, side, batch_size, options.rounds, options.seconds)
        panels.setdefault(panel, {}).setdefault(network, {})[x] = took
        rows.append((network, str(side), str(batch_size), f"{took:.1f}", f"{took / batch_size:.2f}"))
    print(format_table(("network", "pixels", "batch", "ms a step", "ms an image"), rows))
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        write_images(Path(folder) / "data", 640)
        for way, command, size in (("1", ["launch", "-n", "1", "--"], 64), ("2", ["launch", "-n", "2", "--"], 32)):
            rows.append((way, f"{median(rate(command, size, Path(folder) / 'data', 'lenet') for _ in range(3)):,.0f}"))
    print(format_table(("processes", "images a second, LeNet"), rows))
    rows = []
    for files in options.files:
        seconds, peak = loading(files)
        panels.setdefault("Folder;files;seconds until the first batch", {}).setdefault("", {})[files] = seconds
        rows.append((f"{files:,}", f"{seconds:.1f}", f"{peak:,.0f}"))
    print(format_table(("files", "s until the first batch", "peak memory, MB"), rows))
    draw(panels, options.output)
    print(f"Drawn to {options.output}")


if __name__ == "__main__":
    main()
