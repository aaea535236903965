"""The ``gluon-cnn`` command."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from gluon_cnn import __version__, doctor

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status: 0, or 1 when something is wrong."""
    parser = argparse.ArgumentParser(prog="gluon-cnn", description="Convolutional networks by hand in MXNet/Gluon.")
    parser.add_argument("--version", action="version", version=f"gluon-cnn {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    commands.add_parser(
        "doctor", help="print versions, threads, contexts and data found, and what to do about each problem"
    )
    data = commands.add_parser(
        "data",
        help="find the full Fashion-MNIST or download it (30 MB)",
        description="Look for the full Fashion-MNIST in ROOT, $GLUON_CNN_DATA, mxnet's data folder and Debian's; "
        "download it from the data set's own hosts when none of them has it.",
    )
    data.add_argument("--root", help="folder to look in first and to download to")
    _add_train(commands)
    options = parser.parse_args(arguments)
    if options.command == "doctor":
        return doctor.main()
    try:
        return _data(options.root) if options.command == "data" else _train(options)
    except (ImportError, OSError, ValueError) as error:
        print(f"gluon-cnn {options.command}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        goes_on = "; the same command goes on where it stopped" if options.command == "data" else ""
        print(f"\nstopped{goes_on}", file=sys.stderr)
        return 130


def _add_train(commands: argparse._SubParsersAction) -> None:
    train = commands.add_parser(
        "train",
        help="train a network of the course",
        description="Train a network with softmax cross-entropy; the notes' settings are the default.",
        epilog="example: gluon-cnn train resnet --resize 96 --optimizer adam --lr 0.001 --epochs 3",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    train.add_argument(
        "network",
        help="lenet, alexnet, vgg (11 layers), nin, nin_bn (batch norm), googlenet, resnet (18 layers), densenet",
    )
    train.add_argument("--dataset", default="sample", help="sample (4,000 pictures) or fashion-mnist (all 60,000)")
    train.add_argument("--resize", type=int, help="pixels of a side; without it 28, or the fewest the network takes")
    train.add_argument("--batch-size", type=int, default=64, help="pictures in a batch")
    train.add_argument(
        "--epochs", dest="num_epochs", type=int, default=1, help="how often to go through the training pictures"
    )
    train.add_argument("--optimizer", default="sgd", help="sgd, adam or another of mxnet's")
    train.add_argument("--lr", dest="learning_rate", type=float, default=0.01, help="learning rate")
    train.add_argument("--momentum", type=float, default=0.0, help="momentum of sgd")
    train.add_argument(
        "--init",
        dest="initializer",
        default="xavier",
        help="xavier, or he, which deep networks without batch norm need",
    )
    train.add_argument(
        "--seed", dest="random_seed", type=int, default=0, help="fixes the weights and the order of the pictures"
    )
    train.add_argument("--output", type=Path, metavar="FILE", help="write settings and history to it as JSON")


def _data(root: str | None) -> int:
    from gluon_cnn import datasets

    (train_images, _), (test_images, _) = datasets.read_fashion_mnist(root, download=True)
    folder = datasets.find_fashion_mnist(root)
    print(
        f"Fashion-MNIST is in {folder}: {len(train_images):,} training and {len(test_images):,} test pictures, verified"
    )
    return 0


def _train(options: argparse.Namespace) -> int:
    from gluon_cnn import experiment

    # the arguments have the names of the function's parameters
    settings = {name: value for name, value in vars(options).items() if name not in ("command", "output")}
    if options.output:  # a file that cannot be written is better known before the training
        options.output.parent.mkdir(parents=True, exist_ok=True)
        options.output.open("a").close()
    _, history = experiment.experiment(**settings)
    if options.output:
        experiment.write_history(options.output, history, **settings)
    return 0


if __name__ == "__main__":
    sys.exit(main())
