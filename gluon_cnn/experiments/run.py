"""A trained network with its settings and history, saved in a folder."""

from __future__ import annotations

import csv
import errno
import io
import itertools
import os
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import mxnet as mx
import numpy as np
from gluon_cnn._core.checks import check_shape, check_weights
from gluon_cnn._core.contexts import contexts_of
from gluon_cnn._core.files import atomic_write, make_folder, write_all
from gluon_cnn._core.parameter_files import holds_parameters, parameter_bytes
from gluon_cnn._core.record import digest, read, written
from gluon_cnn._core.startup import remark
from gluon_cnn.data.batches import Batches
from gluon_cnn.data.datasets import DATASETS, load_data
from gluon_cnn.data.images import read_folder, read_picture
from gluon_cnn.deploy.int8 import quantize, ready
from gluon_cnn.networks.loading import load_weights
from gluon_cnn.networks.registry import NETWORKS
from gluon_cnn.plots.style import draw_anywhere
from gluon_cnn.training.history import History, read_history
from gluon_cnn.training.prediction import predict_batches
from mxnet import gluon, nd

PICTURES_AT_ONCE = 64  # in a prediction


WEIGHTS, REPORT, TABLE, CURVES = "network.params", "history.json", "history.csv", "curves.png"  # files of a run


GRAPH = "network-symbol.json"  # of a quantized one


@dataclass
class Run:
    """A trained network with what is needed to use it again.

    Attributes
    ----------
    net : Block
        The network.
    history : History
        What :func:`gluon_cnn.train` measured.
    settings : dict
        The arguments of :func:`experiment`; ``"int8"`` is True after :meth:`quantize`. May be empty.
    classes : tuple of str
        The classes' names, in the order of the network's output.
    input_shape : (int, int, int)
        Channels, height and width of its pictures.
    data : dict, optional
        What it was trained and tested on, as :func:`gluon_cnn.data.datasets.describe` returns it.
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

        Raises
        ------
        OSError
            When the folder cannot be written to, or the disk is full: an older run in it is then as it was.

        Notes
        -----
        All files but the curves are on the disk before the first gets its name, and the report is the last: a machine
        that stops in between leaves no run, or one that :meth:`load` refuses, as the report holds the SHA-256 of the
        weights. The curves follow, as drawing may fail.
        """
        folder = make_folder(Path(folder))
        nd.waitall()  # mxnet may still be rearranging weights
        files = {}
        net = check_weights(self.net)
        if isinstance(net, gluon.SymbolBlock):
            symbol = net(mx.sym.var("data"))
            auxiliary = set(symbol.list_auxiliary_states())
            files[GRAPH] = symbol.tojson().encode()
            parameters = {f"{'aux' if k in auxiliary else 'arg'}:{k}": p for k, p in net.collect_params().items()}
        else:
            parameters = net._collect_params_with_prefix()
        files[WEIGHTS] = parameter_bytes({name: p._reduce() for name, p in parameters.items()})
        history = asdict(self.history)
        report = {
            "settings": self.settings,
            "data": self.data,
            "classes": [str(name) for name in self.classes],
            "input_shape": [int(n) for n in self.input_shape],
            "history": history,
            "sha256": {name: digest(content) for name, content in files.items()},
        }
        table = io.StringIO(newline="")
        writer = csv.writer(table)
        writer.writerow(["epoch", *history])
        writer.writerows([epoch, *row] for epoch, row in enumerate(itertools.zip_longest(*history.values()), 1))
        files[TABLE] = table.getvalue().encode()
        files[REPORT] = written(report)
        write_all({folder / name: content for name, content in files.items()})
        if len(self.history):
            self._draw(folder / CURVES)

    def _draw(self, path: Path) -> None:
        """Draw the curves. When that fails, the older ones go away, and there is a warning."""
        path.unlink(missing_ok=True)
        curves = io.BytesIO()
        try:
            draw_anywhere(self.history.plot, curves)
        except Exception as error:
            remark(f"{path} could not be drawn ({type(error).__name__}: {error})")
            return
        with atomic_write(path) as file:
            file.write(curves.getvalue())

    @classmethod
    def load(
        cls, folder: str | Path, network: Callable[..., gluon.Block] | None = None, ctx: mx.Context | None = None
    ) -> Run:
        """Return what :meth:`save` wrote, also that of version 0.1.0.

        Parameters
        ----------
        folder : str or Path
            The run's.
        network : callable, optional
            What made the network, when it is none of the course's.
        ctx : Context, optional
            Where to compute. Default: :func:`gluon_cnn.try_gpu`.

        Raises
        ------
        ValueError
            When the folder holds no run, one whose files do not match their checksums, or one of another network.
        OSError
            When its files cannot be read.
        """
        folder = Path(folder)
        missing = [name for name in (REPORT, WEIGHTS) if not (folder / name).exists()]
        if missing:
            raise ValueError(f"{folder} holds no run ({' and '.join(missing)} missing): gluon-cnn train makes one")
        report = read_report(folder)
        try:
            classes = tuple(_of("a class", each, str) for each in _of("classes", report["classes"], list))
            settings = dict(report["settings"])
            channels, height, width = check_shape("input_shape", list(report["input_shape"]))
            history = read_history(report["history"])
            for key, kind in (("network", str), ("dataset", str), ("broken", str), ("int8", bool)):
                _of(key, settings.get(key), kind, type(None))
            sums = dict(report.get("sha256", {}))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{folder / REPORT} is not a run's report ({type(error).__name__}: {error})") from error
        name, graph = settings.get("network"), GRAPH in sums or settings.get("int8")
        if network is None and name not in NETWORKS and not graph:
            raise ValueError(f"{folder} holds a network of your own: pass what made it, network=")
        for file in (WEIGHTS, GRAPH):  # mxnet does not notice a weight that has changed
            if file in sums and (not (folder / file).exists() or digest(_read(folder / file)) != sums[file]):
                raise ValueError(f"{folder / file} is damaged, or not the one that belongs to {REPORT}")
        if graph:
            with _parameters_named(folder / WEIGHTS), warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # it cannot decide the type of the pictures, and need not
                net = ready(gluon.SymbolBlock.imports(str(folder / GRAPH), ["data"], str(folder / WEIGHTS)))
        else:
            net = (network or NETWORKS[str(name)])(num_classes=len(classes))
            load_weights(net, folder / WEIGHTS, ctx)
            net.hybridize(static_alloc=True, static_shape=True)  # to predict; a batch of another size is planned anew
        return cls(net, history, settings, classes, (channels, height, width), report.get("data"))

    def test_pictures(self, dataset: Any = None, broken: str | None = None) -> Batches:
        """Return pictures to test on, in batches.

        Parameters
        ----------
        dataset, optional
            See :func:`gluon_cnn.load_data`. Default: the data the network was trained on, of which the files count that
            were held out then, whatever has been added since; of another folder all pictures count, or those in its
            folder ``test``.
        broken : str, optional
            See :func:`gluon_cnn.load_data`. Default: for the data it was trained on as in training, else ``"refuse"``.

        Raises
        ------
        ValueError
            When there is no such data, its classes are others than the network's, or a file that was held out is
            missing or has changed.
        """
        channels, height, width = self.input_shape
        size = (height, width)
        if dataset is None or self._is_own(dataset):
            dataset = self._own_data()
            if self.data is None and _is_split_by_us(dataset):
                raise ValueError(
                    f"the run does not say which pictures of {dataset} were held out from training, as those of "
                    "gluon-cnn 0.1.0: evaluate it with that version, or on other pictures (--dataset)"
                )
            test = self._load_own(broken)[1]
        elif is_folder(dataset) and not (Path(dataset) / "test").is_dir():
            images, labels, _ = read_folder(dataset, size, channels, broken or "refuse", self.classes)
            return Batches(images, labels, PICTURES_AT_ONCE, classes=self.classes)
        else:
            test = load_data(dataset, PICTURES_AT_ONCE, size, channels=channels, broken=broken or "refuse")[1]
        if test.classes != self.classes:
            raise ValueError(
                f"{dataset} has the classes {', '.join(test.classes)}; the network knows {', '.join(self.classes)}"
            )
        return test

    def _is_own(self, dataset: Any) -> bool:
        """Return whether this is, however it is spelled, what the network was trained on."""
        own = self.settings.get("dataset")
        if not isinstance(dataset, (str, Path)) or own is None:
            return False
        if own in DATASETS or dataset in DATASETS:
            return dataset == own
        return os.path.realpath(dataset) == os.path.realpath(own) or (
            os.path.exists(dataset) and os.path.exists(own) and os.path.samefile(dataset, own)
        )

    def _own_data(self) -> str:
        """Return what the network was trained on, if it is still there."""
        own = self.settings.get("dataset")
        if own in (None, "arrays"):
            raise ValueError("the run does not say which pictures it was trained on: pass some (--dataset)")
        if own not in DATASETS and not Path(own).is_dir():
            raise ValueError(
                f"the pictures this network was trained on ({own}) are not there any more: "
                "put them back, or evaluate on others (--dataset)"
            )
        return own

    def _load_own(self, broken: str | None = None) -> tuple[Batches, Batches]:
        """Return the data that the network was trained on, with the same test files as then."""
        channels, height, width = self.input_shape
        files = self.data["test"]["files"] if self.data else None
        return load_data(
            self._own_data(),
            PICTURES_AT_ONCE,
            (height, width),
            channels=channels,
            broken=broken or self.settings.get("broken") or "refuse",
            **({"held_out": files} if files else {}),
        )

    def quantize(self, pictures: Iterable | None = None) -> Run:
        """Return the same run with a network that predicts with 8-bit integers, see :func:`gluon_cnn.quantize`.

        Parameters
        ----------
        pictures : iterable of (X, y), optional
            Batches of training pictures. Default: of the data that the network was trained on.

        Raises
        ------
        ValueError
            When it is quantized already, or there is no such data.
        """
        if isinstance(self.net, gluon.SymbolBlock) or self.settings.get("int8"):
            raise ValueError("this network computes with 8-bit integers already")
        if pictures is None:
            pictures, _ = self._load_own()
        net = quantize(self.net, pictures)
        return Run(net, self.history, {**self.settings, "int8": True}, self.classes, self.input_shape, self.data)

    def predict(self, pictures: Iterable[str | Path]) -> np.ndarray:
        """Return the probabilities of all classes for picture files.

        Parameters
        ----------
        pictures : iterable of str or Path
            Files as :func:`gluon_cnn.data.images.read_picture` takes them, alike those the network was trained on:
            Fashion-MNIST's are bright on black.

        Returns
        -------
        numpy.ndarray
            Shape (pictures, classes).

        Raises
        ------
        OSError
            When a file is missing or no picture.
        """
        if isinstance(pictures, (str, Path)):
            raise TypeError(f"pictures must be a list of files; got {str(pictures)!r}: pass [{str(pictures)!r}]")
        channels, *size = self.input_shape
        pixels = [read_picture(path, (size[0], size[1]), channels) for path in pictures]
        if not pixels:
            return np.empty((0, len(self.classes)), np.float32)
        batches = Batches(np.stack(pixels), np.zeros(len(pixels), int), PICTURES_AT_ONCE)
        probabilities = predict_batches(batches, self.net, contexts_of(self.net)[0])[1]
        if probabilities.shape[1] != len(self.classes):
            raise ValueError(
                f"the network has {probabilities.shape[1]} outputs and its report {len(self.classes)} classes"
            )
        return probabilities


def is_folder(dataset: Any) -> bool:
    return isinstance(dataset, (str, Path)) and dataset not in DATASETS and Path(dataset).is_dir()


def _is_split_by_us(dataset: Any) -> bool:
    """Return whether a folder holds classes, of which a part is held out, and not a training and a test part."""
    return is_folder(dataset) and not all((Path(dataset) / part).is_dir() for part in ("train", "test"))


def _of(name: str, value: Any, *kinds: type) -> Any:
    """Return a value of a report when it is of one of these kinds."""
    if not isinstance(value, kinds):
        raise TypeError(f"{name} must be {' or '.join(kind.__name__ for kind in kinds)}, not {type(value).__name__}")
    return value


@contextmanager
def _parameters_named(path: str | Path) -> Iterator[None]:
    """Refuse a file that mxnet, which trusts what it reads, could crash at; say of its errors what is wrong with it."""
    words = f"{path} does not hold the parameters of {GRAPH}"
    if not holds_parameters(_read(path)):
        raise ValueError(words)
    try:
        yield
    except (mx.MXNetError, AssertionError, AttributeError, ValueError) as error:
        raise ValueError(words) from error


def _read(path: str | Path) -> bytes:
    try:
        if Path(path).exists() and not (Path(path).is_file() or Path(path).is_dir()):
            raise OSError(errno.EINVAL, "it is a device or a pipe")
        return Path(path).read_bytes()
    except OSError as error:
        raise OSError(error.errno, f"{path} cannot be read: {error.strerror}") from error


def read_report(folder: Path) -> dict[str, Any]:
    """Return the report of a run: settings, classes, history and more, see :mod:`gluon_cnn._core.record`."""
    return read(_read(folder / REPORT), folder / REPORT)


def newest_run(folder: str | Path = "runs") -> Path:
    """Return the folder of the run inside ``folder`` that was trained last.

    Raises
    ------
    ValueError
        When there is none.
    """
    reports = sorted(Path(folder).glob(f"*/{REPORT}"), key=lambda path: path.stat().st_mtime)
    trained = [path for path in reports if not (path.parent / GRAPH).exists()]  # not those that quantize has made
    if not reports:
        raise ValueError(f"there is no run in {folder}: gluon-cnn train makes one, --run names one elsewhere")
    return (trained or reports)[-1].parent
