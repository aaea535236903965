"""Checks for the exercises of lesson 03, batch normalization."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from gluon_cnn.course.answers import WrongAnswer, judge, result_of
from gluon_cnn.layers.normalization import BatchNorm
from mxnet import nd
from mxnet.gluon import nn


def check_1(answer: tuple[int, int] | None) -> None:
    """Judge how many numbers a batch norm holds, and how many of them are trained."""
    block = BatchNorm(in_channels=64)
    sizes = {name: int(np.prod(p.shape)) for name, p in block.params.items()}
    trained = sum(int(np.prod(p.shape)) for p in block.params.values() if p.grad_req != "null")
    expected = sum(sizes.values()), trained
    judge(
        1,
        answer,
        lambda value: isinstance(value, (tuple, list)) and tuple(value) == expected,
        "each channel has a scale, a shift, a moving mean and a moving variance; two of the four get gradients.",
        "The height and width of the maps do not matter.",
    )


def check_2(answer: Callable[[nd.NDArray], nd.NDArray] | None) -> None:
    """Judge layer norm for vectors."""

    def is_right(layer_norm: Callable) -> bool:
        X = np.random.RandomState(0).randn(4, 7) * 3 + 2
        result = result_of(layer_norm, nd.array(X))
        if result.shape != X.shape:
            raise WrongAnswer(f"{X.shape} became {result.shape}")
        by_column = (X - X.mean(axis=0)) / np.sqrt(X.var(axis=0) + 1e-5)
        if np.allclose(result.asnumpy(), by_column, atol=1e-4):
            raise WrongAnswer("this is batch norm: mean and variance are those of a column")
        right = (X - X.mean(axis=1, keepdims=True)) / np.sqrt(X.var(axis=1, keepdims=True) + 1e-5)
        return np.allclose(result.asnumpy(), right, atol=1e-4)

    judge(
        2,
        answer,
        is_right,
        "X.mean(axis=1, keepdims=True) is the mean of each sample; the variance likewise, eps is 1e-5.",
        "It treats each sample alone, so training and prediction are the same and a batch of one is no problem.",
    )


def check_3(answer: str | None) -> None:
    """Judge which parameter of a convolution is of no use in front of batch norm."""
    judge(
        3,
        answer,
        lambda value: str(value).strip().lower() in ("bias", "the bias", "conv.bias", "b"),
        "add 100 to each of them in turn: which of the two does the subtraction of the mean take away again?",
        "The mean rises by as much, and is subtracted; beta does its work. So use_bias=False is common there.",
    )


def check_4(answer: Callable | None) -> None:
    """Judge a function that should put a trained batch norm into the convolution before it."""

    def is_right(fold: Callable) -> bool:
        rng = np.random.RandomState(0)
        conv, norm = nn.Conv2D(5, 3, in_channels=2), BatchNorm(in_channels=5)
        for parameter in (*conv.params.values(), *norm.params.values()):
            parameter.initialize()
            parameter.set_data(nd.array(rng.uniform(0.5, 2, parameter.shape)))
        X = nd.array(rng.randn(2, 2, 6, 6))
        arrays = [
            p.data() for p in (conv.weight, conv.bias, norm.gamma, norm.beta, norm.running_mean, norm.running_var)
        ]
        pair = fold(*arrays)
        if not isinstance(pair, (tuple, list)) or not all(isinstance(array, nd.NDArray) for array in pair):
            raise WrongAnswer("it should return two NDArrays, the weight and the bias")
        weight, bias = pair
        for name, array, shape in (("weight", weight, (5, 2, 3, 3)), ("bias", bias, (5,))):
            if array.shape != shape:
                raise WrongAnswer(f"the {name} has shape {array.shape} instead of {shape}")
        result = nd.Convolution(X, weight, bias, kernel=(3, 3), num_filter=5)
        return np.allclose(result.asnumpy(), norm(conv(X)).asnumpy(), rtol=1e-3, atol=1e-3)

    judge(
        4,
        answer,
        is_right,
        "with scale = gamma / sqrt(running_var + 1e-5), prediction computes scale * (conv - running_mean) + beta; "
        "scale has one number for each output channel, weight.shape[0].",
        "This is how networks are made faster for prediction: the layer disappears.",
    )
