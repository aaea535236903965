"""Options shared by several commands."""

from __future__ import annotations

import argparse
from dataclasses import MISSING, fields
from pathlib import Path

from gluon_cnn.experiments.settings import Settings
from gluon_cnn.networks.registry import describe_networks

NETWORK_NAMES = f"{describe_networks()}, or your own module:function, called with num_classes="
RESIZE = "side length of the images in pixels; by default 28, or the smallest the network accepts"
DATA = (
    "sample (4,000 of Fashion-MNIST's training images), fashion-mnist (all 60,000), cifar-10, or a folder with one "
    "subfolder of images per class, or with two such folders, train/ and test/"
)
EPOCHS = ("--epochs", "--num-epochs", "--num_epochs")  # then the name of the Python argument, in two spellings


class Help(argparse.ArgumentDefaultsHelpFormatter):
    """Show only meaningful defaults, not None, empty values or those of switches."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        if action.default in (None, (), "") or action.nargs == 0:
            return action.help
        return super()._get_help_string(action)

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        """Preserve the line breaks of examples."""
        return text if "\n" in text else super()._fill_text(text, width, indent)


def add_settings(command: argparse.ArgumentParser, **defaults: object) -> None:
    """Add the options common to all training commands, with Settings' defaults unless others are given."""
    data = command.add_argument_group("data")
    data.add_argument("--dataset", metavar="NAME_OR_FOLDER", help=DATA)
    data.add_argument("--resize", type=int, metavar="PIXELS", help=RESIZE)
    data.add_argument(
        "--grey", dest="channels", action="store_const", const=1, help="read the images of a folder as grey images"
    )
    add_broken(data)
    data.add_argument("--batch-size", "--batch_size", type=int, metavar="N", help="images per batch")
    data.add_argument(
        "--augment",
        type=lambda names: names.split(","),
        metavar="CHANGE,...",
        help="random changes to the training images, separated by commas: flip, crop, resized-crop, brightness, hue",
    )
    data.add_argument(
        "--normalize",
        choices=("imagenet", "train"),
        help="subtract each channel's mean and divide by its standard deviation: ImageNet's, or the training images'",
    )
    learning = command.add_argument_group("optimization")
    learning.add_argument("--optimizer", metavar="NAME", help="sgd, adam or another of MXNet's")
    rate = ("--lr", "--learning-rate", "--learning_rate")
    learning.add_argument(*rate, dest="learning_rate", type=float, metavar="RATE", help="learning rate")
    learning.add_argument("--momentum", type=float, metavar="M", help="momentum of sgd")
    learning.add_argument("--weight-decay", type=float, metavar="WD", help="weight decay")
    learning.add_argument(
        *("--init", "--initializer"),
        dest="initializer",
        metavar="NAME",
        help="xavier, or he, which deep networks without batch norm need",
    )
    learning.add_argument(
        *("--seed", "--random-seed", "--random_seed"),
        dest="random_seed",
        type=int,
        metavar="N",
        help="determines the initial weights, the order of the images and the validation split",
    )
    own = {field.name: field.default for field in fields(Settings) if field.default is not MISSING}
    for action in command._actions:
        if action.dest in own:
            action.default = defaults.get(action.dest, own[action.dest])


def add_images(command: argparse.ArgumentParser) -> None:
    command.add_argument("--resize", type=int, help=RESIZE)
    command.add_argument("--channels", type=int, default=1, help="1 for grey images, 3 for colour")
    command.add_argument("--classes", type=int, default=10, help="number of classes")


def add_broken(command: argparse._ActionsContainer) -> None:
    command.add_argument(
        "--skip-broken",
        dest="broken",
        action="store_const",
        const="skip",
        default="refuse",
        help="skip unreadable files in a folder, with a warning, instead of stopping",
    )


def add_run(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--run", dest="folder", type=Path, help="folder that `train` wrote; by default the newest in runs/"
    )
    command.add_argument(
        "--network",
        dest="make",
        metavar="NAME",
        help="your module:function that builds the run's network; or, instead of a run, efficientnet-lite0, which is "
        "trained on ImageNet's 1,000 classes",
    )


def add_output(command: argparse.ArgumentParser, default: str = "a new one in runs/") -> None:
    command.add_argument("--output", type=Path, metavar="FOLDER", help=f"folder for the results; by default {default}")


def settings_from(options: argparse.Namespace) -> dict:
    """Return the options that are settings of a training run, by their names in Settings."""
    return {field.name: vars(options)[field.name] for field in fields(Settings) if field.name in vars(options)}
