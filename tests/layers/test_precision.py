"""Layers by hand in float16: as exact as float16 can be, whatever the size; float32 and float64 as before."""

import gluon_cnn as g
import numpy as np
import pytest
from mxnet import autograd, nd
from mxnet.gluon import nn

from tests.judge import correlate, normalize, pool

STEP, SMALLEST = 2.0**-11, 2.0**-24  # of float16: what a number is off by, of its own size and at least


def half(array):
    return nd.array(array, dtype="float16")


def exactly(array):
    """Return what float16 keeps of an array, in float64: what the judge gets is what our functions get."""
    return np.asarray(array).astype(np.float16).astype(np.float64)


def assert_as_exact_as_float16(got, expected):
    assert got.dtype == np.float16
    got = got.asnumpy().astype(np.float64)
    assert np.isfinite(got).all()
    assert np.abs(got - expected).max() <= 2 * STEP * np.abs(expected).max() + SMALLEST


SHAPES = [(64, 3, 32, 32), (4096, 3), (2, 3, 200, 200)]
SIZES = [(0, 1), (100, 1), (0, 300), (0, 0.003), (2000, 500), (30000, 8000)]  # mean and deviation


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(("middle", "spread"), SIZES)
def test_batch_norm(shape, middle, spread):  # 26b (mxnet#9916)
    rng = np.random.RandomState(0)
    X, gamma, beta = exactly(rng.normal(middle, spread, shape)), exactly([1, 2, 0.5]), exactly([0, 1, -3])
    weights = exactly(rng.uniform(-1, 1, shape))
    expected, mean, variance, dX, dgamma, dbeta = normalize(X, gamma, beta, 1e-5, weights)
    arrays = [half(array) for array in (X, gamma, beta)]
    for array in arrays:
        array.attach_grad()
    with autograd.record():
        y = g.pure_batch_norm(*arrays)
    y.backward(half(weights))
    assert_as_exact_as_float16(y, expected)
    for array, gradient in zip(arrays, (dX, dgamma, dbeta)):
        assert_as_exact_as_float16(array.grad, gradient)
    for kind in ("float16", "float32"):
        averages = nd.zeros(3, dtype=kind), nd.ones(3, dtype=kind)
        y = g.batch_norm(arrays[0], *(array.astype(kind) for array in arrays[1:]), True, *averages)
        assert_as_exact_as_float16(y, expected)
        if kind == "float32" or variance.max() < 6e5:
            np.testing.assert_allclose(averages[0].asnumpy(), 0.1 * mean, rtol=1e-3, atol=1e-3 * spread)
            np.testing.assert_allclose(averages[1].asnumpy(), 0.9 + 0.1 * variance, rtol=1e-3)
        predicted = g.batch_norm(arrays[0] * 0, *arrays[1:], False, half([0, 1, 2]), half([1, 4, 9]))
        assert_as_exact_as_float16(predicted[0].reshape(3, -1)[:, 0], beta - gamma * [0, 1 / 2, 2 / 3])


@pytest.mark.parametrize("hybridize", [False, True], ids=["step by step", "hybridized"])
def test_the_block_does_what_gluons_does(hybridize):
    rng = np.random.RandomState(0)
    X = half(rng.normal(5, 2, (64, 3, 32, 32)))
    weights = X / 5  # so that the terms of gamma's gradient do not cancel
    found = []
    for block in (g.BatchNorm(), nn.BatchNorm()):
        block.initialize()
        block.cast("float16")
        if hybridize:
            block.hybridize()
        x = X.copy()
        x.attach_grad()
        with autograd.record():
            y = block(x)
        y.backward(weights)
        assert y.dtype == x.grad.dtype == np.float16
        parameters = [block.running_mean.data(), block.running_var.data(), block.gamma.grad(), block.beta.grad()]
        assert {parameter.dtype for parameter in parameters} == {np.float32}
        found.append([array.asnumpy().astype(np.float64) for array in (y, block(X), *parameters)])
    for mine, gluons in zip(*found):
        np.testing.assert_allclose(mine, gluons, rtol=2e-3, atol=2e-3 * np.abs(gluons).max())
    block = g.BatchNorm()
    block.initialize()
    for kind in ("float16", "float64", "float32"):
        block.cast(kind)
        assert block(X.astype(kind)).dtype == np.dtype(kind)
    with pytest.raises(TypeError, match="BatchNorm computes in float32; got float16"):
        block(X)


def test_a_sum_beyond_2048_goes_on():
    ones = nd.ones((48, 48), dtype="float16")
    assert g.corr2d(ones, ones).asnumpy().tolist() == [[2304]]
    assert g.pool2d(ones, 48, "avg").asnumpy().tolist() == [[1]]
    assert g.pool2d(ones * 30000, 48, "avg").asnumpy().tolist() == [[30000]]
    stack = nd.ones((1, 8, 20, 20), dtype="float16")
    assert g.corr2d_multi_in_out(stack[0], stack).asnumpy().tolist() == [[[3200]]]
    # each half of the sum is infinite in float16, not all of it
    signs = nd.concat(ones[:24], -ones[:24], dim=0) * 100
    assert g.corr2d(ones * 100, signs).asnumpy().tolist() == [[0]]


@pytest.mark.parametrize("size", [1, 100])
def test_convolution_and_pooling(size):
    rng = np.random.RandomState(0)
    X, K = exactly(rng.normal(0, size, (3, 40, 40))), exactly(rng.normal(0, 1, (2, 3, 11, 11)))
    weights = exactly(rng.uniform(-1, 1, (2, 30, 30)))
    expected, dX, dK = correlate(X, K, 1, ((0, 0), (0, 0)), weights)
    arrays = [half(X), half(K)]
    for array in arrays:
        array.attach_grad()
    with autograd.record():
        y = g.corr2d_multi_in_out(*arrays)
    y.backward(half(weights))
    for got, right in ((y, expected), (arrays[0].grad, dX), (arrays[1].grad, dK)):
        assert_as_exact_as_float16(got, right)
    for mode in ("max", "avg"):
        right, _ = pool(X[0], (9, 9), (2, 2), ((4, 4), (4, 4)), mode, np.ones((20, 20)))
        assert_as_exact_as_float16(g.pool2d(half(X[0]), 9, mode, 2, 4), right)


@pytest.mark.parametrize("p", [0.0, 0.001, 0.5, 0.99, 0.9999, 1 - 1e-8, 1.0])
def test_dropout_drops_the_share_it_was_told_to(p):
    n = 1_000_000
    dropped = g.dropout(nd.ones(n, dtype="float16"), p, mode="downscale_in_infer")
    assert dropped.dtype == np.float16
    kept = int(dropped.asnumpy().astype(bool).sum())
    assert abs(kept - n * (1 - p)) <= 5 * np.sqrt(n * p * (1 - p)) + 1
    assert not np.isnan(g.dropout(nd.ones(99, dtype="float16"), p).asnumpy()).any()
