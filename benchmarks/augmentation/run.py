"""Time flip and crop of colour images: `gluon_cnn.Batches`, Gluon's DataLoader, torchvision with several workers.

    .venv/bin/python benchmarks/augmentation/run.py

All three take 2,048 random images of 108x108 bytes in a new order, flip half of them, crop 96x96 pixels at a random
position, and give float32 batches of 64 in 0..1. They take turns, and peak memory is that of a turn's process.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path

from tqdm import tqdm

HERE = Path(__file__).parent
OTHERS = HERE.parents[1] / "build" / "bench" / "bin" / "python"
CONTENDERS = {
    "Batches": ("mxnet_loaders.py", "batches", 0),
    "DataLoader": ("mxnet_loaders.py", "gluon", 0),
    **{f"torchvision, {workers} workers": ("torch_loader.py", "torch", workers) for workers in (0, 1, 2, 4)},
}


def measure(python: str, script: str, kind: str, workers: int, seconds: float) -> dict[str, float]:
    """Return images per second and peak memory in MB of one turn."""
    command = [python, str(HERE / script), kind, str(workers), str(seconds)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr[-800:]}")
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0, help="of one turn")
    parser.add_argument("--torch-python", default=str(OTHERS), help="the Python that has PyTorch and torchvision")
    options = parser.parse_args()
    chosen = dict(CONTENDERS)
    if not Path(options.torch_python).exists():
        print(f"{options.torch_python} is missing (make bench makes it): without torchvision", file=sys.stderr)
        chosen = {name: c for name, c in chosen.items() if c[1] != "torch"}
    turns: dict[str, list[dict[str, float]]] = {name: [] for name in chosen}
    for _ in tqdm(range(options.rounds), unit="round", leave=False):
        for name, (script, kind, workers) in chosen.items():
            python = options.torch_python if kind == "torch" else sys.executable
            turns[name].append(measure(python, script, kind, workers, options.seconds))
    print("| loader | images/s | Batches is faster by: median (range) | peak memory, MB |")
    print("| --- | --- | --- | --- |")
    for name, results in turns.items():
        ratios = [ours["rate"] / other["rate"] for ours, other in zip(turns["Batches"], results)]
        spread = f"{statistics.median(ratios):.1f} ({min(ratios):.1f}-{max(ratios):.1f})"
        rate, memory = (statistics.median(result[what] for result in results) for what in ("rate", "memory"))
        print(f"| {name} | {rate:,.0f} | {spread if name != 'Batches' else ''} | {memory:,.0f} |")


if __name__ == "__main__":
    main()
