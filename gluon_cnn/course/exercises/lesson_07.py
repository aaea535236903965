"""Checks for the exercises of lesson 07, VGG."""

from gluon_cnn.course.answers import DENSE_SHARE, IncorrectAnswer, equals, exercise, is_close

check_1 = exercise(
    1,
    "each kernel has a 3x3 slice for every input channel, and one bias; the second convolution has 512 input channels.",
    "3,539,968, two thirds of them in the second convolution; pooling has none.",
)(equals(512 * (256 * 9 + 1) + 512 * (512 * 9 + 1)))

check_2 = exercise(
    2,
    DENSE_SHARE,
    "67.2%: five halvings leave a 1x1 feature map, so the first dense layer has 512 inputs instead of 25,088.",
)(is_close(18_923_530 / 28_142_858, abs_tol=0.005))


@exercise(
    3,
    "pairs (convolutions, channels), as in VGG11, with its channels.",
    "13 convolutions and 3 dense layers; for colour photos of 224x224 and 1000 classes, 138 million parameters.",
)
def check_3(architecture):
    """Check the architecture of VGG-16."""
    pairs = [tuple(pair) for pair in architecture]
    layers = sum(convs for convs, _ in pairs) + 3
    if layers != 16:
        raise IncorrectAnswer(f"with its three dense layers it has {layers} layers")
    return pairs == [(2, 64), (2, 128), (3, 256), (3, 512), (3, 512)]
