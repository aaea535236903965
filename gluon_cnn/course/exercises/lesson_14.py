"""Checks for the exercises of lesson 14, the comparison."""

from types import SimpleNamespace

from gluon_cnn.course.answers import IncorrectAnswer, exercise, expect_shape, is_close, random_array
from gluon_cnn.networks.base import Network
from mxnet import init
from mxnet.gluon import HybridBlock, nn

IMAGES = random_array(2, 1, 28, 28)

check_1 = exercise(
    1, "images, divided by images per second.", "A little more than four minutes, plus the time for testing."
)(is_close(250, abs_tol=1))


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
        if isinstance(got, str):
            raise IncorrectAnswer(f"it returned the string {got!r}; return the measurement itself")
        name = getattr(got, "network", got)
        if name != expected:
            raise IncorrectAnswer(f"with at most {limit} parameters it chose {name}, expected {expected}")
    return True


@exercise(
    3,
    "a function with the argument num_classes; it returns an nn.HybridSequential that ends with nn.Dense(num_classes).",
    "compare({'mine': make}) puts it into the table.",
)
def check_3(make):
    """Check a network of the learner's own."""
    layers: list[HybridBlock] = []
    for num_classes in (3, 10):
        net = make(num_classes=num_classes)
        if not isinstance(net, HybridBlock):
            raise IncorrectAnswer(f"it returned {type(net).__name__}, not a HybridBlock")
        lowest, highest = [], []
        for _ in range(3):  # scores of one random network may all be positive by chance
            net.initialize(init.Xavier(), force_reinit=True)
            output = net(IMAGES)
            expect_shape(output, (2, num_classes), f"for two images and {num_classes} classes its output")
            lowest.append(output.min().asscalar())
            highest.append(output.max().asscalar())
        if num_classes == 10 and min(lowest) >= 0 < max(highest):
            raise IncorrectAnswer("no score is ever negative: the loss applies softmax, so end without an activation")
        net.apply(layers.append)
    if own := [type(layer).__name__ for layer in layers if isinstance(layer, Network)]:
        raise IncorrectAnswer(f"{own[0]} is one of the course's own networks; build another")
    if not any(isinstance(layer, nn.Conv2D) for layer in layers):
        raise IncorrectAnswer("it has no convolution")
    return True
