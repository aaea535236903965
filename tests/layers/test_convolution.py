"""Convolution by hand against Gluon's own, with float64 NumPy as the judge."""

import gluon_cnn as g
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mxnet import autograd, nd

from tests.judge import assert_close, correlate

paddings = st.one_of(
    st.integers(0, 3),
    st.tuples(st.integers(0, 3), st.integers(0, 3)),
    st.tuples(*[st.tuples(st.integers(0, 3), st.integers(0, 3))] * 2),
)
pairs = st.one_of(st.integers(1, 3), st.tuples(st.integers(1, 3), st.integers(1, 3)))


def sides(padding):
    if isinstance(padding, int):
        return ((padding, padding),) * 2
    return tuple((p, p) if isinstance(p, int) else p for p in padding)


def test_the_notes_example_of_many_channels():
    X, K = nd.arange(9).reshape((3, 3)), nd.array([[0, 1], [2, 3]])
    X, K = nd.stack(X, X + 1), nd.stack(K, K + 1)
    one = [[56, 72], [104, 120]]
    assert g.corr2d_multi_in_out(X, K.expand_dims(0)).asnumpy().tolist() == [one]
    assert g.corr2d_multi_in_out(X, nd.stack(K, K + 1)).asnumpy().tolist() == [one, [[76, 100], [148, 172]]]


@given(
    size=st.tuples(st.integers(3, 9), st.integers(3, 9)),
    kernel=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    stride=pairs,
    padding=paddings,
    seed=st.integers(0, 1000),
)
def test_corr2d_with_gradients(size, kernel, stride, padding, seed):
    rng = np.random.RandomState(seed)
    X, K = rng.randn(*size), rng.randn(*kernel)
    x, k = nd.array(X), nd.array(K)
    x.attach_grad()
    k.attach_grad()
    with autograd.record():
        y = g.corr2d(x, k, bias=0.5, stride=stride, padding=padding)
    weights = rng.randn(*y.shape)
    y.backward(nd.array(weights))
    arrays = X[None], K[None, None], weights[None]
    expected, dx, dk = correlate(*arrays[:2], stride, sides(padding), arrays[2])
    terms = correlate(*map(np.abs, arrays[:2]), stride, sides(padding), np.abs(arrays[2]))
    assert_close(y, expected[0] + 0.5, 1e-5, terms[0] + 0.5)
    assert_close(x.grad, dx[0], 1e-4, terms[1])
    assert_close(k.grad, dk[0, 0], 1e-4, terms[2])
    assert y.shape == g.conv_output_size(size, kernel, stride, sides(padding))


@settings(max_examples=max(40, settings().max_examples // 3))
@given(
    channels=st.tuples(st.integers(1, 3), st.integers(1, 4)),
    size=st.tuples(st.integers(3, 7), st.integers(3, 7)),
    kernel=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    stride=pairs,
    padding=st.tuples(st.integers(0, 2), st.integers(0, 2)),
    seed=st.integers(0, 1000),
)
def test_many_channels_equal_gluons_operator_and_numpy(channels, size, kernel, stride, padding, seed):
    rng = np.random.RandomState(seed)
    X, K = rng.randn(channels[0], *size), rng.randn(channels[1], channels[0], *kernel)
    step = stride if isinstance(stride, tuple) else (stride, stride)

    def by_gluon(x, k):
        x = x.expand_dims(0)
        return nd.Convolution(x, k, no_bias=True, kernel=kernel, stride=step, pad=padding, num_filter=channels[1])[0]

    results = []
    for function in (lambda x, k: g.corr2d_multi_in_out(x, k, stride=stride, padding=padding), by_gluon):
        x, k = nd.array(X), nd.array(K)
        x.attach_grad()
        k.attach_grad()
        with autograd.record():
            y = function(x, k)
        y.backward(nd.ones_like(y))
        results.append((y, x.grad, k.grad))
    ones = np.ones(results[0][0].shape)
    judged = correlate(X, K, stride, sides(padding), ones)
    terms = correlate(np.abs(X), np.abs(K), stride, sides(padding), ones)
    for ours, gluons, expected, tolerance, sizes in zip(*results, judged, (1e-5, 1e-4, 1e-4), terms):
        assert_close(ours, expected, tolerance, sizes)
        assert_close(gluons, expected, tolerance, sizes)


@given(st.integers(1, 50), st.integers(1, 9), st.integers(1, 4), st.integers(0, 4))
def test_the_size_is_the_number_of_places(size, kernel, stride, padding):
    places = [i for i in range(0, size + 2 * padding, stride) if i + kernel <= size + 2 * padding]
    if places:
        assert g.conv_output_size(size, kernel, stride, padding) == len(places)
    else:
        with pytest.raises(ValueError, match="does not fit"):
            g.conv_output_size(size, kernel, stride, padding)


def test_sizes_of_two_sides():
    assert g.conv_output_size(9, (3, 5)) == (7, 5)
    assert g.conv_output_size((5, 7), 3, (1, 2), ((1, 0), (0, 3))) == (4, 4)
    assert g.conv_output_size(3, 2, 1, ((1, 1), 2)) == (4, 6)
