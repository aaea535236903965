"""Checks for the exercises of lesson 06, AlexNet."""

from gluon_cnn.course.answers import DENSE_SHARE, equals, exercise, is_close

check_1 = exercise(
    1,
    "each of the 96 kernels has an 11x11 slice for each of three colours, and one bias.",
    "96 * (3 * 121 + 1) = 34,944; for greyscale images, about a third of that.",
)(equals(96 * (3 * 121 + 1)))

check_2 = exercise(
    2,
    DENSE_SHARE,
    "82.8%: the flattened feature map is smaller than with 224 pixels, but the second dense layer is not.",
)(is_close(17_874_954 / 21_598_922, abs_tol=0.005))

check_3 = exercise(
    3,
    "five convolutions and three pooling layers, each with (kernel, stride), starting at the input.",
    "Nearly the whole image of 224 pixels.",
)(equals(195))
