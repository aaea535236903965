"""Checks for the exercises of lesson 07, VGG."""

from __future__ import annotations

from collections.abc import Sequence

from gluon_cnn.course.answers import WrongAnswer, judge
from gluon_cnn.course.exercises.parameters import judge_dense_share, table_of
from gluon_cnn.networks.vgg import VGG, VGG11, vgg_block


def check_1(answer: int | None) -> None:
    """Judge the number of parameters of a block of two convolutions."""
    expected = table_of(vgg_block, 2, 512, shape=(1, 256, 2, 2)).parameters
    judge(
        1,
        answer,
        lambda value: value == expected,
        "each kernel has a slice of 3x3 for every input channel, and one bias; the second convolution's input has 512.",
        f"{expected:,}, two thirds of them in the second convolution; pooling has none.",
    )


def check_2(answer: float | None) -> None:
    """Judge the share of the parameters that sits in the dense layers, on 32x32 pixels."""
    judge_dense_share(
        2,
        answer,
        table_of(VGG, VGG11, shape=(1, 1, 32, 32)),
        ": five halvings leave 1x1 pixel, so the first dense layer has 512 inputs instead of 25,088.",
    )


def check_3(answer: Sequence[tuple[int, int]] | None) -> None:
    """Judge the architecture of VGG-16."""
    judge(
        3,
        answer,
        _is_vgg_16,
        "pairs (convolutions, channels), as in VGG11, with its channels.",
        "13 convolutions and 3 dense layers; with colour photos of 224x224 and 1000 classes 138 million parameters.",
    )


def _is_vgg_16(architecture: Sequence[tuple[int, int]]) -> bool:
    pairs = [tuple(pair) for pair in architecture]
    layers = sum(convs for convs, _ in pairs) + 3
    if layers != 16:
        raise WrongAnswer(f"with its three dense layers it has {layers} layers")
    return pairs == [(2, 64), (2, 128), (3, 256), (3, 512), (3, 512)]
