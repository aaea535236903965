"""Checks for the exercises of lesson 05, LeNet."""

import numpy as np
from gluon_cnn.course.answers import DENSE_SHARE, WrongAnswer, computes, equals, exercise, is_close, numbers
from gluon_cnn.networks.summary import summary

LENET_5 = ((1, 6, 28, 28), (1, 6, 14, 14), (1, 16, 10, 10), (1, 16, 5, 5), (1, 120), (1, 84), (1, 10))

check_1 = exercise(
    1,
    "follow the side: minus 4, half, minus 2, half; the last feature map has 50 channels.",
    "32 -> 28 -> 14 -> 12 -> 6, so 50 * 6 * 6 = 1800.",
)(equals(50 * 6 * 6))

check_2 = exercise(
    2,
    DENSE_SHARE,
    "94.4% of the weights, but the convolutions do most of the computing.",
)(is_close(161_418 / 170_988, abs_tol=0.005))


@exercise(
    3,
    "seven layers: conv 6 (5x5, padding 2), pool, conv 16 (5x5), pool, dense 120, 84 and 10.",
    "61,706 parameters, about a third of the notes' version.",
)
def check_3(net):
    """Judge a network that should have the layers of LeCun's LeNet-5, fully connected between its two stages."""
    net.initialize(force_reinit=True)
    table = summary(net, (1, 1, 28, 28))
    shapes = [row.output_shape for row in table.layers if row.kind not in ("Activation", "Flatten", "Dropout")]
    for number, (shape, expected) in enumerate(zip(shapes, LENET_5), start=1):
        if shape != expected:
            raise WrongAnswer(f"layer {number} gives {shape} where LeNet-5 has {expected}")
    return len(shapes) == len(LENET_5)


check_4 = exercise(
    4,
    "start from nd.zeros_like(X), then copy all but the last columns of X into all but its first.",
    "Now you can ask how far images may move before the network errs.",
)(
    computes(
        lambda X, pixels: np.pad(X.asnumpy(), ((0, 0), (0, 0), (0, 0), (pixels, 0)))[..., : X.shape[3]],
        *((numbers(2, 1, 5, 6), pixels) for pixels in (0, 1, 3)),
    )
)
