"""Time how many images a second `gluon_cnn.Batches` prepares, and Gluon's DataLoader with the same transforms.

    .venv/bin/python benchmarks/input_pipeline.py

Both take Fashion-MNIST's bytes to float32 batches of 0..1, resized, in a new order, and they take turns. What they make
of the same images is compared first. The images are the sample's 4,000. The second table is of reading photos: JPEGs of
12 megapixels, reduced to 224x224, beside MXNet's own functions. For augmented images, also against torchvision, see
`benchmarks/augmentation/run.py`.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import gluon_cnn as g
import numpy as np
from gluon_cnn.data.images import read_images
from mxnet import gluon, image, nd
from mxnet.gluon.data.vision import transforms
from PIL import Image
from skimage import data
from tqdm import trange

SIZES = ((28, 64), (96, 32), (224, 32))  # pixels of a side, images in a batch


def loaders(side: int, batch_size: int, shuffle: bool) -> dict[str, Iterable]:
    """Return both ways to the same batches."""
    train_data, _ = g.load_data("sample", batch_size)
    images = nd.array(train_data.images.transpose(0, 2, 3, 1), dtype="uint8")
    # Resize comes after ToTensor: bytes would be rounded.
    steps = [transforms.ToTensor()] + ([] if side == 28 else [ResizeChannelsFirst(side)])
    dataset = gluon.data.ArrayDataset(images, train_data.labels).transform_first(transforms.Compose(steps))
    return {
        "Batches": g.Batches(train_data.images, train_data.labels, batch_size, resize=side, shuffle=shuffle),
        "DataLoader": gluon.data.DataLoader(dataset, batch_size, shuffle=shuffle),
    }


class ResizeChannelsFirst(gluon.nn.HybridBlock):
    """Bilinear resizing of one image, (C, H, W)."""

    def __init__(self, side: int) -> None:
        super().__init__()
        self.side = side

    def hybrid_forward(self, F, x):
        x = F.expand_dims(x, axis=0)
        x = F.contrib.BilinearResize2D(x, height=self.side, width=self.side, align_corners=False)
        return F.squeeze(x, axis=0)


def rate(batches: Iterable, seconds: float) -> float:
    """Return images a second over about that many seconds."""
    start, count = time.perf_counter(), 0
    for X, _ in itertools.chain.from_iterable(itertools.repeat(batches)):
        X.wait_to_read()
        count += len(X)
        if time.perf_counter() - start > seconds:
            return count / (time.perf_counter() - start)
    raise AssertionError("there is no last batch")


def read_with_mxnet(paths: list[Path], size: tuple[int, int]) -> None:
    for path in paths:
        image.center_crop(image.resize_short(image.imread(str(path)), size[0]), size)[0].wait_to_read()


def time_photos(rounds: int, count: int = 8) -> dict[str, list[float]]:
    """Return how many photos a second each way reads, per round."""
    photo = np.array(Image.fromarray(data.astronaut()).resize((4032, 3024)), int)
    pixels = photo + np.random.default_rng(0).integers(-12, 12, photo.shape)
    ways = {"read_images": read_images, "mx.image": read_with_mxnet}
    rates: dict[str, list[float]] = {name: [] for name in ways}
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{k}.jpg" for k in range(count)]
        for path in paths:
            Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path, quality=90)
        for _ in trange(rounds, desc="photos", leave=False):
            for name, read in ways.items():
                start = time.perf_counter()
                read(paths, (224, 224))
                rates[name].append(count / (time.perf_counter() - start))
    return rates


def compared(rates: dict[str, list[float]], digits: int = 0) -> str:
    """Return the median rates and their ratio, as the end of a row."""
    ratios = [a / b for a, b in zip(*rates.values())]
    medians = " | ".join(f"{statistics.median(values):,.{digits}f}" for values in rates.values())
    return f"{medians} | {statistics.median(ratios):.1f} ({min(ratios):.1f}-{max(ratios):.1f}) |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=1.0, help="of one turn")
    options = parser.parse_args()
    print("| pixels | batch | Batches, images/s | DataLoader, images/s | ratio: median (range) |")
    print("| --- | --- | --- | --- | --- |")
    for side, batch_size in SIZES:
        ours, gluons = (next(iter(batches)) for batches in loaders(side, batch_size, shuffle=False).values())
        np.testing.assert_allclose(ours[0].asnumpy(), gluons[0].asnumpy(), atol=1e-5)
        np.testing.assert_array_equal(ours[1].asnumpy(), gluons[1].asnumpy())
        both = loaders(side, batch_size, shuffle=True)
        rates: dict[str, list[float]] = {name: [] for name in both}
        for _ in trange(options.rounds, desc=f"{side} pixels", leave=False):
            for name, batches in both.items():
                rates[name].append(rate(batches, options.seconds))
        print(f"| {side} | {batch_size} | {compared(rates)}", flush=True)
    print("\n| read_images, photos/s | mx.image, photos/s | ratio: median (range) |")
    print(f"| --- | --- | --- |\n| {compared(time_photos(options.rounds), 1)}")


if __name__ == "__main__":
    main()
