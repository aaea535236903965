"""Checks for the exercises of lesson 11, DenseNet."""

import numpy as np
from gluon_cnn._core.checks import as_numpy
from gluon_cnn.course.answers import agrees_with, equals, exercise, random_array
from mxnet import nd

check_1 = exercise(
    1,
    "64 + 6 * 32 = 256, halved to 128; go on like this, and do not halve at the end.",
    "As many as GoogLeNet has at its end, and a quarter of what VGG's dense layers have.",
)(equals(1024))


def dense_block(x, layers):
    for layer in layers:
        x = nd.concat(x, layer(x), dim=1)
    return x


def newest_first(x, layers):
    for layer in layers:
        x = nd.concat(layer(x), x, dim=1)
    return x


LAYERS = [lambda x: x[:, :2] * 2, lambda x: x.sum(axis=1, keepdims=True), lambda x: x[:, -2:] - 1]
check_2 = exercise(
    2,
    "nd.concat(x, layer(x), dim=1), once for each layer; what comes out goes into the next.",
    "What came in comes out first, unchanged.",
)(
    agrees_with(
        dense_block,
        (random_array(2, 3, 4, 5), LAYERS),
        mistakes={"each layer's feature maps belong after those of the layers before it": newest_first},
    )
)

check_3 = exercise(
    3,
    "five halvings of 96 leave a 3x3 feature map, and 1x1 pooling changes nothing.",
    "3 * 3: nine times as many weights in the dense layer, tied to positions; a feature map's mean needs one weight.",
)(lambda answer: np.ravel(as_numpy(answer)).tolist() in ([9], [3, 3]))
