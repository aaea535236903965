"""The ``gluon-cnn`` command."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

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
    options = parser.parse_args(arguments)
    if options.command == "doctor":
        return doctor.main()
    try:
        return _data(options.root)
    except (ImportError, OSError, ValueError) as error:
        print(f"gluon-cnn {options.command}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped; the same command goes on where it stopped", file=sys.stderr)
        return 130


def _data(root: str | None) -> int:
    from gluon_cnn import datasets

    (train_images, _), (test_images, _) = datasets.read_fashion_mnist(root, download=True)
    folder = datasets.find_fashion_mnist(root)
    print(
        f"Fashion-MNIST is in {folder}: {len(train_images):,} training and {len(test_images):,} test pictures, verified"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
