"""The blocks of the deep networks: the notes' shapes, equality with NumPy."""

from functools import partial

import gluon_cnn as g
import numpy as np
import pytest
from mxnet import autograd, init, nd

from tests.networks import in_numpy


def run(block, shape):
    block.initialize(init.Xavier())
    X = nd.random.uniform(shape=shape)
    return X, block(X)


@pytest.mark.parametrize(
    ("block", "shape", "expected"),
    [
        (lambda: g.vgg_block(2, 8), (2, 3, 9, 12), (2, 8, 4, 6)),
        (lambda: g.mlpconv(64, 3, 0), (32, 3, 16, 16), (32, 64, 6, 6)),
        (lambda: g.mlpconv(10, 3, 1, max_pooling=False), (2, 3, 5, 5), (2, 10, 5, 5)),
        (lambda: g.Inception(64, 96, 128, 16, 32, 32), (32, 3, 64, 64), (32, 256, 64, 64)),
        (lambda: g.Residual(3), (4, 3, 6, 6), (4, 3, 6, 6)),
        (lambda: g.Residual(8, same_shape=False), (4, 3, 6, 6), (4, 8, 3, 3)),
        (lambda: g.Residual(8, same_shape=False), (4, 3, 7, 9), (4, 8, 4, 5)),
        (lambda: g.ResBlk(3, 8), (4, 3, 6, 5), (4, 8, 6, 5)),
        (lambda: g.ResBlk(8, 3), (4, 8, 6, 5), (4, 3, 6, 5)),
        (lambda: g.conv_block(10), (4, 3, 8, 8), (4, 10, 8, 8)),
        (lambda: g.DenseBlock(2, 10), (4, 3, 8, 8), (4, 23, 8, 8)),
        (lambda: g.transition_block(10), (4, 23, 8, 8), (4, 10, 4, 4)),
    ],
)
def test_shapes(block, shape, expected):
    assert run(block(), shape)[1].shape == expected
    hybrid = block()
    hybrid.hybridize()
    assert run(hybrid, shape)[1].shape == expected


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
    block = block()
    X, _ = run(block, (3, channels, 7, 6))
    for parameter in block.collect_params().values():
        parameter.set_data(nd.random.uniform(0.5, 1.5, parameter.shape))
    weights = [p.data().asnumpy().astype(np.float64) for p in block.collect_params().values()]
    with autograd.record(train_mode=training):
        Y = block(X)
    expected = judge(X.asnumpy().astype(np.float64), iter(weights), training)
    assert np.abs(Y.asnumpy() - expected).max() <= 1e-4 * np.abs(expected).max()
