"""The blocks of the deep networks equal NumPy's; the shapes of the notes are in claims.yaml."""

from functools import partial

import gluon_cnn as g
import numpy as np
import pytest
from mxnet import autograd, init, nd

from tests.networks import in_numpy


@pytest.mark.parametrize(
    ("block", "judge", "channels"),
    [
        (lambda: g.mlpconv(4, 3, 1), partial(in_numpy.mlpconv, padding=1), 3),
        (
            lambda: g.mlpconv(4, 2, 0, 2, False, True),
            partial(in_numpy.mlpconv, stride=2, pooling=False, normalized=True),
            3,
        ),
        (lambda: g.Inception(3, 2, 4, 2, 5, 1), lambda X, w, training: in_numpy.inception(X, w), 3),
        (lambda: g.Residual(4), in_numpy.residual, 4),
        (lambda: g.Residual(6, same_shape=False), partial(in_numpy.residual, stride=2), 4),
        (lambda: g.ResBlk(4, 4), partial(in_numpy.resblk, same_channels=True), 4),
        (lambda: g.ResBlk(4, 5), partial(in_numpy.resblk, same_channels=False), 4),
        (lambda: g.ResBlk(4, 3), partial(in_numpy.resblk, same_channels=False), 4),
    ],
)
@pytest.mark.parametrize("training", [False, True])
def test_values_equal_numpys(block, judge, channels, training):
    block, X = block(), nd.random.uniform(shape=(3, channels, 7, 6))
    block.initialize(init.Xavier())
    block(X)
    for parameter in block.collect_params().values():
        parameter.set_data(nd.random.uniform(0.5, 1.5, parameter.shape))
    weights = [p.data().asnumpy().astype(np.float64) for p in block.collect_params().values()]
    with autograd.record(train_mode=training):
        Y = block(X)
    expected = judge(X.asnumpy().astype(np.float64), iter(weights), training)
    assert Y.shape == expected.shape
    assert np.abs(Y.asnumpy() - expected).max() <= 1e-4 * np.abs(expected).max()
