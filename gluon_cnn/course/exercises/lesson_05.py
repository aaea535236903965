"""Checks for the exercises of lesson 05, LeNet."""

import numpy as np
from gluon_cnn._core.checks import as_numpy
from gluon_cnn.course.answers import DENSE_SHARE, IncorrectAnswer, agrees_with, equals, exercise, is_close, random_array
from gluon_cnn.course.parameters import initialize_rest, restored
from mxnet import nd

LENET_5 = ((6, 1, 5, 5), (6,), (16, 6, 5, 5), (16,), (120, 400), (120,), (84, 120), (84,), (10, 84), (10,))

check_1 = exercise(
    1,
    "follow the side length: minus 4, half, minus 2, half; the last feature map has 50 channels.",
    "32 -> 28 -> 14 -> 12 -> 6, so 50 * 6 * 6 = 1800.",
)(equals(50 * 6 * 6))

check_2 = exercise(
    2,
    DENSE_SHARE,
    "94.4% of the weights, but the convolutions do most of the computation.",
)(is_close(161_418 / 170_988, abs_tol=0.005))


def lenet_5(X, weights, activation=nd.sigmoid, pooling="avg"):
    """Return what LeNet-5 computes with these ten arrays; its second convolution sees all six channels."""
    for weight, bias, padding in ((*weights[:2], 2), (*weights[2:4], 0)):
        kernel = weight.shape[2:]
        X = nd.Convolution(X, weight, bias, kernel=kernel, pad=(padding, padding), num_filter=len(bias))
        X = nd.Pooling(activation(X), kernel=(2, 2), stride=(2, 2), pool_type=pooling)
    for weight, bias in zip(weights[4:8:2], weights[5:9:2]):
        X = activation(nd.FullyConnected(X, weight, bias, num_hidden=len(bias)))
    return nd.FullyConnected(X, *weights[8:], num_hidden=10)


MISTAKES = {
    "its activations are missing": {"activation": nd.identity},
    "its activation is not the sigmoid": {"activation": nd.relu},
    "its pooling takes the maximum, not the mean": {"pooling": "max"},
}


@exercise(
    3,
    "seven layers: conv 6 (5x5, padding 2), pool, conv 16 (5x5), pool, dense 120, 84 and 10; sigmoid after each "
    "layer with weights but the last.",
    "61,706 parameters, about a third as many as in the notes' version.",
)
def check_3(net):
    """Check a network by its output for random weights; its own weights are restored."""
    initialize_rest(net)
    parameters = list(net.collect_params().values())
    if not parameters:
        raise IncorrectAnswer("it has no layer with weights")
    X = random_array(2, 1, 28, 28).as_in_context(parameters[0].list_ctx()[0]).astype(parameters[0].dtype)
    net(X)  # the shapes are known from here on
    shapes = tuple(parameter.shape for parameter in parameters)
    for number, (shape, expected) in enumerate(zip(shapes, LENET_5)):
        if shape != expected:
            layer = f"layer {number // 2 + 1} of those with weights"
            if len(expected) == 1 < len(shape):
                raise IncorrectAnswer(f"{layer} has no bias")
            raise IncorrectAnswer(f"{layer} has a {'bias' if number % 2 else 'weight'} of {shape}, not {expected}")
    if len(shapes) != len(LENET_5):
        raise IncorrectAnswer(
            f"it has {len(shapes)} arrays of parameters; LeNet-5 has 5 layers with a weight and a bias"
        )
    rng = np.random.RandomState(0)
    with restored(parameters):
        for parameter in parameters:
            values = rng.randn(*parameter.shape)
            parameter.set_data(nd.array(values if values.ndim == 1 else 3 * values / np.sqrt(values[0].size)))
        weights = [parameter.data(X.context) for parameter in parameters]
        result = net(X).asnumpy()

        def agrees(**variant) -> bool:
            expected = lenet_5(X, weights, **variant).asnumpy()
            return result.shape == expected.shape and np.allclose(result, expected, atol=1e-4)

        if agrees():
            return True
        for reason, variant in MISTAKES.items():
            if agrees(**variant):
                raise IncorrectAnswer(reason)
    raise IncorrectAnswer("its weights have the right shapes, but it computes something else")


move = agrees_with(
    lambda X, pixels: np.pad(X.asnumpy(), ((0, 0), (0, 0), (0, 0), (pixels, 0)))[..., : X.shape[3]],
    *((random_array(2, 1, 5, 6), pixels) for pixels in (1, 3)),
)


@exercise(
    4,
    "start from nd.zeros_like(X), then copy all but the last columns of X into all but its first, and return it.",
    "Now you can ask how far images may move before the network errs.",
)
def check_4(shift):
    """Check a function that should shift images; check a shift of 0, where slices can be empty, separately."""
    if not move(shift):
        return False
    X = random_array(2, 1, 5, 6)
    raised = ""
    try:
        unchanged = np.array_equal(as_numpy(shift(X.copy(), 0)), X.asnumpy())
    except Exception as error:  # MXNet's errors about empty arrays say little
        unchanged, raised = False, f"; it raised {type(error).__name__}, perhaps for an empty slice"
    if not unchanged:
        raise IncorrectAnswer(f"with pixels = 0 the images should stay as they are{raised}")
    return True
