"""The commands and their options. Nothing of MXNet is imported to print a help text."""

from __future__ import annotations

import argparse
from pathlib import Path

from gluon_cnn import __version__
from gluon_cnn.cli import options


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="gluon-cnn",
        description="Convolutional networks by hand in MXNet/Gluon: train them, look at them, use them.",
        epilog="gluon-cnn COMMAND --help tells more of each. Only `data` ever downloads anything.",
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

    checks = "print versions, threads, contexts and data found, and what to do about each problem"
    add("doctor", "doctor:run", checks, epilog="example:\n  gluon-cnn doctor")

    data = add(
        "data",
        "data:data",
        "find the full Fashion-MNIST (30 MB) or CIFAR-10 (170 MB), or download it",
        description="Look for a data set in ROOT, $GLUON_CNN_DATA, mxnet's data folder and Debian's; "
        "download it from the data set's own hosts when none of them has it.",
        epilog="example:\n  gluon-cnn data --root ~/data",
    )
    data.add_argument(
        "dataset", nargs="?", choices=("fashion-mnist", "cifar-10"), default="fashion-mnist", help="which one"
    )
    data.add_argument("--root", help="folder to look in first and to download to")

    summary = add(
        "summary",
        "networks:summary",
        "print a network's layers, output shapes, parameters and FLOPs",
        epilog="example:\n  gluon-cnn summary resnet --resize 96 --blocks",
    )
    summary.add_argument("network", help=options.NETWORK_NAMES)
    options.add_images(summary)
    summary.add_argument("--blocks", action="store_true", help="one row for each block instead of its layers")

    train = add(
        "train",
        "train:train",
        "train a network and save it to a folder",
        description="Train a network with softmax cross-entropy. The output folder receives the weights "
        "(network.params), settings and history (history.json), the history as a table (history.csv) and as curves "
        "(curves.png). Ctrl-C ends the training and saves the network, once an epoch is completed. However a training "
        "was interrupted, --resume continues after the last completed epoch.",
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
        help="of the learning rate: along a half cosine to 0, or to a tenth after half and three quarters of the steps",
    )
    duration.add_argument(
        "--warmup", type=int, metavar="EPOCHS", default=0, help="epochs in which the learning rate rises from 0"
    )
    duration.add_argument(
        "--balance", action="store_true", help="let rare classes count as much in the loss as common ones"
    )
    duration.add_argument(
        *options.EPOCHS, dest="num_epochs", type=int, metavar="N", default=1, help="passes through the images, in all"
    )
    duration.add_argument(
        "--validation",
        type=float,
        default=0.0,
        metavar="SHARE",
        help="set aside this share of the training images, such as 0.1, and keep the epoch that does best on them",
    )
    duration.add_argument(
        "--patience", type=int, metavar="EPOCHS", help="stop when validation has not improved for so many epochs"
    )
    duration.add_argument(
        "--resume",
        type=Path,
        metavar="FOLDER",
        help="resume a training that was interrupted, with its settings; with --epochs also one that is finished",
    )
    options.add_output(train)
    train.add_argument(
        "--kvstore", metavar="KIND", help="dist_sync: train together with other processes, which a launcher starts"
    )

    finetune = add(
        "finetune",
        "finetune:finetune",
        "train a pretrained network on a folder of photos and save it to a folder",
        description="Train a new output layer for EfficientNet-Lite0, which has learned from the million photos of "
        "ImageNet, on a folder that holds a folder of photos for each class. A fifth of them is held out for the test; "
        "a part of the others chooses the epoch that is kept. Needs no download.",
        epilog="example:\n  gluon-cnn finetune photos",
    )
    finetune.add_argument("photos", metavar="FOLDER", help="holds one folder of photos for each class")
    finetune.add_argument("--resize", type=int, metavar="PIXELS", default=224, help="a multiple of 32; 96 is faster")
    options.add_broken(finetune)
    finetune.add_argument("--batch-size", type=int, metavar="N", default=32, help="images in a batch")
    finetune.add_argument("--lr", dest="learning_rate", type=float, metavar="RATE", default=0.001, help="learning rate")
    finetune.add_argument("--epochs", dest="num_epochs", type=int, metavar="N", default=100, help="at most so many")
    finetune.add_argument("--validation", type=float, metavar="SHARE", default=0.2, help="of the training images")
    finetune.add_argument(
        "--patience", type=int, metavar="EPOCHS", default=20, help="stop when validation has not improved for so many"
    )
    finetune.add_argument("--seed", dest="random_seed", type=int, metavar="N", default=0, help="repeats a training")
    options.add_output(finetune)

    launch = add(
        "launch",
        "train:launch",
        "train in several processes, on this machine or on many",
        description="Start workers, and mxnet's servers and scheduler that they need, and end all of them when one "
        "fails. Each worker takes --batch-size images of a batch. Worker 0 prints, saves checkpoints and results.",
        epilog="examples:\n"
        "  gluon-cnn launch -n 2 -- train lenet --epochs 3\n"
        "  gluon-cnn launch -n 4 -s 2 --hosts hosts.txt -- train resnet --resize 96\n"
        "  gluon-cnn launch -n 2 -- train --resume runs/lenet",
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
        "runs:evaluate",
        "measure the accuracy of a trained network",
        description="Measure the accuracy for each class and in all: on the test images of the data "
        "that the network was trained on, or on other data, of which a folder counts as a whole.",
        epilog="example:\n  gluon-cnn evaluate --run runs/lenet --dataset fashion-mnist",
    )
    options.add_run(evaluate)
    dataset = f"{options.DATA}; without it the one that the network was trained on"
    evaluate.add_argument("--dataset", metavar="NAME_OR_FOLDER", help=dataset)
    options.add_broken(evaluate)
    evaluate.set_defaults(broken=None)  # as in training
    evaluate.add_argument(
        "--confusion", type=Path, metavar="FILE.png", help="draw how often each class was predicted as each class"
    )

    predict = add(
        "predict",
        "runs:predict",
        "say what a trained network sees in images of yours",
        description="Print the likeliest classes of each image with their probabilities. The images should be like "
        "those the network was trained on: clothes bright on black, for Fashion-MNIST.",
        epilog="example:\n  gluon-cnn predict shoe.jpg shirt.png --run runs/lenet --top 2",
    )
    predict.add_argument("pictures", nargs="+", metavar="IMAGE", help="JPEG, PNG or another kind of image file")
    options.add_run(predict)
    predict.add_argument("--top", type=int, metavar="K", default=3, help="classes to name")

    explain = add(
        "explain",
        "runs:explain",
        "draw which part of an image made a network predict its class",
        description="Draw Grad-CAM's heat map over an image: how much each position raises the score of a class, by "
        "default the predicted one.",
        epilog="example:\n  gluon-cnn explain cat.jpg --network efficientnet-lite0",
    )
    explain.add_argument("image", type=Path, metavar="IMAGE", help="JPEG, PNG or another kind of image file")
    options.add_run(explain)
    explain.add_argument("--label", metavar="CLASS", help="explain this class instead of the predicted one")
    explain.add_argument("--output", type=Path, metavar="FILE.png", help="without it IMAGE-explained.png")

    quantize = add(
        "quantize",
        "runs:quantize",
        "make a trained network predict with 8-bit integers",
        description="Copy a trained network into a folder of its own, with convolutions and dense layers that compute "
        "with 8-bit integers; print accuracy and speed of both on the test images. `evaluate` and `predict` take the "
        "copy like any other run. For CPUs; how much faster it is depends on their instructions for 8-bit integers.",
        epilog="example:\n  gluon-cnn quantize --run runs/resnet",
    )
    options.add_run(quantize)
    options.add_output(quantize, "the run's name with -int8")

    export = add(
        "export",
        "runs:export",
        "write a trained network for programs without MXNet",
        description="Write a network as ONNX, or as MXNet's symbol and parameters, which MXNet reads without this "
        "package: that of a run, or one that is named, with a file of its parameters. The number of images in a "
        "batch stays open, their size does not.",
        epilog="examples:\n  gluon-cnn export --run runs/lenet\n  gluon-cnn export lenet lenet.params --format symbol",
    )
    export.add_argument("network", nargs="?", help=f"{options.NETWORK_NAMES}; without it a run's")
    export.add_argument("parameters", nargs="?", type=Path, metavar="params", help="its file of parameters")
    options.add_run(export)
    export.add_argument("--format", choices=("onnx", "symbol"), default="onnx", help="onnx takes onnx before 1.19")
    options.add_images(export)
    export.add_argument(
        "--output", type=Path, metavar="NAME", help="of the file; without it the network's or the run's"
    )

    compare = add(
        "compare",
        "networks:compare",
        "train several networks with one budget and compare them",
        description="Train networks one after the other on the same data for the same time and print a table: pixels, "
        "parameters, work for an image, receptive field in pixels along one axis, images a second in "
        "training, images trained on, test accuracy. The folder gets comparison.csv and comparison.png.",
        epilog="example:\n  gluon-cnn compare lenet resnet densenet --seconds 60",
    )
    names = f"{options.NETWORK_NAMES}; without any, all of them"
    compare.add_argument("networks", nargs="*", metavar="NETWORK", help=names)
    compare.add_argument("--seconds", type=float, default=10.0, help="training time of each network")
    options.add_settings(compare, optimizer="adam", learning_rate=0.001, initializer="he")
    options.add_output(compare)
    return parser
