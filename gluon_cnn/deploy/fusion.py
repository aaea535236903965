"""Fusion of layers for prediction on a CPU."""

import warnings

import mxnet as mx
from gluon_cnn._core.block import changed_inside
from gluon_cnn._core.forward import forward
from gluon_cnn.deploy.int8 import relative_error
from mxnet import gluon, nd

TOLERANCE = 1e-5  # largest relative error attributed to rounding


def fused(net: gluon.Block, X: nd.NDArray) -> gluon.Block:
    """Return a copy of ``net`` in which oneDNN computes convolution, batch norm, sum and activation in one step.

    The copy has the present weights and cannot be trained. It is compared for a few images, ``X``. The network itself
    is returned if its output would change by more than :data:`TOLERANCE`, if MXNet cannot trace it, if it is already a
    graph, or if it is on a GPU.
    """
    if X.context.device_type != "cpu" or not isinstance(net, gluon.HybridBlock) or isinstance(net, gluon.SymbolBlock):
        return net
    expected, data = forward(net, X), mx.sym.var("data")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # MXNet cannot infer the dtype of the images, and need not
        try:
            with changed_inside(net, padding_channels=True):  # see ChannelPadded
                copy = gluon.SymbolBlock(net(data), data, params=net.collect_params())
            copy.optimize_for(X, backend="MKLDNN", static_alloc=True, static_shape=True)
            error = relative_error(forward(copy, X), expected)
        except (ValueError, TypeError, AttributeError, mx.MXNetError):
            return net
    return copy if error <= TOLERANCE else net
