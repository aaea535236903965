"""Checks for the exercises of lesson 01, convolution."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from gluon_cnn.course.answers import WrongAnswer, judge, result_of
from gluon_cnn.layers.convolution import conv_output_size, corr2d, receptive_field
from mxnet import nd


def check_1(answer: int | None) -> None:
    """Judge the size behind two layers with strides."""
    first = conv_output_size(224, 11, stride=4)
    assert isinstance(first, int)
    expected = conv_output_size(first, 3, stride=2)
    judge(
        1,
        answer,
        lambda value: value == expected,
        "floor((224 - 11) / 4) + 1 rows leave the first layer; put them into the formula again.",
        f"224 -> {first} -> {expected}. (The paper on AlexNet has 55 and 27, as if there were padding.)",
    )


def check_2(answer: int | None) -> None:
    """Judge the receptive field behind LeNet's convolutions and poolings."""
    expected = receptive_field([(5, 1), (2, 2), (3, 1), (2, 2)])
    judge(
        2,
        answer,
        lambda value: value == expected,
        "start with 1 and add (k - 1) times the product of all strides before this layer: 4, then 1, then ...",
        "1 + 4 + 1 + 2*2 + 1*2: twelve of LeNet's 28 pixels.",
    )


def check_3(answer: Callable[[nd.NDArray, nd.NDArray], nd.NDArray] | None) -> None:
    """Judge a function that should convolve in the sense of mathematics."""

    def is_right(convolve2d: Callable) -> bool:
        rng = np.random.RandomState(0)
        X, K = rng.randn(5, 6), rng.randn(2, 3)
        places = [(i, j) for i in range(4) for j in range(4)]
        expected = [sum(K[a, b] * X[i + 1 - a, j + 2 - b] for a in range(2) for b in range(3)) for i, j in places]
        result = result_of(convolve2d, nd.array(X), nd.array(K))
        if result.shape != (4, 4):
            raise WrongAnswer(f"a 5x6 picture and a 2x3 kernel gave shape {result.shape} instead of (4, 4)")
        if np.allclose(result.asnumpy(), corr2d(nd.array(X), nd.array(K)).asnumpy()):
            raise WrongAnswer("this is the cross-correlation, the kernel was not turned")
        return np.allclose(result.asnumpy().ravel(), expected, atol=1e-5)

    judge(
        3,
        answer,
        is_right,
        "nd.flip(K, axis=(0, 1)) reverses rows and columns.",
        "In this form the order does not matter: convolving with A, then with B is convolving with A convolved with B.",
    )


def check_4(answer: nd.NDArray | None) -> None:
    """Judge a kernel that should answer to horizontal edges only."""

    def is_right(kernel: nd.NDArray) -> bool:
        kernel = nd.array(kernel)
        if kernel.shape != (3, 3):
            raise WrongAnswer(f"the kernel has shape {kernel.shape} instead of (3, 3)")
        area, above = nd.ones((6, 6)), nd.ones((6, 6))
        above[3:] = 0
        if nd.abs(corr2d(area, kernel)).max().asscalar() > 1e-5:
            raise WrongAnswer("it answers to an even area: its weights should add up to 0")
        if any(nd.abs(corr2d(edge, kernel)).max().asscalar() > 1e-5 for edge in (above.T, 1 - above.T)):
            raise WrongAnswer("it answers to a vertical edge: the weights of each column should add up to 0")
        return corr2d(above, kernel).min().asscalar() > -1e-5 and corr2d(above, kernel).max().asscalar() > 1e-5

    judge(
        4,
        answer,
        is_right,
        "what is above counts positive, what is below negative.",
        "With 1, 2, 1 instead of 1, 1, 1 it is the kernel of Sobel, which listens most to the middle.",
    )
