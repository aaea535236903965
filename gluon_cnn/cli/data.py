"""gluon-cnn data."""

from __future__ import annotations

import argparse

from gluon_cnn.data.cifar10 import download_cifar10, read_archive
from gluon_cnn.data.fashion_mnist import find_fashion_mnist, read_fashion_mnist


def data(options: argparse.Namespace) -> int:
    if options.dataset == "cifar-10":
        path = download_cifar10(options.root)
        (train_images, _), (test_images, _) = read_archive(path)
        print(f"CIFAR-10 is in {path}: {len(train_images):,} training and {len(test_images):,} test images, verified")
        return 0
    (train_images, _), (test_images, _) = read_fashion_mnist(options.root, download=True)
    print(
        f"Fashion-MNIST is in {find_fashion_mnist(options.root)}: {len(train_images):,} training and "
        f"{len(test_images):,} test images, verified"
    )
    return 0
