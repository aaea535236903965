"""Options that several commands share."""

from __future__ import annotations

import argparse
from pathlib import Path

from gluon_cnn.networks.registry import describe_networks

NETWORK_NAMES = describe_networks()


DATA = (
    "sample (4,000 of Fashion-MNIST's pictures), fashion-mnist (all 60,000), or a folder that holds one folder of "
    "pictures for each class, or such folders in train/ and test/"
)


EPOCHS = ("--epochs", "--num-epochs", "--num_epochs")  # the others are as in Python


LEARNING_RATE = ("--lr", "--learning-rate", "--learning_rate")


class Help(argparse.ArgumentDefaultsHelpFormatter):
    """Tells defaults that say something: not None, and not those of switches."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        if action.default is None or action.nargs == 0:
            return action.help
        return super()._get_help_string(action)


def add_settings(command: argparse.ArgumentParser, optimizer: str, learning_rate: float, initializer: str) -> None:
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
    add_broken(command)
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


def add_images(command: argparse.ArgumentParser) -> None:
    command.add_argument("--resize", type=int, help="pixels of a side; without it 28, or the fewest the network takes")
    command.add_argument("--channels", type=int, default=1, help="of the pictures: 1 for grey, 3 for colour")
    command.add_argument("--classes", type=int, default=10, help="length of the output")


def add_broken(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--skip-broken",
        dest="broken",
        action="store_const",
        const="skip",
        default="refuse",
        help="leave out files of a folder that cannot be read instead of stopping, and name them",
    )


def add_run(command: argparse.ArgumentParser) -> None:
    command.add_argument("--run", dest="folder", type=Path, help="what `train` kept; without it the newest in runs/")


def settings_from(options: argparse.Namespace) -> dict:
    """Return the arguments that have the names of `experiment`'s parameters."""
    names = "dataset resize channels broken batch_size optimizer learning_rate momentum initializer random_seed"
    return {name: getattr(options, name) for name in names.split()}
