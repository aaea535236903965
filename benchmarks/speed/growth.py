"""How training steps grow with the batch and the image, and loading with the number of files.

    .venv/bin/python benchmarks/speed/growth.py

Prints tables and draws them, by default to docs/growth.png. A step is one of `ours` in run.py, on all cores. The
folders hold links to a few JPEGs of 200x150 pixels; each is loaded in a process of its own, up to the first batch.
For several processes, see benchmarks/scaling.py.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

import numpy as np
from gluon_cnn.networks.summary import format_table
from gluon_cnn.plots import style
from matplotlib import pyplot as plt
from PIL import Image
from run import CONTENDERS, Worker
from tqdm import tqdm, trange

BATCHES = {"lenet": (28, (1, 4, 16, 64, 256)), "resnet": (96, (1, 4, 16, 64))}  # pixels, images
SIDES = {"lenet": (64, (28, 56, 112, 224)), "resnet": (8, (112, 160, 224))}  # images, pixels
NAMES = {"lenet": "LeNet", "resnet": "ResNet-18"}
BATCH, SIDE = "Training step by batch size;images;ms", "Training step by image size;pixels;ms"  # title; axes
FOLDER = "Time until the first batch of a folder;files;seconds"
LINKS = 50_000  # to one file; file systems allow about 65,000
LOAD = """
import sys, time
start = time.perf_counter()
import gluon_cnn as g
train, test = g.load_data(sys.argv[1], 64, resize=96)
next(iter(train))
seconds = time.perf_counter() - start
(peak,) = (line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(seconds, int(peak) / 1024)
"""


def step(network: str, side: int, batch_size: int, rounds: int, seconds: float) -> float:
    """Return the milliseconds of a training step: the median of the rounds."""
    worker = Worker(CONTENDERS["ours"], "")
    worker.ask("make", network=network, side=side, batch_size=batch_size, weights="")
    worker.ask("train", steps=2)
    steps = max(2, round(seconds * worker.ask("train", steps=3) / batch_size))
    rate = median(worker.ask("train", steps=steps) for _ in range(rounds))
    worker.end()
    return 1000 * batch_size / rate


def make_folder(folder: Path, files: int) -> None:
    """Write a folder of two classes whose files are links to a few images."""
    for name in ("one", "two"):
        (folder / name).mkdir(parents=True)
    pixels = np.random.default_rng(0)
    for k in trange(files // 2, desc=f"{files:,} files", leave=False):
        for name in ("one", "two"):
            file = folder / name / f"{k}.jpg"
            if k % LINKS == 0:
                Image.fromarray(pixels.integers(0, 256, (150, 200, 3), np.uint8)).save(file)
            else:
                os.link(file.with_stem(str(k - k % LINKS)), file)


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
            if len(lines) > 1:
                ax.legend()
        figure.savefig(file, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.4, help="of one round")
    parser.add_argument("--files", type=int, nargs="*", default=[1_000, 10_000, 100_000])
    parser.add_argument("--output", type=Path, default=Path("docs/growth.png"))
    options = parser.parse_args()
    panels: dict = {BATCH: {}, SIDE: {}, FOLDER: {}}
    turns = [(BATCH, name, side, size) for name, (side, sizes) in BATCHES.items() for size in sizes]
    turns += [(SIDE, name, side, size) for name, (size, sides) in SIDES.items() for side in sides]
    rows = []
    for panel, name, side, size in tqdm(turns, unit="size"):
        took = step(name, side, size, options.rounds, options.seconds)
        panels[panel].setdefault(NAMES[name], {})[size if panel == BATCH else side] = took
        rows.append((NAMES[name], str(side), str(size), f"{took:.1f}", f"{took / size:.2f}"))
    print(format_table(("network", "pixels", "batch", "ms a step", "ms an image"), rows))
    rows = []
    for files in options.files:
        seconds, peak = loading(files)
        panels[FOLDER].setdefault("", {})[files] = seconds
        rows.append((f"{files:,}", f"{seconds:.1f}", f"{peak:,.0f}"))
    print(format_table(("files", "s until the first batch", "peak memory, MB"), rows))
    draw(panels, options.output)
    print(f"Drawn to {options.output}")


if __name__ == "__main__":
    main()
