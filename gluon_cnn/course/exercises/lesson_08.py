"""Checks for the exercises of lesson 08, network in network."""

import numpy as np
from gluon_cnn.course.answers import IncorrectAnswer, equals, exercise, is_sequence
from mxnet import nd

check_1 = exercise(
    1,
    "each of the 64 kernels has as many slices as there are input channels, and one bias.",
    "16,448 and 147,520: a 1x1 convolution before a 3x3 or 5x5 one makes that cheap; see lesson 09.",
)(is_sequence(64 * (256 + 1), 64 * (256 * 9 + 1)))


@exercise(
    2,
    "one output channel, three input channels, a 1x1 kernel; each colour counts one third.",
    "Three numbers, used at every pixel.",
)
def check_2(weights):
    """Check the weights of a 1x1 convolution that averages the colours of photos."""
    if not isinstance(weights, nd.NDArray):
        raise IncorrectAnswer(f"it is of type {type(weights).__name__}, not an NDArray")
    if weights.shape != (1, 3, 1, 1):
        raise IncorrectAnswer(
            f"its shape is {weights.shape}, not (out channels, in channels, height, width) of the kernel"
        )
    X = nd.random.uniform(shape=(2, 3, 4, 5))
    Y = nd.Convolution(X, weights.astype("float32"), kernel=(1, 1), num_filter=1, no_bias=True)
    return np.allclose(Y.asnumpy(), X.asnumpy().mean(axis=1, keepdims=True), atol=1e-5)


check_3 = exercise(
    3,
    "add up the convolutions' parameters and those of the new one, with its biases.",
    "9,224,458 of 128,806,154, or 7.2%.",
)(equals(9_219_328 + 10 * (512 + 1)))
