"""The ``gluon-cnn`` command."""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gluon_cnn import __version__, _runtime, doctor
from gluon_cnn._files import locked, make_folder, whole_file

if TYPE_CHECKING:
    from gluon_cnn.experiment import Preparation
    from gluon_cnn.networks._network import Network

__all__ = ["main"]

NAMES = "lenet, alexnet, vgg (11 layers), nin, nin_bn (batch norm), googlenet, resnet (18 layers), densenet"
DATA = (
    "sample (4,000 of Fashion-MNIST's pictures), fashion-mnist (all 60,000), or a folder that holds one folder of "
    "pictures for each class, or such folders in train/ and test/"
)
EPOCHS = ("--epochs", "--num-epochs", "--num_epochs")  # the others are as in Python
LEARNING_RATE = ("--lr", "--learning-rate", "--learning_rate")
RUNS = Path("runs")
SETTINGS, CHECKPOINTS = "settings.json", "checkpoints"  # of a training that is not through
NO_MEMORY = "this needs more memory than there is: take smaller pictures, or fewer in a batch"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status: 0, or 1 when something is wrong."""
    arguments = sys.argv[1:] if arguments is None else arguments
    options = _parser().parse_args(arguments)
    options.arguments = arguments
    run: Callable[[argparse.Namespace], int] = options.run
    status = _run(run, options)
    if status and os.environ.get("DMLC_ROLE") == "worker":
        from gluon_cnn.distributed import leave

        leave(status)
    return status


def _run(run: Callable[[argparse.Namespace], int], options: argparse.Namespace) -> int:
    """Run a command; tell what is wrong in a line."""
    if options.command != "doctor" and (problem := _runtime.mxnet_problem()):
        print(f"gluon-cnn: {problem} (more: gluon-cnn doctor)", file=sys.stderr)
        return 1
    with contextlib.suppress(AttributeError):  # a name that is no UTF-8 may be told, too
        sys.stdout.reconfigure(errors="backslashreplace", line_buffering=True)  # type: ignore[union-attr]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("default", UserWarning)
            warnings.showwarning = lambda message, *_, **__: print(f"gluon-cnn: {message}", file=sys.stderr)
            status = run(options)
            sys.stdout.flush()
            return status
    except BrokenPipeError:  # whoever read the output, such as head, has enough; Python would flush into it once more
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (ImportError, OSError, ValueError) as error:
        print(f"gluon-cnn {options.command}: {error}", file=sys.stderr)
        return 1
    except MemoryError:
        print(f"gluon-cnn {options.command}: {NO_MEMORY}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        goes_on = "; the same command goes on where it stopped" if options.command == "data" else ""
        print(f"\nstopped{goes_on}", file=sys.stderr)
        return 130
    except Exception as error:
        if not isinstance(error, RuntimeError) and type(error) is not Exception:  # mxnet's are one of them
            raise
        print(f"gluon-cnn {options.command}: {_in_a_line(error)}", file=sys.stderr)
        return 1


def _in_a_line(error: Exception) -> str:
    """Say what an error of mxnet's is about, which may carry a C++ trace."""
    from gluon_cnn._checks import reason_of

    text = str(error)
    if "larger than 2^31 elements" in text:
        return "an array would have more than 2^31 values, which mxnet cannot hold: take smaller pictures, or fewer"
    if "Failed to allocate" in text:
        return NO_MEMORY
    return f"mxnet gave up: {reason_of(error)}"


class _Help(argparse.ArgumentDefaultsHelpFormatter):
    """Tells defaults that say something: not None, and not those of switches."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        if action.default is None or action.nargs == 0:
            return action.help
        return super()._get_help_string(action)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="gluon-cnn",
        description="Convolutional networks by hand in MXNet/Gluon: train them, look at them, use them.",
        epilog="gluon-cnn COMMAND --help tells more of each. Only `data` ever downloads anything.",
    )
    parser.add_argument("--version", action="version", version=f"gluon-cnn {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def add(
        name: str, run: Callable, help: str, description: str | None = None, epilog: str | None = None
    ) -> argparse.ArgumentParser:
        command = commands.add_parser(
            name,
            help=help,
            description=description or f"{help[0].upper()}{help[1:]}.",
            epilog=epilog,
            formatter_class=_Help,
        )
        command.set_defaults(run=run)
        return command

    add("doctor", _doctor, "print versions, threads, contexts and data found, and what to do about each problem")

    data = add(
        "data",
        _data,
        "find the full Fashion-MNIST or download it (30 MB)",
        description="Look for the full Fashion-MNIST in ROOT, $GLUON_CNN_DATA, mxnet's data folder and Debian's; "
        "download it from the data set's own hosts when none of them has it.",
    )
    data.add_argument("--root", help="folder to look in first and to download to")

    summary = add(
        "summary",
        _summary,
        "print a network's layers, output shapes, parameters and FLOPs",
        epilog="example: gluon-cnn summary resnet --resize 96 --blocks",
    )
    summary.add_argument("network", help=NAMES)
    _add_pictures(summary)
    summary.add_argument("--blocks", action="store_true", help="one row for each block instead of its layers")

    train = add(
        "train",
        _train,
        "train a network and keep it in a folder",
        description="Train a network with softmax cross-entropy; the notes' settings are the default. The folder gets "
        "the weights (network.params), settings and history (history.json), the history as a table (history.csv) and "
        "its curves (curves.png). Ctrl-C ends the training and keeps the network as it is then, after the first epoch. "
        "However a training was interrupted, --resume goes on after its last whole epoch. The folder's checkpoints "
        "hold what that takes.",
        epilog="examples: gluon-cnn train resnet --resize 96 --optimizer adam --lr 0.001 --epochs 3; "
        "gluon-cnn train --resume runs/resnet; gluon-cnn train --resume runs/resnet --epochs 10; "
        "gluon-cnn train lenet --dataset my_pictures --resize 64 --batch-size 8 --epochs 20 --momentum 0.9",
    )
    train.add_argument("network", nargs="?", help=NAMES)
    _add_settings(train, optimizer="sgd", learning_rate=0.01, initializer="xavier")
    train.add_argument(
        *EPOCHS, dest="num_epochs", type=int, default=1, help="how often to go through the pictures, in all"
    )
    train.add_argument("--output", type=Path, metavar="FOLDER", help="where to keep it; without it a new one in runs/")
    train.add_argument(
        "--kvstore", metavar="KIND", help="dist_sync: train together with other processes, which a launcher starts"
    )
    train.add_argument(
        "--resume",
        type=Path,
        metavar="FOLDER",
        help="resume a training that was interrupted, with its settings; with --epochs also one that is finished",
    )

    launch = add(
        "launch",
        _launch,
        "train in several processes, on this machine or on many",
        description="Start workers, and mxnet's servers and scheduler that they need, and end all of them when one "
        "fails. Each worker takes --batch-size pictures of a batch. Worker 0 prints, keeps checkpoints and results.",
        epilog="examples: gluon-cnn launch -n 2 -- train lenet --epochs 3; "
        "gluon-cnn launch -n 4 -s 2 --hosts hosts.txt -- train resnet --resize 96; "
        "gluon-cnn launch -n 2 -- train --resume runs/lenet",
    )
    launch.add_argument("-n", "--workers", type=int, required=True, help="processes that compute")
    launch.add_argument("-s", "--servers", type=int, default=1, help="processes that add up gradients")
    launch.add_argument(
        "-H",
        "--hosts",
        type=Path,
        metavar="FILE",
        help="machines that get them in turns, over ssh without a password, one `host` or `host:port` a line; each "
        "needs the package in the same place; without it all run on this machine",
    )
    launch.add_argument("--address", help="of this machine for the others; without it the one that leads to the first")
    launch.add_argument("training", nargs="+", metavar="-- train ...", help="or a program.py of yours")

    evaluate = add(
        "evaluate",
        _evaluate,
        "measure the accuracy of a trained network",
        description="Measure the share of right answers for each class and in all: on the test pictures of the data "
        "that the network was trained on, or on other data, of which a folder counts as a whole.",
        epilog="example: gluon-cnn evaluate --run runs/lenet --dataset fashion-mnist",
    )
    _add_run(evaluate)
    evaluate.add_argument(
        "--dataset", metavar="NAME_OR_FOLDER", help=f"{DATA}; without it the one that the network was trained on"
    )
    _add_broken(evaluate)
    evaluate.set_defaults(broken=None)  # as in training

    predict = add(
        "predict",
        _predict,
        "say what a trained network sees in pictures of yours",
        description="Print the likeliest classes of each picture with their probabilities. The pictures should be like "
        "those the network was trained on: clothes bright on black, for Fashion-MNIST.",
        epilog="example: gluon-cnn predict shoe.jpg shirt.png --run runs/lenet --top 2",
    )
    predict.add_argument("pictures", nargs="+", metavar="PICTURE", help="JPEG, PNG or another kind of picture file")
    _add_run(predict)
    predict.add_argument("--top", type=int, metavar="K", default=3, help="classes to name")

    quantize = add(
        "quantize",
        _quantize,
        "make a trained network predict with 8-bit integers",
        description="Copy a trained network into a folder of its own, with convolutions and dense layers that compute "
        "with 8-bit integers; print accuracy and speed of both on the test pictures. `evaluate` and `predict` take the "
        "copy like any other run. For CPUs; how much faster it is depends on their instructions for 8-bit integers.",
        epilog="example: gluon-cnn quantize --run runs/resnet",
    )
    _add_run(quantize)
    quantize.add_argument(
        "--output", type=Path, metavar="FOLDER", help="where to keep it; without it the run's name with -int8"
    )

    export = add(
        "export",
        _export,
        "write a trained network for programs without MXNet",
        description="Write a network as ONNX, or as MXNet's symbol and parameters, which MXNet reads without this "
        "package: that of a run, or one that is named, with a file of its parameters. The number of pictures in a "
        "batch stays open, their size does not.",
        epilog="examples: gluon-cnn export --run runs/lenet; gluon-cnn export lenet lenet.params --format symbol",
    )
    export.add_argument("network", nargs="?", help=f"{NAMES}; without it a run's")
    export.add_argument("parameters", nargs="?", type=Path, metavar="params", help="its file of parameters")
    _add_run(export)
    export.add_argument("--format", choices=("onnx", "symbol"), default="onnx", help="onnx takes onnx before 1.19")
    _add_pictures(export)
    export.add_argument(
        "--output",
        type=Path,
        metavar="NAME",
        help="of the file, or its beginning; without it the network's or the run's",
    )

    compare = add(
        "compare",
        _compare,
        "train several networks with one budget and compare them",
        description="Train networks one after the other on the same data for the same time and print a table: pixels, "
        "parameters, work for a picture, pixels that the widest-seeing value sees along one axis, pictures a second in "
        "training, pictures trained on, test accuracy. The folder gets comparison.csv and comparison.png.",
        epilog="example: gluon-cnn compare lenet resnet densenet --seconds 60",
    )
    compare.add_argument("networks", nargs="*", metavar="NETWORK", help=f"{NAMES}; without any, all of them")
    compare.add_argument("--seconds", type=float, default=10.0, help="training time of each network")
    _add_settings(compare, optimizer="adam", learning_rate=0.001, initializer="he")
    compare.add_argument(
        "--output", type=Path, metavar="FOLDER", help="where to keep it; without it a new one in runs/"
    )
    return parser


def _add_settings(command: argparse.ArgumentParser, optimizer: str, learning_rate: float, initializer: str) -> None:
    command.add_argument("--dataset", default="sample", metavar="NAME_OR_FOLDER", help=DATA)
    command.add_argument("--resize", type=int, help="pixels of a side; without it 28, or the fewest the network takes")
    command.add_argument(
        "--grey",
        dest="channels",
        action="store_const",
        const=1,
        default=3,
        help="a folder's pictures: take them without colours",
    )
    _add_broken(command)
    command.add_argument("--batch-size", "--batch_size", type=int, default=64, help="pictures in a batch")
    command.add_argument("--optimizer", default=optimizer, help="sgd, adam or another of mxnet's")
    command.add_argument(*LEARNING_RATE, dest="learning_rate", type=float, default=learning_rate, help="learning rate")
    command.add_argument("--momentum", type=float, default=0.0, help="momentum of sgd")
    command.add_argument(
        "--init",
        "--initializer",
        dest="initializer",
        default=initializer,
        help="xavier, or he, which deep networks without batch norm need",
    )
    command.add_argument(
        "--seed",
        "--random-seed",
        "--random_seed",
        dest="random_seed",
        type=int,
        default=0,
        help="fixes the weights and the order of the pictures",
    )


def _add_pictures(command: argparse.ArgumentParser) -> None:
    command.add_argument("--resize", type=int, help="pixels of a side; without it 28, or the fewest the network takes")
    command.add_argument("--channels", type=int, default=1, help="of the pictures: 1 for grey, 3 for colour")
    command.add_argument("--classes", type=int, default=10, help="length of the output")


def _add_broken(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--skip-broken",
        dest="broken",
        action="store_const",
        const="skip",
        default="refuse",
        help="leave out files of a folder that cannot be read instead of stopping, and name them",
    )


def _add_run(command: argparse.ArgumentParser) -> None:
    command.add_argument("--run", dest="folder", type=Path, help="what `train` kept; without it the newest in runs/")


def _doctor(options: argparse.Namespace) -> int:
    return doctor.main()


def _data(options: argparse.Namespace) -> int:
    from gluon_cnn import datasets

    (train_images, _), (test_images, _) = datasets.read_fashion_mnist(options.root, download=True)
    print(
        f"Fashion-MNIST is in {datasets.find_fashion_mnist(options.root)}: {len(train_images):,} training and "
        f"{len(test_images):,} test pictures, verified"
    )
    return 0


def _summary(options: argparse.Namespace) -> int:
    from gluon_cnn import receptive_field, summary

    net, shape = _named(options)
    net.initialize()
    print(summary(net, shape, blocks=options.blocks))
    smallest = net.smallest_size(options.channels)
    print(
        f"The smallest pictures it takes have {smallest}x{smallest} pixels; the widest-seeing value before the dense "
        f"layers sees {receptive_field(net)} pixels along one axis."
    )
    return 0


def _named(options: argparse.Namespace) -> tuple[Network, tuple[int, ...]]:
    """Return the network that was named, without weights, and the shape of its input."""
    from gluon_cnn import experiment

    net = experiment.choose("network", options.network, experiment.NETWORKS)(num_classes=options.classes)
    smallest = net.smallest_size(options.channels)
    side = max(experiment.SMALLEST_SIDE, smallest) if options.resize is None else options.resize
    return net, (1, options.channels, side, side)


def _train(options: argparse.Namespace) -> int:
    from gluon_cnn import distributed, experiment

    workers = distributed.join(options.kvstore) if options.kvstore else distributed.Workers()
    if workers.rank:
        settings = json.loads(workers.tell(b""))
        experiment.prepare(**settings, workers=workers).train(verbose=False, checkpoint="")
        return 0
    if options.resume is not None:
        with _claimed(options.resume):
            settings = _interrupted(options)
            workers.tell(json.dumps(settings).encode())
            return _train_in(options.resume, settings, experiment.prepare(**settings, workers=workers))
    if options.network is None:
        raise ValueError(f"name a network, {NAMES}; or --resume a folder")
    experiment.choose("network", options.network, experiment.NETWORKS)
    settings = {"network": options.network, **_settings(options), "num_epochs": options.num_epochs}
    _refuse_taken(options.output, SETTINGS, experiment.REPORT, CHECKPOINTS)
    workers.tell(json.dumps(settings).encode())
    prepared = experiment.prepare(**settings, workers=workers)  # first: what is wrong with it leaves no folder
    with _new_folder(options.output, RUNS / options.network) as folder, _claimed(folder):
        _refuse_taken(options.output, SETTINGS, experiment.REPORT, CHECKPOINTS)  # another process may have been faster
        _write_settings(folder, {name: prepared.settings[name] for name in settings})  # its folders are absolute
        try:
            return _train_in(folder, settings, prepared)
        finally:
            if not (folder / CHECKPOINTS).exists():  # nothing was begun
                (folder / SETTINGS).unlink(missing_ok=True)


def _train_in(folder: Path, settings: dict, prepared: Preparation) -> int:
    """Train in a folder that holds settings and checkpoints until all epochs are through."""
    from gluon_cnn import checkpoint

    checkpoints = folder / CHECKPOINTS
    print(f"The training is kept in {folder}", flush=True)
    try:
        run = prepared.train(checkpoint=checkpoints)
        if len(run.history):
            run.save(folder)
        if len(run.history) == settings["num_epochs"]:
            (folder / SETTINGS).unlink(missing_ok=True)  # it is not interrupted any more
            checkpoint.remove(checkpoints, kept=1)  # from which more epochs can follow
    finally:
        with contextlib.suppress(OSError):  # there are some
            checkpoints.rmdir()
    if not len(run.history):
        print("Nothing is kept")
        return 130
    print(f"Kept in {folder}; gluon-cnn predict PICTURE --run {folder} uses it")
    if (folder / SETTINGS).exists():
        print(f"gluon-cnn train --resume {folder} goes on after the last whole epoch")
    return 0


def _write_settings(folder: Path, settings: dict) -> None:
    from gluon_cnn._record import written

    with whole_file(folder / SETTINGS) as file:
        file.write(written({"settings": settings}))


def _interrupted(options: argparse.Namespace) -> dict:
    """Return the settings of the training to resume; refuse others beside them, but a number of epochs."""
    from gluon_cnn import checkpoint, experiment
    from gluon_cnn._record import read

    folder = options.resume
    given = [argument.split("=")[0] for argument in options.arguments if argument.startswith("--")]
    more_epochs = any(name.startswith(argument) for argument in given for name in EPOCHS)
    others = [a for a in given if not any(name.startswith(a) for name in ("--resume", "--kvstore", *EPOCHS))]
    if options.network is not None:
        others.append(options.network)
    if others:
        raise ValueError(f"--resume goes on with the settings that the training began with: leave out {others[0]}")
    if not folder.is_dir():
        raise ValueError(f"there is no folder {folder}: gluon-cnn train NETWORK --output {folder} starts a training")
    if (folder / SETTINGS).is_file():
        path = folder / SETTINGS
        record = read(path.read_bytes(), path)
        settings = record["settings"] if "format" in record else record  # version 0.1.0 wrote nothing else
    elif (folder / experiment.REPORT).exists():
        path = folder / experiment.REPORT
        settings = experiment.read_report(folder)["settings"]
        if not more_epochs:
            raise ValueError(
                f"{folder} holds a training that is finished: there is nothing to resume; to continue it, pass "
                f"--epochs with more than {settings.get('num_epochs')}"
            )
        if not (folder / CHECKPOINTS).is_dir():
            raise ValueError(
                f"{folder} holds no checkpoint to continue from, which gluon-cnn 0.1.0 did not keep of a training that "
                "is finished"
            )
    else:
        found = sorted(RUNS.glob(f"*/{SETTINGS}"), key=lambda found: found.stat().st_mtime)
        hint = f"; {found[-1].parent} does" if found else ""
        raise ValueError(f"{folder} holds no training that was interrupted ({SETTINGS} is missing){hint}")
    settings = _checked(settings, path, options)
    if more_epochs:
        done = checkpoint.epochs_in(folder / CHECKPOINTS)
        if options.num_epochs <= done:
            raise ValueError(
                f"{folder} has been trained for {done} epochs: --epochs must be larger; got {options.num_epochs}"
            )
        settings["num_epochs"] = options.num_epochs
        _write_settings(folder, settings)
    return settings


def _checked(settings: dict, path: Path, options: argparse.Namespace) -> dict:
    """Return the settings of a training as they were written to a file; refuse what are none."""
    kinds: dict = {name: type(value) for name, value in _settings(options).items()}  # of the defaults
    kinds.update(network=str, num_epochs=int, resize=(int, list, type(None)))
    kinds.update(dict.fromkeys(("learning_rate", "momentum"), (int, float)))
    for name, kind in kinds.items():
        if not isinstance(settings.get(name), kind) or isinstance(settings.get(name), bool):
            raise ValueError(
                f"{path} does not hold the settings of a training by `train`: {name} is {settings.get(name)!r}"
            )
    return {name: settings[name] for name in kinds}


def _launch(options: argparse.Namespace) -> int:
    from gluon_cnn.launch import launch, read_hosts

    command = list(options.training)
    if command[0] == "train":
        given = any(argument.startswith("--kvstore") for argument in command)
        command = ["-m", "gluon_cnn.cli", *command, *([] if given else ["--kvstore", "dist_sync"])]
    elif not command[0].endswith(".py"):
        raise ValueError(f"workers run `train` or a program of yours, such as train.py; got {command[0]!r}")
    elif not options.hosts and not Path(command[0]).is_file():
        raise FileNotFoundError(f"there is no program {command[0]}")
    else:
        command = ["-m", "gluon_cnn._worker", *command]
    hosts = read_hosts(options.hosts) if options.hosts else []
    return launch(command, options.workers, options.servers, hosts, options.address)


def _evaluate(options: argparse.Namespace) -> int:
    from gluon_cnn.inspection import predict

    run = _load(options)
    labels, probabilities = predict(run.test_pictures(options.dataset, options.broken), run.net)
    right = probabilities.argmax(axis=1) == labels
    for number, name in enumerate(run.classes):
        of_class = right[labels == number]
        print(f"{name:<20} {of_class.sum():>6} of {of_class.size:<6} {of_class.mean():.3f}" if of_class.size else name)
    print(f"{'test accuracy':<20} {right.sum():>6} of {right.size:<6} {right.mean():.4f}")
    return 0


def _predict(options: argparse.Namespace) -> int:
    from gluon_cnn._checks import whole

    top = whole("--top", options.top, 1)
    run = _load(options)
    failed = 0
    for path in options.pictures:
        try:
            (probabilities,) = run.predict([path])
        except OSError as error:  # the other pictures may be fine
            print(f"gluon-cnn predict: {error}", file=sys.stderr)
            failed = 1
            continue
        best = probabilities.argsort()[::-1][:top]
        print(f"{path}: {', '.join(f'{run.classes[k]} {probabilities[k]:.1%}' for k in best)}")
    return failed


def _quantize(options: argparse.Namespace) -> int:
    from gluon_cnn import evaluate_accuracy, experiment

    source = _folder(options)
    run = experiment.Run.load(source)
    named = source if source.name.strip(".") else Path(os.path.realpath(source))
    _refuse_taken(options.output, experiment.REPORT)
    test, small = run.test_pictures(), run.quantize()
    with _new_folder(options.output, named.with_name(f"{named.name}-int8")) as folder:
        for name, net in (("32-bit floats", run.net), ("8-bit integers", small.net)):
            evaluate_accuracy([next(iter(test))], net)  # plans and warms up
            start = time.perf_counter()
            accuracy = evaluate_accuracy(test, net)
            rate = len(test.labels) / (time.perf_counter() - start)
            print(f"{name:<15} test accuracy {accuracy:.4f}, {rate:,.0f} pictures a second")
        small.save(folder)
    print(f"Kept in {folder}")
    return 0


def _export(options: argparse.Namespace) -> int:
    from gluon_cnn import experiment, export_onnx, export_symbol

    shape: tuple[int, ...]
    if options.network is None:
        source = _folder(options)
        run = experiment.Run.load(source)
        net, shape, name = run.net, (1, *run.input_shape), Path(os.path.realpath(source)).name
    elif options.parameters is None:
        raise ValueError(f"name the file of {options.network}'s parameters, too: gluon-cnn export NETWORK PARAMS")
    else:
        net, shape = _named(options)
        experiment.load_weights(net, options.parameters)
        name = options.network
    if options.format == "onnx":
        print(f"Written: {export_onnx(net, options.output or f'{name}.onnx', shape)}")
    else:
        print("Written: {} and {}".format(*export_symbol(net, options.output or name, shape)))
    return 0


def _compare(options: argparse.Namespace) -> int:
    from gluon_cnn.comparison import TABLE, compare

    _refuse_taken(options.output, TABLE)
    with _new_folder(options.output, RUNS / "comparison") as folder:
        found = compare(options.networks or None, seconds=options.seconds, **_settings(options))
        if not found.measurements:
            return 130
        print(found)
        found.write(folder)
    print(f"Kept in {folder}")
    return 0


def _settings(options: argparse.Namespace) -> dict:
    """Return the arguments that have the names of `experiment`'s parameters."""
    names = "dataset resize channels broken batch_size optimizer learning_rate momentum initializer random_seed"
    return {name: getattr(options, name) for name in names.split()}


def _load(options: argparse.Namespace):
    from gluon_cnn import experiment

    return experiment.Run.load(_folder(options))


def _folder(options: argparse.Namespace) -> Path:
    """Return the run's folder: the one that was named, or the newest."""
    from gluon_cnn import experiment

    if options.folder is not None:
        if (options.folder / SETTINGS).exists() and not (options.folder / experiment.REPORT).exists():
            raise ValueError(
                f"{options.folder} holds a training that was interrupted: gluon-cnn train --resume {options.folder}"
            )
        return options.folder
    folder = experiment.newest_run(RUNS)
    print(f"Using {folder}")
    return folder


@contextlib.contextmanager
def _new_folder(wanted: Path | None, default: Path) -> Iterator[Path]:
    """Make a folder for results, the wanted one or a new one; if nothing is written to it, it goes away again."""
    if wanted is not None:
        folder = make_folder(wanted)
    else:
        make_folder(default.parent)
        numbered = (default.with_name(f"{default.name}-{number}") for number in itertools.count(2))
        folder = next(path for path in itertools.chain([default], numbered) if _is_new(path))
    try:
        yield folder
    finally:
        with contextlib.suppress(OSError):  # it is not empty
            folder.rmdir()


def _is_new(folder: Path) -> bool:
    """Make a folder; return False when there is something of that name."""
    try:
        folder.mkdir()
    except FileExistsError:
        return False
    return True


def _refuse_taken(wanted: Path | None, *names: str) -> None:
    """Refuse to write to a folder that holds one of these."""
    found = [name for name in names if wanted is not None and (wanted / name).exists()]
    if wanted is None or not found:
        return
    if found[0] == SETTINGS:
        raise ValueError(f"{wanted} holds a training that was interrupted: --resume it, or choose another --output")
    if found[0] == CHECKPOINTS:
        raise ValueError(f"{wanted / CHECKPOINTS} is there already: choose another --output")
    raise ValueError(f"{wanted} holds a run already: choose another --output")


@contextlib.contextmanager
def _claimed(folder: Path) -> Iterator[None]:
    """Keep other trainings out of a folder, if it is there."""
    with locked(folder) if folder.is_dir() else contextlib.nullcontext():
        yield


if __name__ == "__main__":
    sys.exit(main())
