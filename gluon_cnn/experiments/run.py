"""Trained networks that can be saved, loaded, evaluated and used for prediction."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import mxnet as mx
import numpy as np
from gluon_cnn._core.contexts import contexts_of
from gluon_cnn._core.files import make_folder, write_all
from gluon_cnn._core.record import digest, to_json
from gluon_cnn.data.batches import Batches, scale
from gluon_cnn.data.datasets import DATASETS, load_data
from gluon_cnn.data.images import read_folder, read_images
from gluon_cnn.data.transforms import Normalize
from gluon_cnn.deploy.fusion import fused
from gluon_cnn.deploy.int8 import quantize
from gluon_cnn.experiments import files
from gluon_cnn.experiments.choices import make_network
from gluon_cnn.networks.efficientnet import MEAN, PIXELS, SCALE, efficientnet_lite0, imagenet_classes
from gluon_cnn.networks.loading import load_weights
from gluon_cnn.networks.registry import NETWORKS, PRETRAINED
from gluon_cnn.training.history import History
from gluon_cnn.training.prediction import probabilities
from mxnet import gluon, nd

PREDICTION_BATCH_SIZE = 64  # images per batch
FEW_IMAGES = 8  # so few are predicted before a network is fused


@dataclass
class Run:
    """A trained network with everything needed to use it again.

    Attributes
    ----------
    net : Block
        The network.
    history : History
        The measurements of :func:`gluon_cnn.train`.
    settings : dict
        The settings, see :class:`gluon_cnn.experiments.settings.Settings`, possibly empty; ``"int8"`` is True after
        :meth:`quantize`.
    classes : tuple of str
        Class names, in the order of the network's output.
    input_shape : (int, int, int)
        Channels, height and width of its images.
    data : dict, optional
        Description of the training and test data, see :func:`gluon_cnn.data.description.describe`.
    """

    net: gluon.Block
    history: History
    settings: dict[str, Any]
    classes: tuple[str, ...]
    input_shape: tuple[int, int, int]
    data: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        self.settings = dict(self.settings or {})

    def save(self, folder: str | Path) -> None:
        """Write weights, settings and history (JSON), the history as a table (CSV) and its curves (PNG).

        All files but the curves are on disk before the first is renamed, and the report, with the SHA-256 of the
        weights, is renamed last: a crash leaves the older run, no run, or one that :meth:`load` refuses. The curves
        are written last, since plotting may fail.

        Raises
        ------
        OSError
            If the folder is not writable or the disk is full; an older run in it is then unchanged.
        """
        folder = make_folder(Path(folder))
        contents = files.network_files(self.net)
        report = {
            "settings": self.settings,
            "data": self.data,
            "classes": [str(name) for name in self.classes],
            "input_shape": [int(n) for n in self.input_shape],
            "history": asdict(self.history),
            "sha256": {name: digest(content) for name, content in contents.items()},
        }
        contents |= {files.TABLE: files.table_file(self.history), files.REPORT: to_json(report)}
        write_all({folder / name: content for name, content in contents.items()})
        if len(self.history):
            files.draw_curves(self.history, folder / files.CURVES)

    @classmethod
    def load(
        cls, folder: str | Path, network: Callable[..., gluon.Block] | None = None, ctx: mx.Context | None = None
    ) -> Run:
        """Load a run written by :meth:`save`, including those of version 0.1.0.

        Parameters
        ----------
        folder : str or Path
            The run's folder.
        network : callable, optional
            The network's constructor, if it is not one of the course's.
        ctx : Context, optional
            Where to compute. Default: :func:`gluon_cnn.try_gpu`.

        Raises
        ------
        ValueError
            If the folder contains no run, a run whose files do not match their checksums, or one of another network.
        OSError
            If its files cannot be read.
        """
        folder = Path(folder)
        missing = [name for name in (files.REPORT, files.WEIGHTS) if not (folder / name).exists()]
        if missing:
            raise ValueError(
                f"{folder} contains no run ({' and '.join(missing)} missing): create one with gluon-cnn train"
            )
        report = files.parse_report(folder)
        settings, sums = report["settings"], report.pop("sha256")
        make = network or {**NETWORKS, **PRETRAINED}.get(settings.get("network"))
        is_graph = files.GRAPH in sums or settings.get("int8")
        if make is None and not is_graph:
            name = settings.get("network") or "module:function"
            advice = f"pass its constructor, network= (--network {name})"
            raise ValueError(f"{folder} contains a network of your own: {advice}")
        files.check_sums(folder, sums)
        if make is None or is_graph:
            return cls(files.read_graph(folder), **report)
        net = make_network(make, len(report["classes"]))
        load_weights(net, folder / files.WEIGHTS, ctx)
        net.hybridize(static_alloc=True, static_shape=True)  # for prediction; other batch sizes are planned anew
        return cls(net, **report)

    def test_images(self, dataset: Any = None, broken: str | None = None) -> Batches:
        """Return test images in batches.

        Parameters
        ----------
        dataset, optional
            See :func:`gluon_cnn.load_data`. Default: the files held out from the network's training data, regardless of
            files added since. From another folder, all images are returned, or those in its subfolder ``test``.
        broken : str, optional
            See :func:`gluon_cnn.load_data`. Default: the training run's setting for its data, else ``"refuse"``.
        """
        if dataset is None or self._is_own(dataset):
            test = self._own_data(broken, testing=True)[-1]
        elif is_folder(dataset) and not (Path(dataset) / "test").is_dir():
            channels, size = self.input_shape[0], self.input_shape[1:]
            images, labels, _ = read_folder(dataset, size, channels, broken or "refuse", self.classes)
            test = Batches(images, labels, PREDICTION_BATCH_SIZE, classes=self.classes, transform=self._transforms())
        else:
            test = self._load(dataset, broken or "refuse")[-1]
        if test.classes != self.classes:
            raise ValueError(
                f"{dataset or self.settings['dataset']} has the classes {', '.join(test.classes)}; the network has "
                f"{', '.join(self.classes)}"
            )
        return test

    def _is_own(self, dataset: Any) -> bool:
        """Return whether the data set is the one that the network was trained on, by name or by folder."""
        own = self.settings.get("dataset")
        if own is None or not isinstance(dataset, (str, Path)):
            return False
        return dataset == own or (is_folder(dataset) and is_folder(own) and os.path.samefile(dataset, own))

    def onnx_metadata(self) -> dict[str, str]:
        """Return what a program that predicts with the network's ONNX file needs to know, as JSON."""
        mean, std = self.settings.get("normalize") or ([0.0], [1.0])
        facts = {"classes": self.classes, "input_shape": self.input_shape, "divisor": 255, "mean": mean, "std": std}
        return {name: json.dumps(value) for name, value in facts.items()}

    def _transforms(self) -> list[Normalize]:
        """Return the transforms that the network expects for images scaled to 0..1."""
        numbers = self.settings.get("normalize")
        return [] if numbers is None else [Normalize(*(tuple(part) for part in numbers))]

    def _own_data(self, broken: str | None = None, testing: bool = False) -> tuple[Batches, ...]:
        """Load the data that the network was trained on, with the same test files."""
        own = self.settings.get("dataset")
        if own in (None, "arrays"):
            raise ValueError(
                "the run does not record which images the network was trained on: pass a data set (--dataset)"
            )
        if own not in DATASETS and not Path(own).is_dir():
            raise ValueError(
                f"the images this network was trained on ({own}) no longer exist: restore them, or evaluate on others "
                "(--dataset)"
            )
        is_split = own in DATASETS or all((Path(own) / part).is_dir() for part in ("train", "test"))
        if testing and self.data is None and not is_split:
            raise ValueError(
                f"the run, like all runs of gluon-cnn 0.1.0, does not record which images of {own} were held out from "
                "training: evaluate it with that version, or on other images (--dataset)"
            )
        held_out = self.data["test"]["files"] if self.data else None
        return self._load(own, broken or self.settings.get("broken") or "refuse", held_out)

    def _load(self, dataset: Any, broken: str, held_out: Any = None) -> tuple[Batches, ...]:
        channels, size = self.input_shape[0], self.input_shape[1:]
        more = {"held_out": held_out} if held_out else {}
        normalize = self.settings.get("normalize")
        return load_data(
            dataset, PREDICTION_BATCH_SIZE, size, channels=channels, broken=broken, normalize=normalize, **more
        )

    def quantize(self, images: Iterable | None = None) -> Run:
        """Return a copy of the run with a network quantized to 8-bit integers, see :func:`gluon_cnn.quantize`.

        ``images`` are batches (X, y) of training images, by default from the network's training data.
        """
        if isinstance(self.net, gluon.SymbolBlock) or self.settings.get("int8"):
            raise ValueError("this network already computes with 8-bit integers")
        net = quantize(self.net, self._own_data()[0] if images is None else images)
        return Run(net, self.history, {**self.settings, "int8": True}, self.classes, self.input_shape, self.data)

    def read(self, paths: Sequence[str | Path]) -> tuple[np.ndarray, nd.NDArray]:
        """Return the images in files as uint8, (N, C, H, W), and as input for the network."""
        channels, size = self.input_shape[0], self.input_shape[1:]
        images = read_images(paths, size, channels)
        pixels = scale(images)
        for step in self._transforms():
            pixels = step(pixels)
        return images, nd.from_numpy(pixels).as_in_context(contexts_of(self.net)[0])

    def fused(self) -> gluon.Block:
        """Return a copy of the network for faster prediction, see :func:`gluon_cnn.deploy.fusion.fused`."""
        X = nd.array(np.random.default_rng(0).random((2, *self.input_shape)), contexts_of(self.net)[0])
        return fused(self.net, X)

    def predict(self, images: Iterable[str | Path]) -> np.ndarray:
        """Return the class probabilities for image files, of shape (images, classes).

        The files are read by :func:`gluon_cnn.data.images.read_image`. They should resemble the training images:
        Fashion-MNIST's are bright on a black background.

        Raises
        ------
        OSError
            If a file is missing or is not an image.
        """
        if isinstance(images, (str, Path)):
            raise TypeError(f"images must be a list of files; got {str(images)!r}: pass [{str(images)!r}]")
        paths, found = list(images), [np.empty((0, len(self.classes)), np.float32)]
        net = self.fused() if len(paths) > FEW_IMAGES else self.net
        for start in range(0, len(paths), PREDICTION_BATCH_SIZE):
            _, X = self.read(paths[start : start + PREDICTION_BATCH_SIZE])
            found.append(probabilities(net, X).asnumpy())
            if found[-1].shape[1] != len(self.classes):
                raise ValueError(
                    f"the network has {found[-1].shape[1]} outputs, but its report lists {len(self.classes)} classes"
                )
        return np.concatenate(found)


def is_folder(dataset: Any) -> bool:
    return isinstance(dataset, (str, Path)) and dataset not in DATASETS and Path(dataset).is_dir()


@cache
def pretrained_run() -> Run:
    """Return EfficientNet-Lite0 with ImageNet's weights, ready to predict; the same one each time."""
    net = efficientnet_lite0(pretrained=True)
    net.hybridize(static_alloc=True, static_shape=True)
    settings = {"network": "efficientnet-lite0", "normalize": [[MEAN] * 3, [SCALE] * 3]}
    return Run(net, History(), settings, imagenet_classes(), (3, PIXELS, PIXELS))
