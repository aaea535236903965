"""LeNet's treatment of images that do not fit; its values are in test_all_networks.py."""

import gluon_cnn as g
import mxnet as mx
import numpy as np
import pytest
from mxnet import nd


def initialized():
    net = g.LeNet()
    net.initialize()
    return net


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        (np.zeros((1, 1, 11, 28), "f4"), ValueError, "LeNet needs images of at least 12x12; got 11x28: resize them"),
        (np.zeros((1, 3, 2, 2), "f4"), ValueError, "at least 12x12; got 2x2"),
        (np.zeros((1, 28, 28), "f4"), ValueError, r"takes \(N, C, H, W\); got \(1, 28, 28\): pass x.expand_dims"),
        (np.zeros((1, 1, 28, 28), np.uint8), TypeError, r"float32, got uint8: pass x.astype\('float32'\) / 255"),
        (np.zeros((1, 1, 28, 28), np.float16), TypeError, "computes in float32, got float16"),
    ],
)
@pytest.mark.parametrize("hybridized", [False, True])
def test_images_that_do_not_fit_are_refused(X, error, message, hybridized, capfd):
    net = initialized()
    if hybridized:
        net.hybridize()
    with pytest.raises(error, match=message):
        net(nd.array(X, dtype=X.dtype))
    assert net(nd.zeros((1, 1, 28, 28))).shape == (1, 10)  # the network is as good as new
    assert capfd.readouterr() == ("", "")


def test_other_images_than_the_first_are_refused():
    net = initialized()
    net(nd.zeros((1, 1, 28, 28)))
    assert net(nd.zeros((5, 1, 28, 28))).shape == (5, 10)
    with pytest.raises(ValueError, match="has weights for 1 input channels; got 3"):
        net(nd.zeros((1, 3, 28, 28)))
    with pytest.raises(ValueError, match="dense layers for images of another size; got 32x32"):
        net(nd.zeros((1, 1, 32, 32)))


def test_a_users_hook_sees_arrays_only():
    net = initialized()
    seen = []
    net.features[0].register_forward_hook(lambda block, inputs, output: seen.append(type(output)))
    net(nd.zeros((1, 1, 28, 28)))
    assert seen == [nd.NDArray]


def test_mxnets_numpy_mode():
    mx.npx.set_np()
    try:
        net = initialized()
        assert net(mx.np.zeros((2, 1, 28, 28))).shape == (2, 10)
    finally:
        mx.npx.reset_np()
