"""Checks for the exercises of lesson 00, which introduce the checks."""

from gluon_cnn.course.answers import agrees_with, equals, exercise, random_array

check_1 = exercise(
    1,
    "all four sizes in X.shape count: images, channels, rows, columns.",
    "64 * 1 * 28 * 28 = 50,176, with 32 bits each.",
)(equals(64 * 1 * 28 * 28))

check_2 = exercise(
    2,
    "X.mean(axis=...) takes the mean over the axes that you name: here, all but the first.",
    "One number per image: its brightness.",
)(agrees_with(lambda X: X.mean(axis=0, exclude=True), (random_array(2, 3, 4, 5),)))
