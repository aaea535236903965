"""Checks for the exercises of lesson 03, batch normalization."""

import re

import numpy as np
from gluon_cnn._core.checks import as_numpy
from gluon_cnn.course.answers import IncorrectAnswer, agrees_with, exercise, expect_shape, is_sequence, random_array
from gluon_cnn.layers.normalization import BatchNorm
from mxnet import nd
from mxnet.gluon import nn


def standardized(axis=1, ddof=0, eps=1e-5, outside=0.0):
    """Return a function of X, (N, K), that normalizes along an axis; by default, layer norm."""

    def normalize(X):
        values = X.asnumpy().astype(np.float64)
        deviation = np.sqrt(values.var(axis=axis, ddof=ddof, keepdims=True) + eps) + outside
        return (values - values.mean(axis=axis, keepdims=True)) / deviation

    return normalize


check_1 = exercise(
    1,
    "each channel has a scale, a shift, a moving mean and a moving variance; two of the four get gradients.",
    "The height and width of the feature maps do not matter.",
)(is_sequence(4 * 64, 2 * 64))

check_2 = exercise(
    2,
    "X.mean(axis=1, keepdims=True) is the mean of each sample; the variance is found likewise; eps is 1e-5.",
    "It normalizes each sample on its own, so training and prediction are the same and a batch of one is no problem.",
)(
    agrees_with(
        standardized(),
        (3 * random_array(4, 7) + 2,),
        (0.004 * random_array(5, 6),),  # variances of the size of eps
        mistakes={
            "this is batch norm: it normalizes each column": standardized(axis=0),
            "the variance divides by K, not by K - 1": standardized(ddof=1),
            "eps is missing": standardized(eps=0),
            "eps belongs inside the square root, added to the variance": standardized(eps=0, outside=1e-5),
        },
    )
)

check_3 = exercise(
    3,
    "add 100 to each of them in turn: which of the two changes does the subtraction of the mean undo?",
    "The mean rises by as much and is subtracted; beta takes the bias's place. So use_bias=False is common before "
    "batch norm.",
)(lambda answer: re.findall(r"weight|biases|bias|\bb\b", str(answer).lower()) in (["bias"], ["biases"], ["b"]))


@exercise(
    4,
    "with scale = gamma / sqrt(running_var + 1e-5), prediction computes scale * (conv - running_mean) + beta; "
    "scale has one number for each output channel, weight.shape[0].",
    "This is how networks are made faster for prediction: the layer disappears.",
)
def check_4(fold):
    """Check a function that should fold a trained batch norm into the convolution before it."""
    rng = np.random.RandomState(0)
    conv, norm = nn.Conv2D(5, 3, in_channels=2), BatchNorm(in_channels=5)
    for parameter in (*conv.params.values(), *norm.params.values()):
        parameter.initialize()
        parameter.set_data(nd.array(rng.uniform(0.5, 2, parameter.shape)))
    norm.running_var.set_data(nd.array([1e-3, 0.5, 1, 1.5, 2]))  # in the first channel, eps is 1% of the variance
    X = random_array(2, 2, 6, 6)
    expected = norm(conv(X)).asnumpy()
    weight, bias, gamma, beta, mean, variance = (
        p.data().copy() for p in (conv.weight, conv.bias, norm.gamma, norm.beta, norm.running_mean, norm.running_var)
    )
    pair = fold(weight.copy(), bias.copy(), gamma.copy(), beta.copy(), mean.copy(), variance.copy())
    if not isinstance(pair, (tuple, list)) or not all(isinstance(array, (nd.NDArray, np.ndarray)) for array in pair):
        raise IncorrectAnswer("it should return two arrays, the weight and the bias")
    folded, shift = (nd.array(as_numpy(array), dtype="float32") for array in pair)
    expect_shape(folded, (5, 2, 3, 3), "the weight")
    expect_shape(shift, (5,), "the bias")
    found = nd.Convolution(X, folded, shift, kernel=(3, 3), num_filter=5).asnumpy()
    errors, sizes = (np.abs(values).max(axis=(0, 2, 3)) for values in (found - expected, expected))
    if (errors < 1e-3 * sizes).all():
        return True
    without_eps = weight * (gamma / variance.sqrt()).reshape((-1, 1, 1, 1))
    if np.allclose(folded.asnumpy(), without_eps.asnumpy(), rtol=1e-4):
        raise IncorrectAnswer("eps is missing")
    return False
