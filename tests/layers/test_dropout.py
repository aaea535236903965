"""Dropout by hand: values, expectations and gradients, and Gluon's own layer."""

import gluon_cnn as g
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mxnet import autograd, nd
from mxnet.gluon import nn

from tests.judge import assert_close

MODES = ("upscale_in_train", "downscale_in_infer")


shapes = st.lists(st.integers(1, 6), min_size=1, max_size=4).map(tuple)


@given(shapes, st.floats(0, 0.95), st.sampled_from([*MODES, "Gluon's"]), st.integers(0, 1000))
def test_kept_values_are_scaled_as_the_mode_says_and_gradients_alike(shape, p, mode, seed):
    """Against NumPy in float64, which is told by the output which values were kept; Gluon's layer likewise."""
    if mode == "Gluon's":
        p = round(p, 6)  # it cannot read numbers below the smallest of 32 bits
    g.seed(seed)
    rng = np.random.RandomState(seed)
    X, weights = rng.uniform(0.5, 1, shape), rng.randn(*shape)
    x = nd.array(X)
    x.attach_grad()
    with autograd.record():
        y = nn.Dropout(p)(x) if mode == "Gluon's" else g.dropout(x, p, mode=mode)
    y.backward(nd.array(weights))
    kept = y.asnumpy() != 0
    factor = kept * (1 if mode == "downscale_in_infer" else 1 / (1 - p))
    assert_close(y, X * factor, 1e-5)
    assert_close(x.grad, weights * factor, 1e-4)


@pytest.mark.parametrize("p", [0.1, 0.5, 0.8])
@pytest.mark.parametrize("mode", MODES)
def test_training_and_prediction_agree_in_the_mean(p, mode):
    X = nd.ones((400, 500))
    trained = g.dropout(X, p, mode=mode).asnumpy()
    # 200,000 draws: the mean is within five standard errors
    dropped = (trained == 0).mean()
    assert abs(dropped - p) < 5 * np.sqrt(p * (1 - p) / trained.size)
    predicted = g.dropout(X, p, is_training=False, mode=mode).asnumpy()
    assert abs(trained.mean() - predicted.mean()) < 0.02
    np.testing.assert_allclose(predicted, 1 if mode == "upscale_in_train" else 1 - p, rtol=1e-6)


@pytest.mark.parametrize("mode", MODES)
def test_the_two_ends(mode):
    X = nd.random.normal(shape=(3, 4))
    np.testing.assert_array_equal(g.dropout(X, 0, mode=mode).asnumpy(), X.asnumpy())
    assert not g.dropout(X, 1, mode=mode).asnumpy().any()


def test_the_seed_fixes_the_mask():
    def draw():
        g.seed(1)
        return g.dropout(nd.ones((5, 5)), 0.5).asnumpy().tolist()

    assert draw() == draw()
