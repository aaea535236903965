"""The learning-rate range test, where the largest usable rate is known, and on LeNet."""

import gluon_cnn as g
import mxnet as mx
import numpy as np
import pytest
from gluon_cnn.training.learning_rate import find_learning_rate
from mxnet import gluon, init, nd

LOSS = gluon.loss.SoftmaxCrossEntropyLoss()


def squares(output, y):
    return ((output - y.one_hot(output.shape[1])) ** 2).sum(axis=1) / 2


def test_gradient_descent_on_squares_diverges_beyond_two_over_the_largest_curvature():
    """By the theory of gradient descent; the curvatures are the eigenvalues of the inputs' second moments."""
    for scale in (0.1, 1, 10):
        X = scale * np.random.RandomState(0).randn(64, 5).astype(np.float32)
        limit = 2 / np.linalg.eigvalsh(X.T @ X / len(X)).max()
        net = gluon.nn.Dense(2, use_bias=False, in_units=5)
        net.initialize()
        found = find_learning_rate([(nd.array(X), nd.arange(64) % 2)], net, squares, lowest=1e-6, highest=1e4)
        assert limit / 100 < found.suggestion < limit


def lenet():
    g.seed(0)
    net = g.LeNet()
    net.initialize(init.Xavier())
    net.hybridize()
    return net


@pytest.mark.parametrize(("optimizer", "usual"), [("sgd", 0.05), ("adam", 0.003)])
def test_the_suggestion_is_of_the_usual_size_and_the_network_is_left_as_it_is(optimizer, usual):
    train, test = g.load_data("sample", 64)
    net = lenet()
    net(next(iter(train))[0])
    before = {name: p.data().asnumpy() for name, p in net.collect_params().items()}
    suggestion = find_learning_rate(train, net, LOSS, optimizer).suggestion
    for name, array in before.items():
        np.testing.assert_array_equal(net.collect_params()[name].data().asnumpy(), array)
    assert usual / 4 < suggestion < usual * 4
    accuracies = []
    for rate in (suggestion / 100, suggestion):
        net = lenet()
        trainer = gluon.Trainer(net.collect_params(), optimizer, {"learning_rate": rate})
        accuracies += g.train(train, test, net, LOSS, trainer, mx.cpu(), 1, verbose=False).test_accuracy
    assert accuracies[1] > accuracies[0] + 0.2


def test_a_new_network_and_a_plot(tmp_path):
    found = find_learning_rate(g.load_data("sample", 64)[0], lenet(), LOSS, steps=20)
    assert len(found.rates) == len(found.losses) <= 20
    found.plot(tmp_path / "rates.png")
    assert (tmp_path / "rates.png").stat().st_size > 5000


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (dict(train_data=[]), "train_data yielded no batches"),
        (
            dict(train_data=iter([(nd.zeros((2, 3)), nd.array([0, 1]))])),
            "yielded no batches: pass something that can be",
        ),
        (dict(train_data=[(nd.zeros((2, 3)) * np.nan, nd.array([0, 1]))]), "NaN"),
        (dict(lowest=0), "lowest must be above 0"),
        (dict(lowest=1, highest=0.1), "lowest must be above 0 and below highest; got 1.0 and 0.1"),
        (dict(steps=1), "steps must be at least 2"),
    ],
)
def test_wrong_arguments(arguments, words):
    net = gluon.nn.Dense(2)
    net.initialize()
    data = [(nd.zeros((2, 3)), nd.array([0, 1]))]
    with pytest.raises(ValueError, match=words):
        find_learning_rate(**{"train_data": data, "net": net, "loss": LOSS, **arguments})
