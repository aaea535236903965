"""Checks for the exercises of lesson 10, ResNet."""

from gluon_cnn.course.answers import agrees_with, equals, exercise, random_array
from mxnet import nd

check_1 = exercise(
    1,
    "it is a 1x1 convolution from 64 to 128 channels with biases; its stride adds no parameters.",
    "The notes' form of the block has no batch norm in the shortcut; the paper's has.",
)(equals(128 * (64 + 1)))

check_2 = exercise(
    2,
    "the first convolution, two in each block, and the dense layer; shortcuts do not count.",
    "The paper's ResNet-34.",
)(equals(34))


def with_shortcut(function, x):
    change = function(x)
    return change + (x if change.shape == x.shape else x[:, :, ::2, ::2])


check_3 = exercise(
    3,
    "x[:, :, ::2, ::2] takes every second pixel; compare the shapes to find out which to add.",
    "A shortcut without parameters: the paper's option A takes every second pixel, too.",
)(
    agrees_with(
        lambda function, x: nd.relu(with_shortcut(function, x)),
        # even sides, so that a stride computed from the shapes is 2
        (lambda x: -0.5 * x, 10 * random_array(2, 3, 6, 4)),
        (lambda x: 2 - x[:, :, ::2, ::2], random_array(2, 3, 6, 4)),
        mistakes={
            "negative numbers came out: the ReLU is missing": with_shortcut,
            "the shortcut is missing": lambda function, x: nd.relu(function(x)),
            "the ReLU belongs after the sum": lambda function, x: with_shortcut(lambda x: nd.relu(function(x)), x),
        },
    )
)
