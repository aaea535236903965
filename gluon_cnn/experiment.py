"""The notes' experiment: any network of the course, trained on any data, kept in a folder. Lesson 14."""

from __future__ import annotations

import csv
import errno
import functools
import io
import itertools
import os
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import mxnet as mx
import numpy as np
from gluon_cnn import datasets
from gluon_cnn._checks import number, pair, shape_of, whole, with_weights
from gluon_cnn._files import make_folder, whole_file, whole_files
from gluon_cnn._loading import load_parameters
from gluon_cnn._params import holds_parameters, parameter_bytes
from gluon_cnn._record import digest, read, written
from gluon_cnn._runtime import remark
from gluon_cnn.batches import Batches
from gluon_cnn.context import try_gpu
from gluon_cnn.datasets import DATASETS, load_data
from gluon_cnn.distributed import Workers
from gluon_cnn.inspection import predict
from gluon_cnn.networks._network import Network
from gluon_cnn.networks.alexnet import AlexNet
from gluon_cnn.networks.densenet import DenseNet
from gluon_cnn.networks.googlenet import GoogLeNet
from gluon_cnn.networks.lenet import LeNet
from gluon_cnn.networks.nin import NiN
from gluon_cnn.networks.resnet import ResNet
from gluon_cnn.networks.vgg import VGG, VGG11
from gluon_cnn.pictures import read_folder, read_picture
from gluon_cnn.quantization import quantize, ready
from gluon_cnn.training import History, as_contexts, contexts_of, history_of, seed, train
from mxnet import gluon, init, nd

__all__ = [
    "INITIALIZERS",
    "NETWORKS",
    "Preparation",
    "Run",
    "choose",
    "experiment",
    "load_weights",
    "newest_run",
    "optimizers",
    "prepare",
]

PICTURES_AT_ONCE = 64  # in a prediction
SMALLEST_SIDE = 28  # of Fashion-MNIST's pictures, in pixels

NETWORKS: dict[str, Callable[..., Network]] = {
    "lenet": LeNet,
    "alexnet": AlexNet,
    "vgg": functools.partial(VGG, VGG11),
    "nin": NiN,
    "nin_bn": functools.partial(NiN, batch_norm=True),
    "googlenet": GoogLeNet,
    "resnet": ResNet,
    "densenet": DenseNet,
}

INITIALIZERS: dict[str, Callable[[], init.Initializer]] = {
    "xavier": init.Xavier,  # the notes'; keeps the size of values through layers without an activation
    "he": functools.partial(init.MSRAPrelu, "in", 0),  # variance 2 / inputs: twice as much, as a ReLU takes away half
}

# MXNet's optimizers that are not offered, and why.
UNUSABLE = {
    "adamax": "it divides by zero where a weight has had no gradient yet",
    "groupadagrad": "it takes matrices only, and kernels and biases are none",
    "ccsgd": "it is an old name of sgd",
    "test": "it climbs up the gradient",
}

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
        What it was trained and tested on, as :func:`gluon_cnn.datasets.describe` returns it.
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
        net = with_weights(self.net)
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
        whole_files({folder / name: content for name, content in files.items()})
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
        with whole_file(path) as file:
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
            channels, height, width = shape_of("input_shape", list(report["input_shape"]))
            history = history_of(report["history"])
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
        elif _is_folder(dataset) and not (Path(dataset) / "test").is_dir():
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
            Files as :func:`gluon_cnn.pictures.read_picture` takes them, alike those the network was trained on:
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
        probabilities = predict(batches, self.net, contexts_of(self.net)[0])[1]
        if probabilities.shape[1] != len(self.classes):
            raise ValueError(
                f"the network has {probabilities.shape[1]} outputs and its report {len(self.classes)} classes"
            )
        return probabilities


def experiment(
    network: str | Callable[..., gluon.Block],
    dataset: Any = "sample",
    resize: int | tuple[int, int] | None = None,
    batch_size: int = 64,
    num_epochs: int = 1,
    optimizer: str = "sgd",
    learning_rate: float = 0.01,
    momentum: float = 0.0,
    initializer: str = "xavier",
    random_seed: int = 0,
    channels: int = 3,
    broken: str = "refuse",
    seconds: float | None = None,
    ctx: mx.Context | Sequence[mx.Context] | None = None,
    verbose: bool = True,
    checkpoint: str | Path | None = None,
    workers: Workers | None = None,
) -> Run:
    """Train a network with softmax cross-entropy; the settings' defaults are the notes'.

    Parameters
    ----------
    network : str or callable
        One of :data:`NETWORKS`; or whatever makes a network of yours when called with ``num_classes=``.
    dataset, batch_size, channels, broken
        See :func:`gluon_cnn.load_data`.
    resize : int or (int, int), optional
        Height and width of the pictures in pixels. Default: 28, or the fewest that a network of the course takes; of
        arrays their own, when that is no less.
    num_epochs : int
        How often to go through the training pictures.
    optimizer : str
        ``"sgd"``, ``"adam"`` or another of mxnet's.
    learning_rate, momentum : float
        Of the optimizer; ``momentum`` is for those that have one.
    initializer : str
        One of :data:`INITIALIZERS`.
    random_seed : int
        Fixes the weights and the order of the pictures.
    seconds : float, optional
        Train for so long instead of ``num_epochs``; the history has a single entry then.
    ctx : Context or list of Context, optional
        Where to compute. Default: :func:`gluon_cnn.try_gpu`.
    verbose : bool
        Whether to print and to show progress.
    checkpoint : str or Path, optional
        Folder from which an interrupted training goes on, see :func:`gluon_cnn.train`; not with ``seconds``.
    workers : Workers, optional
        Those that train together, see :func:`gluon_cnn.distributed.join`; each takes ``batch_size`` pictures of a
        batch. Not with ``seconds``.

    Returns
    -------
    Run
        The trained network in ``.net``, what was measured in ``.history``.

    Raises
    ------
    ValueError
        When there is no network, data set, initializer or optimizer of that name, the optimizer has no momentum, or a
        picture is too small, or ``ctx`` names a context twice; or for a checkpoint's sake, see :func:`gluon_cnn.train`.
    TypeError
        When ``ctx`` is no context, or a number is none.
    """
    arguments = {k: v for k, v in locals().items() if k not in ("verbose", "checkpoint")}
    if checkpoint is not None and seconds is not None:
        raise ValueError("a checkpoint is written after each epoch, and seconds= has none: leave out one of them")
    return prepare(**arguments).train(verbose, checkpoint)


@dataclass
class Preparation:
    """Everything that a training needs, read and checked: what :func:`prepare` returns."""

    net: gluon.Block
    trainer: gluon.Trainer
    train_data: Batches
    test_data: Batches
    ctx: list[mx.Context]
    settings: dict[str, Any]

    def train(self, verbose: bool = True, checkpoint: str | Path | None = None) -> Run:
        """Train; see :func:`experiment`."""
        data: Iterable = self.train_data
        num_epochs, seconds = self.settings["num_epochs"], self.settings["seconds"]
        if seconds is not None:
            data, num_epochs = _for_seconds(self.train_data, seconds), 1
        loss = gluon.loss.SoftmaxCrossEntropyLoss()
        loss.hybridize(static_alloc=True)
        history = train(data, self.test_data, self.net, loss, self.trainer, self.ctx, num_epochs, verbose, checkpoint)
        shape = (self.train_data.images.shape[1], *self.settings["resize"])
        about = datasets.describe(self.train_data, self.test_data)
        return Run(self.net, history, self.settings, self.train_data.classes, shape, about)


def prepare(
    network: str | Callable[..., gluon.Block],
    dataset: Any = "sample",
    resize: int | tuple[int, int] | None = None,
    batch_size: int = 64,
    num_epochs: int = 1,
    optimizer: str = "sgd",
    learning_rate: float = 0.01,
    momentum: float = 0.0,
    initializer: str = "xavier",
    random_seed: int = 0,
    channels: int = 3,
    broken: str = "refuse",
    seconds: float | None = None,
    ctx: mx.Context | Sequence[mx.Context] | None = None,
    workers: Workers | None = None,
) -> Preparation:
    """Read the data and make network and trainer; for arguments and errors see :func:`experiment`."""
    settings = {k: v for k, v in locals().items() if k not in ("ctx", "workers")}
    workers = workers or Workers()
    if workers.count > 1 and seconds is not None:
        raise ValueError("workers have to take the same number of steps: leave out seconds=")
    make = choose("network", network, NETWORKS) if isinstance(network, str) else network
    weights = choose("initializer", initializer, INITIALIZERS)
    if not isinstance(optimizer, str):
        raise TypeError(f"optimizer must be the name of one, such as 'sgd'; got {optimizer!r}")
    _check_optimizer(optimizer)
    _check_arrays(dataset)
    ctx = as_contexts(try_gpu() if ctx is None else ctx)
    learning_rate, momentum = number("learning_rate", learning_rate, 0), number("momentum", momentum, 0, 1)
    settings["seconds"] = None if seconds is None else number("seconds", seconds, 0)
    settings["num_epochs"] = whole("num_epochs", num_epochs, 1)
    if not isinstance(network, str):
        settings["network"] = None
    seed(random_seed)
    if not isinstance(dataset, (str, Path)):
        settings["dataset"] = "arrays"
        if resize is None:
            height, width = load_data(dataset, batch_size)[0].images.shape[2:]
            resize = (height, width) if min(height, width) >= fewest_pixels(make) else None
    elif dataset not in DATASETS:
        settings["dataset"] = os.path.realpath(dataset)
    if resize is None:
        resize = max(SMALLEST_SIDE, fewest_pixels(make))
    settings["resize"] = pair("resize", resize)
    train_iter, test_iter = load_data(dataset, batch_size, resize, channels=channels, broken=broken)
    left = len(train_iter.labels) % (batch_size * workers.count)
    if 0 < left < workers.count:
        raise ValueError(f"the last batch of {left} cannot be shared by {workers.count} workers: change the batch size")
    train_iter, test_iter = (part.share(workers.rank, workers.count) for part in (train_iter, test_iter))
    net = make(num_classes=len(train_iter.classes))
    if not isinstance(net, gluon.Block):
        raise TypeError(f"network must make a Gluon network; got {net!r}")
    net.initialize(weights(), ctx=ctx)
    net.hybridize(static_alloc=True)
    try:
        with_momentum = {"momentum": momentum} if momentum else {}
        rates = {"learning_rate": learning_rate, **with_momentum}
        trainer = gluon.Trainer(net.collect_params(), optimizer, rates, **workers.settings)
    except TypeError:
        raise ValueError(f"the optimizer {optimizer!r} has no momentum: leave it at 0") from None
    return Preparation(net, trainer, train_iter, test_iter, ctx, settings)


def optimizers() -> list[str]:
    """Return the names of the optimizers to choose from: MXNet's, and those that were registered with it."""
    return [name for name in mx.optimizer.Optimizer.opt_registry if name not in UNUSABLE]


def _check_optimizer(name: str) -> None:
    reason = UNUSABLE.get(name.lower())
    if reason:
        raise ValueError(
            f"the optimizer {name!r} of MXNet {mx.__version__} is not offered, as {reason}: choose one of "
            f"{', '.join(optimizers())}"
        )
    choose("optimizer", name.lower(), dict.fromkeys(optimizers()))


def _check_arrays(dataset: Any) -> None:
    """Refuse batches and loaders, of which neither the classes nor the size of a picture are known."""
    parts = list(dataset) if isinstance(dataset, (tuple, list)) else [dataset]
    for part in parts:
        if not isinstance(part, (str, Path, tuple, list)) and not hasattr(part, "shape"):
            raise TypeError(
                f"dataset must be a name, a folder or arrays (images, labels); got {type(part).__name__}: train with "
                "batches of your own by gluon_cnn.train"
            )


def _is_folder(dataset: Any) -> bool:
    return isinstance(dataset, (str, Path)) and dataset not in DATASETS and Path(dataset).is_dir()


def _is_split_by_us(dataset: Any) -> bool:
    """Return whether a folder holds classes, of which a part is held out, and not a training and a test part."""
    return _is_folder(dataset) and not all((Path(dataset) / part).is_dir() for part in ("train", "test"))


def fewest_pixels(make: Callable[..., gluon.Block]) -> int:
    """Return the fewest pixels of a side that a network of the course takes; 1 of another, which is not known."""
    net = make(num_classes=1)
    return net.smallest_size() if isinstance(net, Network) else 1


def choose(what: str, name: str, choices: dict[str, Any]) -> Any:
    """Return what has that name; refuse another name with the right ones."""
    if name not in choices:
        raise ValueError(f"there is no {what} {name!r}; choose one of {', '.join(choices)}")
    return choices[name]


def load_weights(net: gluon.Block, path: str | Path, ctx: mx.Context | None = None) -> None:
    """Read a network's parameters from a file of ``save_parameters``, ``collect_params().save`` or ``export_symbol``.

    Raises
    ------
    OSError
        When there is no such file, or it cannot be read.
    ValueError
        When it is of another kind, or does not hold this network's parameters: the network is then as it was.
    """
    if not isinstance(net, gluon.Block):
        raise TypeError(f"net must be a Gluon network; got {net!r}")
    contexts = as_contexts(try_gpu() if ctx is None else ctx)
    if not Path(path).exists():
        raise FileNotFoundError(f"there is no file {path}")
    load_parameters(net, path, contexts)


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
    """Return the report of a run: settings, classes, history and more, see :mod:`gluon_cnn._record`."""
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


def draw_anywhere(plot: Callable[[Any], None], file: Any) -> None:
    """Draw into a file; with Agg, where matplotlib is set to a backend that does not start here."""
    import matplotlib.pyplot as plt

    try:
        plot(file)
    except Exception:
        if plt.get_fignums():  # it did start
            raise
        plt.switch_backend("agg")
        plot(file)


def _for_seconds(batches: Batches, seconds: float) -> Iterator[tuple[nd.NDArray, nd.NDArray]]:
    """Yield batches, epoch after epoch, until the time is up; at least one."""
    end = time.perf_counter() + seconds
    while True:
        for batch in batches:
            yield batch
            if time.perf_counter() > end:
                return
