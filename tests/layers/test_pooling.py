"""Pooling by hand against Gluon's own, with float64 NumPy as the judge."""

import gluon_cnn as g
import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from mxnet import autograd, nd
from mxnet.gluon import nn

from tests.judge import assert_close, pool


@given(
    size=st.tuples(st.integers(3, 9), st.integers(3, 9)),
    window=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    stride=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    padded=st.booleans(),
    mode=st.sampled_from(["max", "avg"]),
    seed=st.integers(0, 1000),
)
def test_with_gradients(size, window, stride, padded, mode, seed):
    rng = np.random.RandomState(seed)
    X = rng.randn(*size)
    padding = tuple((side - 1) // 2 if padded else 0 for side in window)
    layer = (nn.MaxPool2D if mode == "max" else nn.AvgPool2D)(window, stride, padding)
    results = []
    for function, x in (
        (lambda x: g.pool2d(x, window, mode, stride, padding), nd.array(X)),
        (layer, nd.array(X[None, None])),  # of rank 4 from the start: mxnet 1.9.1 loses gradients behind a reshape here
    ):
        x.attach_grad()
        with autograd.record():
            y = function(x)
        weights = np.random.RandomState(seed).randn(*y.shape[-2:])
        y.backward(nd.array(weights).reshape(y.shape))
        results.append((y.asnumpy().reshape(weights.shape), x.grad.asnumpy().reshape(size)))
    around = tuple((p, p) for p in padding)
    judged = pool(X, window, stride, around, mode, weights)
    terms = pool(X if mode == "max" else np.abs(X), window, stride, around, mode, np.abs(weights))
    for ours, gluons, expected, tolerance, sizes in zip(*results, judged, (1e-5, 1e-4), terms):
        assert_close(ours, expected, tolerance, np.abs(sizes))
        assert_close(gluons, expected, tolerance, np.abs(sizes))


def test_a_window_of_two_halves_both_sides():
    x = nd.arange(24).reshape((4, 6))
    assert g.pool2d(x, 2).asnumpy().tolist() == [[7, 9, 11], [19, 21, 23]]
    assert g.pool2d(x, 2, "avg").asnumpy().tolist() == [[3.5, 5.5, 7.5], [15.5, 17.5, 19.5]]


def test_negative_values_win_over_padding():
    assert g.pool2d(-nd.ones((2, 2)), 2, padding=1, stride=2).asnumpy().tolist() == [[-1, -1], [-1, -1]]


def test_of_equal_values_the_first_gets_the_gradient():
    x = nd.zeros((2, 2))
    x.attach_grad()
    with autograd.record():
        y = g.pool2d(x, 2)
    y.backward()
    assert x.grad.asnumpy().tolist() == [[1, 0], [0, 0]]
