"""Input that the hand-written layers cannot use is refused in plain words, before mxnet sees it."""

import gluon_cnn as g
import numpy as np
import pytest
from mxnet import nd

A, ONE, ZERO = nd.ones((3, 3)), nd.ones(3), nd.zeros(3)
WHOLE = nd.ones((3, 3), dtype="int32")


def empty(*shape):
    return nd.array(np.zeros(shape))


def block(**settings):
    net = g.BatchNorm(**settings)
    net.initialize()
    return net


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: g.corr2d(np.ones((3, 3)), A), TypeError, r"X must be an NDArray; got ndarray: pass nd.array\(X\)"),
        (lambda: g.corr2d(A, [[1]]), TypeError, "K must be an NDArray; got list"),
        (lambda: g.corr2d(WHOLE, A), TypeError, r"X must hold floats; got int32: pass X.astype\('float32'\)"),
        (lambda: g.corr2d(A, A.astype("float64")), TypeError, "K holds float64 and X float32: they must be the same"),
        (lambda: g.corr2d(A, empty(0, 2)), ValueError, r"K is empty: its shape is \(0, 2\)"),
        (lambda: g.corr2d(A, nd.ones((2, 2)), bias=nd.array([1, 2])), ValueError, "bias must be one number"),
        (lambda: g.corr2d_multi_in_out(nd.ones((1, 3, 3)), empty(0, 1, 2, 2)), ValueError, "K is empty"),
        (lambda: g.corr2d_multi_in_out([1], A), TypeError, "X must be an NDArray; got list"),
        (lambda: g.receptive_field((3, 1)), ValueError, r"layers must be pairs \(kernel_size, stride\).* got \(3, 1\)"),
        (lambda: g.receptive_field([(3, 1, 1)]), ValueError, "layers must be pairs"),
        (lambda: g.receptive_field(5), ValueError, "layers must be pairs"),
        (lambda: g.pool2d(WHOLE, 2), TypeError, "X must hold floats; got int32"),
        (lambda: g.pool2d(empty(0, 3), 1), ValueError, "X is empty"),
        (lambda: g.pure_batch_norm(WHOLE, ONE, ZERO), TypeError, "X must hold floats; got int32"),
        (lambda: g.pure_batch_norm(A, 1, ZERO), TypeError, "gamma must be an NDArray; got int"),
        (lambda: g.pure_batch_norm(A, ONE, ZERO.astype("float64")), TypeError, "beta holds float64 and X float32"),
        (lambda: g.pure_batch_norm(A, ONE, ZERO, eps=-1), ValueError, "eps must be at least 0; got -1"),
        (lambda: g.pure_batch_norm(A, ONE, ZERO, eps=None), TypeError, "eps must be a number; got None"),
        (
            lambda: g.batch_norm(A, ONE, ZERO, True, None, ONE),
            TypeError,
            "moving_mean must be an NDArray; got None",
        ),
        (
            lambda: g.batch_norm(A, ONE, ZERO, True, ZERO, ONE, moving_momentum=5),
            ValueError,
            "moving_momentum must be from 0 to 1; got 5",
        ),
        (lambda: g.BatchNorm(momentum=2), ValueError, "momentum must be from 0 to 1; got 2"),
        (lambda: g.BatchNorm(epsilon=-1), ValueError, "epsilon must be at least 0; got -1"),
        (lambda: block()(nd.ones(3)), ValueError, r"X must have shape \(N, K\) or \(N, C, H, W\); got \(3,\)"),
        (lambda: block()(empty(0, 3)), ValueError, "X is empty"),
        (lambda: block()(WHOLE), TypeError, "X must hold floats"),
        (lambda: block()(A.astype("float64")), TypeError, r"BatchNorm computes in float32, got float64: pass x.astype"),
        (lambda: block(in_channels=2)(A), ValueError, r"BatchNorm has values for 2 channels; got 3, shape \(3, 3\)"),
        (lambda: g.dropout([1, 2, 3], 0.5), TypeError, "X must be an NDArray; got list"),
        (lambda: g.dropout(WHOLE, 0.5), TypeError, "X must hold floats; got int32"),
        (lambda: g.dropout(A, "0.5"), TypeError, "p must be a number; got '0.5'"),
        (lambda: g.dropout(A, True), TypeError, "p must be a number; got True"),
        (lambda: g.dropout(A, float("nan")), ValueError, "p must be from 0 to 1; got nan"),
        (
            lambda: g.dropout(A, 0.5, "downscale_in_infer"),
            TypeError,
            "is_training must be True or False; got",
        ),
    ],
)
def test_what_does_not_fit_is_refused(call, error, message, capfd):
    with pytest.raises(error, match=message):
        call()
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_floats_of_any_size_are_welcome(dtype):
    X, K, one, zero = (array.astype(dtype) for array in (A, nd.ones((2, 2)), ONE, ZERO))
    net = g.BatchNorm()
    net.cast(dtype)
    net.initialize()
    for result in (
        g.corr2d(X, K),
        g.pool2d(X, 2),
        g.pure_batch_norm(X, one, zero),
        g.batch_norm(X, one, zero, True, zero.copy(), one.copy()),
        net(X),
        g.dropout(X, 0.5),
    ):
        assert result.dtype == np.dtype(dtype)
        assert np.isfinite(result.asnumpy()).all()
