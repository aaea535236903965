"""Fine-tune on four folders of real images, beside two simple ways: accuracy on the held-out images.

    .venv/bin/python benchmarks/own_images.py

The folders: surfaces, disjoint parts of seven photos (scikit-image); faces and no faces (scikit-image); stamps of
birds, flowers, fruit, road signs and vegetables (Debian's package tuxpaint-stamps-default; --stamps names another
place); --images of each of Fashion-MNIST's ten classes. The simple ways: the class of the most similar training image
by its pixels, and LeNet from scratch. Each seed names the files differently, so that it holds out others. No setting
was chosen by the held-out images.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import gluon_cnn as g
import numpy as np
from gluon_cnn.experiments.experiment import experiment
from gluon_cnn.experiments.transfer import transfer
from PIL import Image
from skimage import data

SURFACES = {"brick": "brick", "grass": "grass", "gravel": "gravel", "moon": "moon"}
SURFACES |= {"retina": "retina", "stars": "hubble_deep_field", "tissue": "immunohistochemistry"}
STAMPS = {
    "birds": "animals/birds",
    "flowers": "plants/flowers",
    "fruit": "food/fruit",
    "road signs": "town/roadsigns",
    "vegetables": "food/vegetables",
}
SCRATCH = {"resize": 48, "batch_size": 16, "num_epochs": 40, "optimizer": "adam", "learning_rate": 0.001}
SCRATCH |= {"augment": ["flip", "crop"], "normalize": "train", "validation": 0.2}

Pairs = Iterator[tuple[str, Image.Image]]


def surfaces() -> Pairs:
    for name, photo in SURFACES.items():
        pixels = getattr(data, photo)()
        for top in range(0, 500, 100):
            for left in range(0, 500, 100):
                yield name, Image.fromarray(pixels[top : top + 100, left : left + 100])


def faces() -> Pairs:
    for k, pixels in enumerate(data.lfw_subset()):
        if k % 100 < 40:
            yield "face" if k < 100 else "no face", Image.fromarray((pixels * 255).astype("uint8"))


def stamps(folder: Path) -> Pairs:
    for name, inner in STAMPS.items():
        for path in sorted((folder / inner).glob("*.png")):
            drawing = Image.open(path).convert("RGBA")
            paper = Image.new("RGBA", drawing.size, "white")
            yield name, Image.alpha_composite(paper, drawing).convert("RGB")


def clothes(count: int) -> Pairs:
    train, _ = g.load_data("sample", 64)
    for label, name in enumerate(train.classes):
        for k in np.flatnonzero(train.labels == label)[:count]:
            yield name, Image.fromarray(train.images[k, 0])


def nearest(folder: Path) -> float:
    """Return the accuracy of naming the class of the most similar training image, by its pixels."""
    train, test = g.load_data(folder, 64, 32)
    X, Z = (part.images.reshape(len(part.labels), -1).astype(np.float32) for part in (train, test))
    distances = (Z**2).sum(1)[:, None] - 2 * Z @ X.T + (X**2).sum(1)
    return float((train.labels[distances.argmin(1)] == test.labels).mean())


def row(name: str, folders: list[Path], scratch: bool) -> list[str]:
    """Train with each seed in both ways; return the cells of a row."""
    start = time.perf_counter()
    runs = [transfer(folder, random_seed=seed, verbose=False) for seed, folder in enumerate(folders)]
    seconds = (time.perf_counter() - start) / len(folders)
    ways = [[run.history.test_accuracy[-1] for run in runs], [nearest(folder) for folder in folders]]
    if scratch:
        plain = [experiment("lenet", path, verbose=False, random_seed=k, **SCRATCH) for k, path in enumerate(folders)]
        ways.append([run.history.test_accuracy[-1] for run in plain])
    tuned, *others = (f"{np.median(values):.2f} ({min(values):.2f}-{max(values):.2f})" for values in ways)
    counts = [f"{np.median([run.data[part]['count'] for run in runs]):.0f}" for part in ("training", "test")]
    return [name, str(len(runs[0].classes)), *counts, tuned, f"{seconds:.0f}", *others]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stamps", type=Path, default=Path("/usr/share/tuxpaint/stamps"))
    parser.add_argument("--images", type=int, default=40, help="of each class of clothes")
    parser.add_argument("--only", help="one of the folders")
    parser.add_argument("--no-scratch", action="store_true", help="leave out LeNet")
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    found = {"surfaces": surfaces(), "faces": faces(), "stamps": stamps(options.stamps)}
    found["clothes"] = clothes(options.images)
    head = ["images", "classes", "training images", "test images", "`finetune`", "seconds", "nearest", "LeNet"]
    print("| " + " | ".join(head[: 7 if options.no_scratch else 8]) + " |")
    with tempfile.TemporaryDirectory() as root:
        for name, images in found.items():
            if options.only not in (None, name):
                continue
            folders = [Path(root) / f"{name}{seed}" for seed in range(options.seeds)]
            for k, (label, image) in enumerate(images):
                for seed, folder in enumerate(folders):
                    (folder / label).mkdir(parents=True, exist_ok=True)
                    image.save(folder / label / f"{seed}-{k}.png")
            if folders[0].exists():
                print("| " + " | ".join(row(name, folders, not options.no_scratch)) + " |", flush=True)


if __name__ == "__main__":
    main()
