"""Checks for the exercises of lesson 00, which introduce the checks."""

from gluon_cnn.course.answers import agrees_with, equals, exercise, random_array
from mxnet import autograd, nd

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


def slope(f, x):
    x.attach_grad()
    with autograd.record():
        y = f(x)
    y.backward()
    return x.grad


check_3 = exercise(
    3,
    "x.attach_grad() first; then y = f(x) inside autograd.record(), and y.backward() fills x.grad.",
    "This works for any function composed of MXNet's operations, and it is how networks learn.",
)(
    agrees_with(
        slope,
        (nd.square, random_array(2, 3)),
        (lambda x: x**3 - 2 * nd.sin(x), random_array(5)),
        mistakes={"this is f(x), not its derivative": lambda f, x: f(x)},
    )
)
