"""The commands and their options. Printing help does not import MXNet."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import NoReturn

from gluon_cnn import __version__
from gluon_cnn.cli import options


class Parser(argparse.ArgumentParser):
    """A parser that answers a mistake in one line, without the list of all options."""

    def error(self, message: str) -> NoReturn:
        message = re.sub(r"^argument (\S+?)(/\S+)?: ", r"\1: ", message)  # an option's first name is enough
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def make_parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="gluon-cnn",
        description="Train, inspect and use convolutional networks in MXNet/Gluon.",
        epilog="For details, see gluon-cnn COMMAND --help. Only `data` ever downloads anything.",
    )
    parser.add_argument("--version", action="version", version=f"gluon-cnn {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def add(name: str, run: str, help: str, description: str = "", epilog: str = "") -> argparse.ArgumentParser:
        description = description or f"{help[0].upper()}{help[1:]}."
        command = commands.add_parser(
            name, formatter_class=options.Help, help=help, description=description, epilog=epilog
        )
        command.set_defaults(run=run)
        return command

    checks = "print versions, threads, contexts and data, with a remedy for each problem"
    add("doctor", "doctor:run", checks, epilog="example:\n  gluon-cnn doctor")

    data = add(
        "data",
        "data:data",
        "find the full Fashion-MNIST (30 MB) or CIFAR-10 (170 MB), or download it",
        description="Look for a data set in ROOT, $GLUON_CNN_DATA, mxnet's data folder and Debian's; "
        "if none of them contains it, download it from the data set's own hosts.",
        epilog="example:\n  gluon-cnn data --root ~/data",
    )
    data.add_argument(
        "dataset", nargs="?", choices=("fashion-mnist", "cifar-10"), default="fashion-mnist", help="data set to find"
    )
    data.add_argument("--root", help="folder to search first and to download to")

    summary = add(
        "summary",
        "networks:summary",
        "print a network's layers, output shapes, parameters and FLOPs",
        epilog="example:\n  gluon-cnn summary resnet --resize 96 --blocks",
    )
    summary.add_argument("network", help=options.NETWORK_NAMES)
    options.add_images(summary)
    summary.add_argument("--blocks", action="store_true", help="print one row per block instead of one per layer")

    train = add(
        "train",
        "train:train",
        "train a network and save it to a folder",
        description="Train a network with softmax cross-entropy. The output folder receives the weights "
        "(network.params), settings and history (history.json), the history as a table (history.csv) and as curves "
        "(curves.png). Ctrl-C stops the training and saves the network if an epoch has been completed. After any "
        "interruption, `train --resume` resumes after the last completed epoch.",
        epilog="examples:\n"
        "  gluon-cnn train resnet --resize 96 --optimizer adam --lr 0.001 --epochs 3\n"
        "  gluon-cnn train --resume runs/resnet --epochs 10\n"
        "  gluon-cnn train lenet --dataset photos --resize 64 --batch-size 16 --epochs 40 --optimizer adam --lr 0.001\n"
        "      --augment flip,crop --normalize train --validation 0.2 --patience 8\n"
        "  gluon-cnn train my_module:make_net --epochs 5",
    )
    train.add_argument("network", nargs="?", help=options.NETWORK_NAMES)
    options.add_settings(train)
    duration = train.add_argument_group("duration and validation")
    duration.add_argument(
        "--schedule",
        choices=("constant", "cosine", "step"),
        default="constant",
        help="learning rate: constant, along a half cosine to 0, or divided by ten after 1/2 and 3/4 of the steps",
    )
    duration.add_argument(
        "--warmup", type=int, metavar="EPOCHS", default=0, help="epochs in which the learning rate rises from 0"
    )
    duration.add_argument(
        "--balance", action="store_true", help="weight the loss so that rare classes count as much as common ones"
    )
    duration.add_argument(
        *options.EPOCHS,
        dest="num_epochs",
        type=int,
        metavar="N",
        default=1,
        help="total number of passes through the images",
    )
    duration.add_argument(
        "--validation",
        type=float,
        default=0.0,
        metavar="SHARE",
        help="hold out this share of the training images, e.g. 0.1; save the weights with the best validation accuracy",
    )
    duration.add_argument(
        "--patience",
        type=int,
        metavar="EPOCHS",
        help="stop if validation accuracy has not improved for this many epochs",
    )
    duration.add_argument(
        "--resume",
        type=Path,
        metavar="FOLDER",
        help="resume an interrupted training run with its settings, or, with --epochs, a finished one",
    )
    options.add_output(train)
    train.add_argument(
        "--kvstore", metavar="KIND", help="dist_sync: train together with other processes, started by a launcher"
    )

    rate = add(
        "rate",
        "train:rate",
        "suggest a learning rate for a network and a data set",
        description="Train a copy of the network for 100 batches while the learning rate rises from 0.000001 to 10, "
        "and suggest a tenth of the rate with the lowest loss (Smith's range test). Nothing is saved.",
        epilog="example:\n  gluon-cnn rate lenet --dataset photos --resize 64 --optimizer adam --plot rate.png",
    )
    rate.add_argument("network", help=options.NETWORK_NAMES)
    options.add_settings(rate)
    rate.add_argument("--plot", type=Path, metavar="FILE.png", help="plot the loss against the learning rate to FILE")

    finetune = add(
        "finetune",
        "finetune:finetune",
        "train a pretrained network on a folder of photos and save it to a folder",
        description="On a folder with one subfolder of photos per class, train a new output layer for "
        "EfficientNet-Lite0, which is pretrained on the million photos of ImageNet. A fifth of the photos are held out "
        "for testing. Needs no download.",
        epilog="example:\n  gluon-cnn finetune photos",
    )
    finetune.add_argument("photos", metavar="FOLDER", help="folder with one subfolder of photos per class")
    finetune.add_argument(
        "--network",
        metavar="NAME",
        default="efficientnet-lite0",
        help="efficientnet-lite0, or your own module:function, called with num_classes=, that returns a trained "
        "network with .features and .output",
    )
    finetune.add_argument("--resize", type=int, metavar="PIXELS", default=224, help="a multiple of 32; 96 is faster")
    options.add_broken(finetune)
    finetune.add_argument("--batch-size", type=int, metavar="N", default=32, help="images per batch")
    finetune.add_argument("--lr", dest="learning_rate", type=float, metavar="RATE", default=0.001, help="learning rate")
    finetune.add_argument(
        "--epochs", dest="num_epochs", type=int, metavar="N", default=50, help="passes through the features"
    )
    finetune.add_argument(
        "--validation",
        type=float,
        metavar="SHARE",
        default=0.0,
        help="hold out this share of the training images, e.g. 0.2; save the weights with the best validation accuracy",
    )
    finetune.add_argument(
        "--patience",
        type=int,
        metavar="EPOCHS",
        help="with --validation: stop after this many epochs without improvement",
    )
    finetune.add_argument("--seed", dest="random_seed", type=int, metavar="N", default=0, help="random seed")
    options.add_output(finetune)

    launch = add(
        "launch",
        "train:launch",
        "train in several processes, on this machine or on many",
        description="Start workers together with mxnet's servers and scheduler, and stop all of them if one fails. "
        "Each worker processes --batch-size images per step. Worker 0 prints and saves checkpoints and results.",
        epilog="examples:\n"
        "  gluon-cnn launch -n 2 -- train lenet --epochs 3\n"
        "  gluon-cnn launch -n 4 -s 2 --hosts hosts.txt -- train resnet --resize 96\n"
        "  gluon-cnn launch -n 2 -- train --resume runs/lenet",
    )
    launch.add_argument("-n", "--workers", type=int, required=True, help="processes that compute gradients")
    launch.add_argument("-s", "--servers", type=int, default=1, help="processes that add up gradients")
    launch.add_argument(
        "-H",
        "--hosts",
        type=Path,
        metavar="FILE",
        help="file with one `host` or `host:port` per line; processes are started on them in turn, over passwordless "
        "ssh; each host needs the package in the same folder; by default all processes run on this machine",
    )
    launch.add_argument(
        "--address", help="address at which the other machines reach this one; by default chosen automatically"
    )
    launch.add_argument("training", nargs="+", metavar="-- train ...", help="or your own program.py")

    evaluate = add(
        "evaluate",
        "runs:evaluate",
        "measure the accuracy of a trained network",
        description="Measure recall, precision and F1 for each class, and the accuracy, on the test images of the "
        "data set that the network was trained on, or on other data. If that is another folder, all its images are "
        "used, or those in its subfolder test/.",
        epilog="example:\n  gluon-cnn evaluate --run runs/lenet --dataset fashion-mnist",
    )
    options.add_run(evaluate)
    dataset = f"{options.DATA}; by default the one that the network was trained on"
    evaluate.add_argument("--dataset", metavar="NAME_OR_FOLDER", help=dataset)
    options.add_broken(evaluate)
    evaluate.set_defaults(broken=None)  # as in training
    evaluate.add_argument(
        "--confusion", type=Path, metavar="FILE.png", help="draw the confusion matrix of true and predicted classes"
    )
    evaluate.add_argument(
        "--mistakes", type=Path, metavar="FILE.png", help="draw the ten mistakes of which the network is most confident"
    )

    predict = add(
        "predict",
        "runs:predict",
        "classify your own images with a trained network",
        description="Print the most likely classes of each image with their probabilities. The images should resemble "
        "the training images: for Fashion-MNIST, bright clothes on a black background.",
        epilog="example:\n  gluon-cnn predict shoe.jpg shirt.png --run runs/lenet --top 2",
    )
    predict.add_argument("images", nargs="+", metavar="IMAGE", help="JPEG, PNG or another image format")
    options.add_run(predict)
    predict.add_argument("--top", type=int, metavar="K", default=3, help="number of classes to print")

    explain = add(
        "explain",
        "runs:explain",
        "show which part of an image led a network to its prediction",
        description="Draw Grad-CAM's heat map over an image: how much each position raises the score of a class, by "
        "default the predicted one.",
        epilog="example:\n  gluon-cnn explain cat.jpg --network efficientnet-lite0",
    )
    explain.add_argument("image", type=Path, metavar="IMAGE", help="JPEG, PNG or another image format")
    options.add_run(explain)
    explain.add_argument("--label", metavar="CLASS", help="explain this class instead of the predicted one")
    explain.add_argument("--output", type=Path, metavar="FILE.png", help="output file; by default IMAGE-explained.png")

    quantize = add(
        "quantize",
        "runs:quantize",
        "make a trained network predict with 8-bit integers",
        description="Save a copy of a trained network whose convolutions and dense layers compute with 8-bit integers, "
        "and print the accuracy and speed of both on the test images. `evaluate` and `predict` accept the copy like "
        "any other run. For CPUs; the speedup depends on their instructions for 8-bit integers.",
        epilog="example:\n  gluon-cnn quantize --run runs/resnet",
    )
    options.add_run(quantize)
    options.add_output(quantize, "the run's name with -int8")

    export = add(
        "export",
        "runs:export",
        "export a trained network for programs without MXNet",
        description="Export a network to ONNX, or to MXNet's symbol and parameters, which MXNet reads without this "
        "package. The network is that of a run, or a named one with a file of its parameters. The batch size remains "
        "variable; the image size is fixed.",
        epilog="examples:\n  gluon-cnn export --run runs/lenet\n  gluon-cnn export lenet lenet.params --format symbol",
    )
    export.add_argument("network", nargs="?", help=f"{options.NETWORK_NAMES}; by default a run's")
    export.add_argument("parameters", nargs="?", type=Path, metavar="params", help="the network's parameter file")
    options.add_run(export)
    export.add_argument("--format", choices=("onnx", "symbol"), default="onnx", help="onnx needs the package onnx<1.19")
    options.add_images(export)
    export.add_argument(
        "--output", type=Path, metavar="NAME", help="name of the file; by default that of the network or the run"
    )

    compare = add(
        "compare",
        "networks:compare",
        "train several networks with the same budget and compare them",
        description="Train networks one after the other on the same data for the same time and print a table: pixels, "
        "parameters, FLOPs per image, receptive field in pixels along one axis, training images per second, number of "
        "training images, test accuracy. comparison.csv and comparison.png are written to the folder.",
        epilog="example:\n  gluon-cnn compare lenet resnet densenet --seconds 60",
    )
    names = f"{options.NETWORK_NAMES}; by default all of them"
    compare.add_argument("networks", nargs="*", metavar="NETWORK", help=names)
    compare.add_argument("--seconds", type=float, default=10.0, help="training time of each network")
    options.add_settings(compare, optimizer="adam", learning_rate=0.001, initializer="he")
    options.add_output(compare)
    return parser
