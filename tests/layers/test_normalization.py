"""Batch normalization by hand against Gluon's own, with float64 NumPy as the judge."""

import gluon_cnn as g
import mxnet as mx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mxnet import autograd, gluon, nd
from mxnet.gluon import nn

from tests.judge import assert_close, normalize, normalize_terms

shapes = st.one_of(
    st.tuples(st.integers(3, 9), st.integers(1, 5)),
    st.tuples(st.integers(2, 5), st.integers(1, 4), st.integers(2, 7)),
    st.tuples(st.integers(2, 4), st.integers(1, 4), st.integers(2, 5), st.integers(2, 5)),
)


def random_input(shape, seed):
    rng = np.random.RandomState(seed)
    c = shape[1]
    return rng.randn(*shape) * 2 + 1, rng.rand(c) + 0.5, rng.randn(c), rng.randn(*shape)


@given(shapes, st.integers(0, 1000))
def test_the_formula_with_gradients(shape, seed):
    X, gamma, beta, weights = random_input(shape, seed)
    inputs = [nd.array(a) for a in (X, gamma, beta)]
    for array in inputs:
        array.attach_grad()
    with autograd.record():
        y = g.pure_batch_norm(*inputs)
    y.backward(nd.array(weights))
    expected, _, _, *gradients = normalize(X, gamma, beta, 1e-5, weights)
    assert_close(y, expected, 1e-5)
    for array, gradient, terms in zip(inputs, gradients, normalize_terms(X, gamma, 1e-5, weights)):
        assert_close(array.grad, gradient, 1e-4, terms)


@settings(max_examples=max(40, settings().max_examples // 3))
@given(shapes, st.integers(0, 1000), st.sampled_from([0.9, 0.5]), st.sampled_from([1e-5, 1e-3]))
def test_the_block_equals_gluons_and_numpys(shape, seed, momentum, epsilon):
    X, gamma, beta, weights = random_input(shape, seed)
    expected, mean, variance, dX, dgamma, dbeta = normalize(X, gamma, beta, epsilon, weights)
    terms = normalize_terms(X, gamma, epsilon, weights)
    moved_mean, moved_variance = (1 - momentum) * mean, momentum + (1 - momentum) * variance
    hybrid = g.BatchNorm(momentum, epsilon)
    hybrid.hybridize()
    for block in (g.BatchNorm(momentum, epsilon), hybrid, nn.BatchNorm(momentum=momentum, epsilon=epsilon)):
        block.initialize()
        x = nd.array(X)
        block(x)  # outside of record: predicts, and moves nothing
        block.gamma.set_data(nd.array(gamma))
        block.beta.set_data(nd.array(beta))
        x.attach_grad()
        with autograd.record():
            y = block(x)
        y.backward(nd.array(weights))
        assert_close(y, expected, 1e-5)
        assert_close(x.grad, dX, 1e-4, terms[0])
        assert_close(block.gamma.grad(), dgamma, 1e-4, terms[1])
        assert_close(block.beta.grad(), dbeta, 1e-4, terms[2])
        assert_close(block.running_mean.data(), moved_mean, 1e-5)
        assert_close(block.running_var.data(), moved_variance, 1e-5)
        with autograd.record(train_mode=False):
            predicted = block(x)
        predicted.backward(nd.array(weights), train_mode=False)
        column = (1, -1) + (1,) * (len(shape) - 2)
        scale = (gamma / np.sqrt(moved_variance + epsilon)).reshape(column)
        assert_close(predicted, (X - moved_mean.reshape(column)) * scale + beta.reshape(column), 1e-5)
        assert_close(x.grad, weights * scale, 1e-4)
        assert_close(block.running_mean.data(), moved_mean, 1e-5)


def test_the_averages_move_in_place_and_only_in_training():
    X = nd.random.normal(shape=(8, 3))
    mean, variance = nd.zeros(3), nd.ones(3)
    same_mean = mean
    g.batch_norm(X, nd.ones(3), nd.zeros(3), False, mean, variance)
    assert mean.asnumpy().tolist() == [0, 0, 0]
    g.batch_norm(X, nd.ones(3), nd.zeros(3), True, mean, variance)
    np.testing.assert_allclose(same_mean.asnumpy(), 0.1 * X.asnumpy().mean(0), rtol=1e-5)
    np.testing.assert_allclose(variance.asnumpy(), 0.9 + 0.1 * X.asnumpy().var(0), rtol=1e-5)


def trained_block():
    block = g.BatchNorm()
    block.initialize()
    with autograd.record():
        block(nd.random.normal(1, 2, shape=(6, 3, 4, 4))).backward()
    return block


def test_averages_survive_a_trainer_saving_casting_and_moving(tmp_path):
    block = trained_block()
    mean = block.running_mean.data().asnumpy()
    assert np.abs(mean).min() > 0
    gluon.Trainer(block.collect_params(), "sgd", {"learning_rate": 1.0, "wd": 0.5}).step(1)
    np.testing.assert_array_equal(block.running_mean.data().asnumpy(), mean)
    block.save_parameters(str(tmp_path / "bn.params"))
    for other in (g.BatchNorm(), g.BatchNorm(in_channels=3)):
        other.load_parameters(str(tmp_path / "bn.params"))
        np.testing.assert_array_equal(other.running_mean.data().asnumpy(), mean)
    block.cast("float64")
    assert block(nd.ones((2, 3, 4, 4), dtype="float64")).dtype == np.float64
    np.testing.assert_array_equal(block.running_mean.data().asnumpy(), mean)
    block.collect_params().reset_ctx([mx.cpu(1)])
    np.testing.assert_array_equal(block.running_mean.data(mx.cpu(1)).asnumpy(), mean)


def in_training(block, x):
    with autograd.record():
        y = block(x)
    y.backward()
    return [array.asnumpy() for array in (y, block.running_mean.data(), block.running_var.data())]


@pytest.mark.parametrize("shape", [(1, 3), (1, 3, 1, 1), (1, 3, 2, 2)], ids=str)
def test_a_batch_of_one(shape):
    x = nd.random.normal(2, 3, shape=shape)
    hybrid = g.BatchNorm()
    hybrid.hybridize()
    found = []
    for block in (g.BatchNorm(), hybrid, nn.BatchNorm()):
        block.initialize()
        found.append(in_training(block, x))
    for mine, hybrids, gluons in zip(*found):
        np.testing.assert_allclose(mine, gluons, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(hybrids, gluons, rtol=1e-5, atol=1e-5)
    if x.size == 3:  # one value per channel: it is its own mean
        assert not found[0][0].any()


def test_on_two_contexts():
    block = g.BatchNorm()
    block.initialize(ctx=[mx.cpu(0), mx.cpu(1)])
    for hybridize in (False, True):
        block.hybridize(hybridize)
        for context in (mx.cpu(0), mx.cpu(1)):
            assert block(nd.ones((2, 3), ctx=context)).context == context


@pytest.mark.parametrize("hybridize", [False, True])
@pytest.mark.parametrize(("center", "scale"), [(False, True), (True, False), (False, False)])
def test_without_shift_or_scale_as_gluon(center, scale, hybridize):
    blocks = g.BatchNorm(center=center, scale=scale), nn.BatchNorm(center=center, scale=scale)
    X, results = nd.random.normal(shape=(4, 3, 5)), []
    X.attach_grad()  # without shift and scale, nothing else has a gradient
    for block in blocks:
        block.initialize()
        block.hybridize(hybridize)
        trainer = gluon.Trainer(block.collect_params(), "sgd", {"learning_rate": 0.1})
        for _ in range(3):
            with autograd.record():
                loss = (block(X) * nd.arange(5)).square()
            loss.backward()
            trainer.step(1)
        results.append([p.data().asnumpy() for p in (block.gamma, block.beta, block.running_mean, block.running_var)])
    for ours, theirs in zip(*results):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)
    assert (results[0][0] == 1).all() != scale
    assert (results[0][1] == 0).all() != center
