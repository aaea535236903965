"""Checks for the exercises of lesson 06, AlexNet."""

from __future__ import annotations

from gluon_cnn.course.answers import judge
from gluon_cnn.course.exercises.parameters import judge_dense_share, table_of
from gluon_cnn.layers.convolution import receptive_field
from gluon_cnn.networks.alexnet import AlexNet
from gluon_cnn.networks.summary import Summary


def check_1(answer: int | None) -> None:
    """Judge the number of parameters of the first convolution on colour photos."""
    expected = _alexnet(3, 67).layers[0].parameters
    judge(
        1,
        answer,
        lambda value: value == expected,
        "each of the 96 kernels has a slice of 11x11 for each of three colours, and one bias.",
        f"96 * (3 * 121 + 1) = {expected:,}; on grey pictures it is about a third.",
    )


def check_2(answer: float | None) -> None:
    """Judge the share of the parameters that sits in the dense layers, on 96x96 pixels."""
    judge_dense_share(
        2,
        answer,
        _alexnet(1, 96),
        ": the flattened map is smaller than with 224 pixels, the second dense layer is not.",
    )


def check_3(answer: int | None) -> None:
    """Judge the receptive field of the last feature map."""
    expected = receptive_field([(11, 4), (3, 2), (5, 1), (3, 2), (3, 1), (3, 1), (3, 1), (3, 2)])
    judge(
        3,
        answer,
        lambda value: value == expected,
        "five convolutions and three poolings, each with (kernel, stride), from the input on.",
        "Nearly the whole picture of 224 pixels.",
    )


def _alexnet(channels: int, side: int) -> Summary:
    return table_of(AlexNet, shape=(1, channels, side, side))
