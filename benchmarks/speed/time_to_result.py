"""Time `gluon-cnn train` from the command to a test accuracy on Fashion-MNIST, and PyTorch with its usual recipe.

    .venv/bin/python benchmarks/speed/time_to_result.py

Both train the course's LeNet on all 60,000 images. Imports, reading the data and measuring the accuracy after each
epoch are included. The epochs, batch size, optimizer, rate and schedule of `gluon-cnn train` were chosen by the
accuracy on a tenth of the training images. PyTorch's recipe is torchvision's loader, batches of 64 and Adam with its
default rate; it stops after the first epoch that reaches the accuracy. They take turns, with a new seed each round.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import os
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from gluon_cnn.data.fashion_mnist import find_fashion_mnist
from run import CORES, OTHERS, processor, table
from tqdm import tqdm

HERE = Path(__file__).resolve().parent
RECIPES = {  # by the accuracy to reach
    0.88: "--batch-size 48 --optimizer adam --lr 0.004 --init he --schedule cosine --epochs 1",
    0.91: "--batch-size 48 --optimizer adam --lr 0.002 --init he --schedule cosine --epochs 6",
}


def ours(target: float, seed: int) -> float:
    """Run the command; return the accuracy that it reports."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "gluon_cnn.cli", "train", "lenet", "--dataset", "fashion-mnist"]
        command += [*RECIPES[target].split(), "--seed", str(seed), "--output", f"{folder}/run"]
        subprocess.run(command, check=True, capture_output=True)
        with (Path(folder) / "run" / "history.csv").open() as file:
            return float(list(csv.DictReader(file))[-1]["test_accuracy"])


def pytorch(target: float, seed: int, python: str, folder: str) -> float:
    """Train in PyTorch; return the accuracy."""
    command = [python, str(HERE / "torch_result.py"), folder, str(target), str(CORES), str(seed)]
    environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    return float(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--targets", type=float, nargs="+", choices=RECIPES, default=[0.88])
    parser.add_argument("--torch-python", default=str(OTHERS / "bin" / "python"), help="the Python that has PyTorch")
    options = parser.parse_args()
    if not Path(options.torch_python).exists():
        parser.error(f"there is no {options.torch_python}: make bench installs it")
    files = find_fashion_mnist()
    if files is None:
        parser.error("Fashion-MNIST is not on this machine: gluon-cnn data fashion-mnist downloads it")
    rows = []
    total = 2 * options.rounds * len(options.targets)
    with tempfile.TemporaryDirectory() as folder, tqdm(total=total, unit="run") as bar:
        raw = Path(folder) / "FashionMNIST" / "raw"
        raw.mkdir(parents=True)
        for file in Path(files).glob("*.gz"):
            (raw / file.stem).write_bytes(gzip.decompress(file.read_bytes()))
        for target in options.targets:
            seconds: dict[str, list[float]] = {"gluon-cnn": [], "pytorch": []}
            reached: dict[str, list[float]] = {"gluon-cnn": [], "pytorch": []}
            for seed in range(options.rounds):
                turns = [
                    ("gluon-cnn", partial(ours, target, seed)),
                    ("pytorch", partial(pytorch, target, seed, options.torch_python, folder)),
                ]
                for name, turn in turns if seed % 2 else turns[::-1]:
                    start = time.perf_counter()
                    reached[name].append(turn())
                    seconds[name].append(time.perf_counter() - start)
                    bar.update()
            times = [f"{statistics.median(took):.0f} ({min(took):.0f}-{max(took):.0f})" for took in seconds.values()]
            accuracies = [f"{min(values):.3f}-{max(values):.3f}" for values in reached.values()]
            rows.append([str(target), *times, *accuracies])
    print(f"seconds: median (range) of {options.rounds} rounds; {CORES} cores of {processor()}\n")
    print(table(["test accuracy", "gluon-cnn train, s", "pytorch, s", "reached by gluon-cnn", "by pytorch"], rows))


if __name__ == "__main__":
    main()
