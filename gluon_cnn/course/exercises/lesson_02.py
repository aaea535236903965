"""Checks for the exercises of lesson 02, pooling and activations."""

import numpy as np
from gluon_cnn.course.answers import agrees_with, as_kernel, exercise, is_close, random_array
from gluon_cnn.layers.convolution import corr2d
from mxnet import nd

check_1 = exercise(
    1,
    "each sigmoid multiplies the gradient by its derivative, which is at most 1/4.",
    "Less than a millionth, and that only if every input is exactly 0; large weights can make up for some of it.",
)(is_close(0.25**10, rel_tol=0.01))

check_2 = exercise(
    2,
    "X.repeat(times, axis=2) copies each row.",
    "Max pooling with the same window undoes it.",
)(
    agrees_with(
        lambda X, times: X.repeat(times, axis=2).repeat(times, axis=3),
        *((random_array(2, 3, 4, 5), times) for times in (1, 2, 3)),
        (random_array(1, 4, 3, 2), 2),
        mistakes={"the images stand side by side: copy each pixel": lambda X, times: nd.tile(X, (1, 1, times, times))},
    )
)

check_3 = exercise(
    3,
    "axes 2 and 3 are the rows and columns of a feature map.",
    "It turns feature maps of any size into one number per channel; lesson 08 ends its network with it.",
)(agrees_with(lambda X: X.mean(axis=(2, 3)), (random_array(2, 3, 4, 5),), (random_array(1, 10, 7, 7),)))


@exercise(
    4,
    "a kernel reveals itself when it slides over an image of zeros with a single 1 in the middle. Let A and B slide "
    "over such a 9x9 image; both are symmetric, so nothing has to be rotated.",
    "Without an activation in between, two layers are one.",
)
def check_4(kernel):
    """Check a kernel that should do the work of two applied in succession without an activation."""
    kernel, X = as_kernel(kernel, 5), random_array(9, 9)
    A, B = nd.ones((3, 3)), nd.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]])
    return np.allclose(corr2d(X, kernel).asnumpy(), corr2d(corr2d(X, A), B).asnumpy(), atol=1e-4)
