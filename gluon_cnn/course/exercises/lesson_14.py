"""Checks for the exercises of lesson 14, the comparison."""

from types import SimpleNamespace

from gluon_cnn.course.answers import WrongAnswer, exercise, expect_shape
from mxnet import nd
from mxnet.gluon import HybridBlock

check_1 = exercise(
    1, "images, divided by images per second.", "A little more than four minutes, and the test comes on top."
)(lambda answer: abs(answer - 250) < 1)


@exercise(
    2,
    "max(..., key=...) over those whose .parameters fit; None when there is none.",
    "On a small device the best network is the best of those that fit.",
)
def check_2(best_within):
    rows = (("small", 10, 0.7), ("medium", 20, 0.9), ("large", 30, 0.8), ("huge", 90, 0.95))
    entries = [SimpleNamespace(network=n, parameters=p, test_accuracy=accuracy) for n, p, accuracy in rows]
    for limit, expected in ((10, "small"), (35, "medium"), (1000, "huge"), (5, None)):
        got = best_within(list(entries), limit)
        name = getattr(got, "network", got)
        if name != expected:
            raise WrongAnswer(f"with at most {limit} parameters it chose {name}, expected {expected}")
    return True


@exercise(
    3,
    "a function of one argument, num_classes; an nn.HybridSequential that ends with nn.Dense(num_classes).",
    "compare({'mine': make}) puts it into the table.",
)
def check_3(make):
    """Judge a network of the learner's own."""
    kinds: set[str] = set()
    for num_classes in (3, 10):
        net = make(num_classes=num_classes)
        if not isinstance(net, HybridBlock):
            raise WrongAnswer(f"it made a {type(net).__name__}, not a HybridBlock")
        net.initialize()
        output = net(nd.zeros((2, 1, 28, 28)))
        expect_shape(output, (2, num_classes), f"for two images and {num_classes} classes its output")
        net.apply(lambda layer: kinds.add(type(layer).__name__))
    if "Conv2D" not in kinds:
        raise WrongAnswer("it has no convolution")
    return True
