"""gluon-cnn summary and compare."""

from __future__ import annotations

import argparse

from gluon_cnn.cli.folders import RUNS, new_run_folder, refuse_existing
from gluon_cnn.cli.options import settings_from
from gluon_cnn.experiments.choices import DEFAULT_IMAGE_SIZE, find_network
from gluon_cnn.experiments.comparison import TABLE
from gluon_cnn.experiments.comparison import compare as compare_networks
from gluon_cnn.networks.base import Network
from gluon_cnn.networks.receptive_field import receptive_field
from gluon_cnn.networks.summary import summary as summarize
from mxnet import gluon


def summary(options: argparse.Namespace) -> int:
    net, shape = network_and_shape(options)
    net.initialize()
    print(summarize(net, shape, blocks=options.blocks))
    if not isinstance(net, Network):
        return 0
    smallest = net.smallest_size(options.channels)
    print(
        f"The smallest images it takes have {smallest}x{smallest} pixels; the receptive field before the dense layers "
        f"is {receptive_field(net)} pixels along one axis."
    )
    return 0


def network_and_shape(options: argparse.Namespace) -> tuple[gluon.Block, tuple[int, ...]]:
    """Return the network that was named, without weights, and the shape of its input."""
    net = find_network(options.network)(num_classes=options.classes)
    smallest = net.smallest_size(options.channels) if isinstance(net, Network) else 1
    side = max(DEFAULT_IMAGE_SIZE, smallest) if options.resize is None else options.resize
    return net, (1, options.channels, side, side)


def compare(options: argparse.Namespace) -> int:
    refuse_existing(options.output, TABLE)
    with new_run_folder(options.output, RUNS / "comparison") as folder:
        found = compare_networks(options.networks or None, **settings_from(options))
        if not found.measurements:
            return 130
        print(found)
        found.write(folder)
    print(f"Saved to {folder}")
    return 0
