"""Checks for the exercises of lesson 03, batch normalization."""

import numpy as np
from gluon_cnn.course.answers import WrongAnswer, computes, exercise, expect_shape, numbers
from gluon_cnn.layers.normalization import BatchNorm, pure_batch_norm
from mxnet import nd
from mxnet.gluon import nn

ONES, ZEROS = nd.ones(7), nd.zeros(7)

check_1 = exercise(
    1,
    "each channel has a scale, a shift, a moving mean and a moving variance; two of the four get gradients.",
    "The height and width of the feature maps do not matter.",
)(lambda answer: isinstance(answer, (tuple, list)) and tuple(answer) == (4 * 64, 2 * 64))

check_2 = exercise(
    2,
    "X.mean(axis=1, keepdims=True) is the mean of each sample; the variance likewise, eps is 1e-5.",
    "It treats each sample alone, so training and prediction are the same and a batch of one is no problem.",
)(
    computes(
        lambda X: nd.LayerNorm(X, ONES, ZEROS),
        (3 * numbers(4, 7) + 2,),
        mistakes={"this is batch norm: it normalizes each column": lambda X: pure_batch_norm(X, ONES, ZEROS)},
    )
)

check_3 = exercise(
    3,
    "add 100 to each of them in turn: which of the two does the subtraction of the mean take away again?",
    "The mean rises by as much, and is subtracted; beta does its work. So use_bias=False is common there.",
)(lambda answer: str(answer).strip().lower() in ("bias", "the bias", "conv.bias", "b"))


@exercise(
    4,
    "with scale = gamma / sqrt(running_var + 1e-5), prediction computes scale * (conv - running_mean) + beta; "
    "scale has one number for each output channel, weight.shape[0].",
    "This is how networks are made faster for prediction: the layer disappears.",
)
def check_4(fold):
    """Judge a function that should put a trained batch norm into the convolution before it."""
    rng = np.random.RandomState(0)
    conv, norm = nn.Conv2D(5, 3, in_channels=2), BatchNorm(in_channels=5)
    for parameter in (*conv.params.values(), *norm.params.values()):
        parameter.initialize()
        parameter.set_data(nd.array(rng.uniform(0.5, 2, parameter.shape)))
    X = numbers(2, 2, 6, 6)
    parameters = (conv.weight, conv.bias, norm.gamma, norm.beta, norm.running_mean, norm.running_var)
    pair = fold(*(p.data() for p in parameters))
    if not isinstance(pair, (tuple, list)) or not all(isinstance(array, nd.NDArray) for array in pair):
        raise WrongAnswer("it should return two NDArrays, the weight and the bias")
    weight, bias = pair
    expect_shape(weight, (5, 2, 3, 3), "the weight")
    expect_shape(bias, (5,), "the bias")
    result = nd.Convolution(X, weight, bias, kernel=(3, 3), num_filter=5)
    return np.allclose(result.asnumpy(), norm(conv(X)).asnumpy(), rtol=1e-3, atol=1e-3)
