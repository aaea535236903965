"""Compare optimizers for LeNet on training images set aside from the sample.

    .venv/bin/python benchmarks/choose_optimizer.py

The test images are not looked at. About ten minutes on two cores.
"""

from __future__ import annotations

import argparse
import contextlib
import io
from collections.abc import Sequence

import gluon_cnn as g
import numpy as np
from mxnet import gluon, init
from tqdm import tqdm

SET_ASIDE = 800
OPTIMIZERS = [
    ("sgd", {"learning_rate": 0.1}),
    ("sgd", {"learning_rate": 0.02, "momentum": 0.9}),
    ("sgd", {"learning_rate": 0.05, "momentum": 0.9}),
    ("sgd", {"learning_rate": 0.1, "momentum": 0.9}),
    ("adam", {"learning_rate": 0.001}),
    ("adam", {"learning_rate": 0.002}),
]


def accuracies(
    seed: int, images: np.ndarray, labels: np.ndarray, optimizer: tuple[str, dict], epochs: Sequence[int]
) -> list[float]:
    """Train with one seed and return the accuracy on the images set aside after each of these numbers of epochs."""
    order = np.random.RandomState(7).permutation(len(labels))
    kept, aside = order[:-SET_ASIDE], order[-SET_ASIDE:]
    g.seed(seed)
    train = g.Batches(images[kept], labels[kept], 64, shuffle=True)
    validation = g.Batches(images[aside], labels[aside], 64)
    ctx = g.try_gpu()
    net = g.LeNet()
    net.initialize(init.Xavier(), ctx=ctx)
    net.hybridize()
    trainer = gluon.Trainer(net.collect_params(), *optimizer)
    with contextlib.redirect_stdout(io.StringIO()):
        history = g.train(train, validation, net, gluon.loss.SoftmaxCrossEntropyLoss(), trainer, ctx, max(epochs))
    return [history.test_accuracy[epoch - 1] for epoch in epochs]


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare optimizers for LeNet.")
    parser.add_argument("--seeds", type=int, default=3, help="train with the seeds 0 to SEEDS - 1 (default 3)")
    parser.add_argument("--epochs", type=int, nargs="+", default=[5, 10, 15], help="look after these")
    options = parser.parse_args()
    train, _ = g.load_data("sample", 64)
    for optimizer in tqdm(OPTIMIZERS):
        runs = [
            accuracies(seed, train.images, train.labels, optimizer, options.epochs) for seed in range(options.seeds)
        ]
        means = np.mean(runs, axis=0)
        print(*optimizer, *(f"{epochs} epochs: {mean:.3f}" for epochs, mean in zip(options.epochs, means)), flush=True)


if __name__ == "__main__":
    main()
