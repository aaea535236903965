"""Fine-tune on three folders of real images, and train LeNet from scratch on the same: accuracy on the held-out images.

    .venv/bin/python benchmarks/own_images.py

The folders: faces and no faces (scikit-image); stamps of birds, flowers, fruit, road signs and vegetables (Debian's
package tuxpaint-stamps-default; --stamps names another place); 40 images of each of Fashion-MNIST's ten classes.
Nothing was chosen by the test images.
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

STAMPS = {
    "birds": "animals/birds",
    "flowers": "plants/flowers",
    "fruit": "food/fruit",
    "road signs": "town/roadsigns",
    "vegetables": "food/vegetables",
}
SCRATCH = {"resize": 48, "batch_size": 16, "num_epochs": 40, "optimizer": "adam", "learning_rate": 0.001}
SCRATCH |= {"augment": ["flip", "crop"], "normalize": "train", "validation": 0.2}


def faces() -> Iterator[tuple[str, Image.Image]]:
    for k, pixels in enumerate(data.lfw_subset()):
        if k % 100 < 40:
            yield "face" if k < 100 else "no face", Image.fromarray((pixels * 255).astype("uint8"))


def stamps(folder: Path) -> Iterator[tuple[str, Image.Image]]:
    for name, inner in STAMPS.items():
        for path in sorted((folder / inner).glob("*.png")):
            drawing = Image.open(path).convert("RGBA")
            paper = Image.new("RGBA", drawing.size, "white")
            yield name, Image.alpha_composite(paper, drawing).convert("RGB")


def clothes() -> Iterator[tuple[str, Image.Image]]:
    train, _ = g.load_data("sample", 64)
    for label, name in enumerate(train.classes):
        for k in np.flatnonzero(train.labels == label)[:40]:
            yield name, Image.fromarray(train.images[k, 0])


def row(name: str, folder: Path, seeds: int) -> list[str]:
    """Train with each seed in both ways; return the cells of a row."""
    start = time.perf_counter()
    runs = [transfer(folder, random_seed=seed, verbose=False) for seed in range(seeds)]
    seconds = (time.perf_counter() - start) / seeds
    scratch = [experiment("lenet", folder, verbose=False, random_seed=seed, **SCRATCH) for seed in range(seeds)]
    accuracies = ([run.history.test_accuracy[-1] for run in way] for way in (runs, scratch))
    tuned, plain = (f"{np.median(values):.2f} ({min(values):.2f}-{max(values):.2f})" for values in accuracies)
    counts = [str(runs[0].data[part]["count"]) for part in ("training", "test")]
    return [name, str(len(runs[0].classes)), *counts, tuned, f"{seconds:.0f}", plain]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stamps", type=Path, default=Path("/usr/share/tuxpaint/stamps"))
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    print("| images | classes | training images | test images | fine-tuned | seconds | LeNet from scratch |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as root:
        for name, images in {"faces": faces(), "stamps": stamps(options.stamps), "clothes": clothes()}.items():
            folder = Path(root) / name
            for k, (label, image) in enumerate(images):
                (folder / label).mkdir(parents=True, exist_ok=True)
                image.save(folder / label / f"{k}.png")
            if folder.exists():
                print("| " + " | ".join(row(name, folder, options.seeds)) + " |", flush=True)


if __name__ == "__main__":
    main()
