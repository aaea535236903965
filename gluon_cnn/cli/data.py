"""gluon-cnn data."""

from __future__ import annotations

import argparse

from gluon_cnn.data.fashion_mnist import find_fashion_mnist, read_fashion_mnist


def data(options: argparse.Namespace) -> int:
    (train_images, _), (test_images, _) = read_fashion_mnist(options.root, download=True)
    print(
        f"Fashion-MNIST is in {find_fashion_mnist(options.root)}: {len(train_images):,} training and "
        f"{len(test_images):,} test images, verified"
    )
    return 0
