"""How training scales with workers: measured here for one and two, and a model for more machines.

    .venv/bin/python benchmarks/scaling.py

Each measurement is a run of `gluon-cnn`: alone, as one worker with a parameter server, and as two workers that share
the batch and the cores. They take turns, round by round; the second epoch counts. The model knows the bytes of the
gradients, the seconds of a step alone, and the bandwidth; its assumptions are in docs/distributed.md.
"""

from __future__ import annotations

import argparse
import csv
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import gluon_cnn as g
from gluon_cnn.experiments import choices
from gluon_cnn.networks.registry import NETWORKS
from gluon_cnn.networks.summary import format_table, summary
from PIL import Image
from tqdm import tqdm

MACHINES, GIGABITS = (2, 4, 8, 16, 32, 64), (1, 10, 100)


def write_images(folder: Path, count: int) -> None:
    """Write a folder of images of two classes for `gluon-cnn train`; a fifth of them is for the test."""
    train, _ = g.load_data("sample", 1)
    for label, name in enumerate(("t-shirt", "trouser")):
        (folder / name).mkdir(parents=True)
        for k, pixels in enumerate(train.images[train.labels == label][: count // 2]):
            Image.fromarray(pixels[0]).save(folder / name / f"{k}.png")


def rate(command: list[str], batch_size: int, data: Path, network: str) -> float:
    """Return the training images a second of all workers in the second epoch."""
    with tempfile.TemporaryDirectory() as folder:
        settings = ["--dataset", data, "--grey", "--batch-size", batch_size, "--epochs", 2, "--output", "run"]
        line = [sys.executable, "-m", "gluon_cnn.cli", *command, "train", network, *settings]
        subprocess.run([str(part) for part in line], cwd=folder, check=True, capture_output=True)
        with (Path(folder) / "run" / "history.csv").open() as file:
            return float(list(csv.DictReader(file))[-1]["images_per_second"])


def predicted(machines: int, gigabits: float, megabytes: float, seconds: float) -> tuple[float, float]:
    """Return how many times one machine's rate, when sending and computing take turns, and when they overlap fully.

    Each machine has a worker and a server with an equal share of the weights. In a step, what a worker pushes to the
    others' servers and what its own server sends back to the others go out: 2 (n - 1) / n of the gradients' bytes.
    """
    sending = 2 * (machines - 1) / machines * megabytes * 8e6 / (gigabits * 1e9)
    return machines * seconds / (seconds + sending), machines * seconds / max(seconds, sending)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", nargs="+", default=["lenet", "resnet"])
    parser.add_argument("--images", type=int, default=640)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    half, whole = options.batch_size // 2, options.batch_size
    ways = {
        "alone": ([], whole),
        "1 worker": (["launch", "-n", "1", "--"], whole),
        "2 workers": (["launch", "-n", "2", "--"], half),
    }
    measured, model = [], []
    with tempfile.TemporaryDirectory() as temporary:
        data = Path(temporary) / "data"
        write_images(data, options.images)
        for network in options.networks:
            turns = [name for _ in range(options.rounds) for name in ways]
            rates: dict[str, list[float]] = {name: [] for name in ways}
            for name in tqdm(turns, desc=network, unit="run"):
                rates[name].append(rate(*ways[name], data, network))
            make = NETWORKS[network]
            side = max(choices.DEFAULT_IMAGE_SIZE, choices.min_image_size(make))
            net = make(num_classes=2)
            net.initialize()
            megabytes = summary(net, (1, 1, side, side)).parameters * 4 / 1e6
            alone = statistics.median(rates["alone"])
            for name, values in rates.items():
                ratios = [value / one for value, one in zip(values, rates["alone"])]
                spread = f"{min(ratios):.2f}-{max(ratios):.2f}"
                row = (network, name, f"{statistics.median(values):,.0f}", f"{statistics.median(ratios):.2f}", spread)
                measured.append(row)
            for gigabits in GIGABITS:
                cells = [predicted(n, gigabits, megabytes, whole / alone) for n in MACHINES]
                model.append((network, f"{megabytes:.1f}", str(gigabits), *(f"{a:.1f}-{b:.1f}" for a, b in cells)))
    print(format_table(("network", "way", "images/s", "of alone", "range"), measured))
    print(format_table(("network", "MB", "Gbit/s", *(f"{n} machines" for n in MACHINES)), model))


if __name__ == "__main__":
    main()
