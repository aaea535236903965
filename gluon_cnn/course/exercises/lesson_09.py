"""Checks for the exercises of lesson 09, GoogLeNet."""

import numpy as np
from gluon_cnn.course.answers import IncorrectAnswer, equals, exercise, expect_shape
from gluon_cnn.course.parameters import initialize_rest, restored
from mxnet import gluon, nd

check_1 = exercise(
    1,
    "add up the output channels of the four paths; the 1x1 before a 3x3 or 5x5 stays inside its path.",
    "96 and 16 are inside: they make the 3x3 and 5x5 convolutions cheap.",
)(equals(192 + 208 + 48 + 64))

check_2 = exercise(
    2,
    "the largest kernel counts, in both blocks; g.receptive_field adds them up.",
    "Through the 5x5 paths; through the 1x1 paths it sees a single pixel.",
)(equals(9))


@exercise(
    3,
    "HybridConcurrent(axis=1), then add nn.Conv2D(8, kernel_size=1) and a 3x3 with padding=1.",
    "Of its 24 channels, 8 saw one pixel and 16 saw nine.",
)
def check_3(block):
    """Check two paths: send a bright pixel through positive weights and see which pixels of which channels change.

    Pooling reaches nine pixels, too, so one path has to have a 3x3 kernel.
    """
    if not isinstance(block, gluon.Block):
        raise IncorrectAnswer(f"it is of type {type(block).__name__}, not a block")
    shapes = [p.shape for p in block.collect_params(".*weight").values()]
    channels = shapes[0][1] if shapes and shapes[0][1] else 2  # those that it has seen already, if any
    initialize_rest(block)
    dark = nd.zeros((1, channels, 7, 7))
    bright = dark.copy()
    bright[0, :, 3, 3] = 1
    block(dark)  # the shapes are known from here on
    parameters = list(block.collect_params(".*(weight|bias)").values())
    with restored(parameters):
        for parameter in parameters:
            parameter.set_data(nd.full(parameter.shape, parameter.name.endswith("weight")))
        difference = block(bright) - block(dark)
    expect_shape(difference, (1, 24, 7, 7))
    changed = difference[0].asnumpy() != 0
    pixels = changed.sum(axis=(1, 2))
    if not np.isin(pixels, (1, 9)).all():
        raise IncorrectAnswer(
            f"a bright pixel changes {sorted({int(n) for n in pixels})} pixels of a channel, not 1 or 9"
        )
    if not changed[pixels == 9, 2:5, 2:5].all():
        raise IncorrectAnswer("the nine pixels that a bright pixel changes are not adjacent")
    if (3, 3) not in [p.shape[2:] for p in block.collect_params(".*weight").values()]:
        raise IncorrectAnswer("no convolution has a 3x3 kernel")
    return sorted(pixels) == [1] * 8 + [9] * 16
