"""Checks for the exercises of lesson 01, convolution."""

import numpy as np
from gluon_cnn.course.answers import IncorrectAnswer, agrees_with, as_kernel, equals, exercise, random_array
from gluon_cnn.layers.convolution import corr2d
from mxnet import nd

check_1 = exercise(
    1,
    "the first layer's output has floor((224 - 11) / 4) + 1 rows; put that number into the formula again.",
    "224 -> 54 -> 26. (The AlexNet paper has 55 and 27, as if there were padding.)",
)(equals(26))

check_2 = exercise(
    2,
    "start with 1 and, for each layer, add (k - 1) times the product of all strides before it: 4, then 1, then ...",
    "1 + 4 + 1 + 2*2 + 1*2: twelve of LeNet's 28 pixels.",
)(equals(12))

check_3 = exercise(
    3,
    "nd.flip(K, axis=(0, 1)) reverses rows and columns.",
    "Convolving with A, then B, equals convolving once with a larger kernel: A, padded, convolved with B.",
)(
    agrees_with(
        lambda X, K: corr2d(X, nd.flip(K, axis=(0, 1))),
        (random_array(5, 6), random_array(2, 3)),
        mistakes={"this is cross-correlation: the kernel was not rotated": corr2d},
    )
)


@exercise(
    4,
    "the weights above are positive, those below negative.",
    "With 1, 2, 1 instead of 1, 1, 1 it is the Sobel kernel, in which the middle counts most.",
)
def check_4(kernel):
    """Check a kernel that should respond to horizontal edges only."""
    kernel = as_kernel(kernel, 3)
    area, above = nd.ones((6, 6)), nd.ones((6, 6))
    above[3:] = 0
    even, left, right, edge = (corr2d(X, kernel).asnumpy() for X in (area, above.T, 1 - above.T, above))
    if np.abs(even).max() > 1e-5:
        raise IncorrectAnswer("it responds to a uniform area: its weights should add up to 0")
    if max(np.abs(left).max(), np.abs(right).max()) > 1e-5:
        raise IncorrectAnswer("it responds to a vertical edge: the weights of each column should add up to 0")
    return edge.min() > -1e-5 and edge.max() > 1e-5
