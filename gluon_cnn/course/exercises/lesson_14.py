"""Checks for the exercises of lesson 14, the comparison."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from gluon_cnn.course.answers import WrongAnswer, judge
from mxnet import nd
from mxnet.gluon import HybridBlock


def check_1(answer: float | None) -> None:
    """Judge how long a network needs for an epoch."""
    judge(
        1,
        answer,
        lambda value: abs(value - 250) < 1,
        "pictures, divided by pictures a second.",
        "A little more than four minutes, and the test comes on top.",
    )


def check_2(answer: Callable | None) -> None:
    """Judge a choice among networks."""
    judge(
        2,
        answer,
        _chooses,
        "max(..., key=...) over those whose .parameters fit; None when there is none.",
        "On a small device the best network is the best of those that fit.",
    )


def check_3(answer: Callable | None) -> None:
    """Judge a network of the learner's own."""
    judge(
        3,
        answer,
        _is_a_network,
        "a function of one argument, num_classes; an nn.HybridSequential that ends with nn.Dense(num_classes).",
        "compare({'mine': make}) puts it into the table.",
    )


class _Entry:
    def __init__(self, network: str, parameters: int, test_accuracy: float) -> None:
        self.network, self.parameters, self.test_accuracy = network, parameters, test_accuracy


def _chooses(best_within: Callable) -> bool:
    entries = [_Entry("small", 10, 0.7), _Entry("medium", 20, 0.9), _Entry("large", 30, 0.8), _Entry("huge", 90, 0.95)]
    for limit, expected in ((10, "small"), (35, "medium"), (1000, "huge"), (5, None)):
        got = best_within(list(entries), limit)
        name = getattr(got, "network", got)
        if name != expected:
            raise WrongAnswer(f"with at most {limit} parameters it chose {name}, expected {expected}")
    return True


def _is_a_network(make: Callable) -> bool:
    for num_classes in (3, 10):
        net = make(num_classes=num_classes)
        if not isinstance(net, HybridBlock):
            raise WrongAnswer(f"it made a {type(net).__name__}, not a HybridBlock")
        net.initialize()
        shape = net(nd.zeros((2, 1, 28, 28))).shape
        if shape != (2, num_classes):
            raise WrongAnswer(f"for two pictures and {num_classes} classes its output has the shape {shape}")
    kinds = {type(layer).__name__ for layer in _blocks(net)}
    if "Conv2D" not in kinds:
        raise WrongAnswer("it has no convolution")
    return True


def _blocks(block: HybridBlock) -> Iterable[HybridBlock]:
    found: list[HybridBlock] = []
    block.apply(found.append)
    return found
