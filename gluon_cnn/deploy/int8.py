"""Quantization of networks to 8-bit integers."""

import warnings
from collections.abc import Iterable
from typing import Any

import mxnet as mx
import numpy as np
from gluon_cnn._core.checks import check_array, check_int
from gluon_cnn._core.contexts import contexts_of, split_batch
from gluon_cnn._core.errors import translate_mxnet_errors
from gluon_cnn._core.forward import check_finite, forward
from gluon_cnn.deploy.export import check_float32_weights
from mxnet import autograd, gluon, nd
from mxnet.contrib import quantization

# The largest relative error attributed to rounding to 8 bits. Measured on batches of Fashion-MNIST, with random weights
# and after a few training steps: 0.005-0.045 for the course's networks, 0.005-0.03 for ResNets of 18 and 50 layers and
# MobileNet, 0.003-0.04 for 60 small networks of Gluon's layers and activations; 0.2-1.3 where MXNet is incorrect.
TOLERANCE = 0.1


def quantize(net: gluon.HybridBlock, images: Iterable, num_batches: int = 8) -> gluon.SymbolBlock:
    """Return a copy of a trained network with convolutions and dense layers quantized to 8-bit integers, for CPUs.

    ``images`` are batches (X, y) of float32 training images; the labels are ignored. The range of each layer's
    integers is calibrated to its minimum and maximum over the first ``num_batches``. The copy is hybridized, takes and
    returns floats, and cannot be trained. Raise ValueError if MXNet cannot quantize a layer, or if the copy's output
    for the first batch is incorrect.

    Source: Jacob and others, Quantization and training of neural networks for efficient integer-arithmetic-only
    inference, 2017.
    """
    check_float32_weights(net, "quantized")
    counted = zip(range(check_int("num_batches", num_batches, 1)), images)
    batches = [[X] for _, batch in counted for X, _ in split_batch(batch, [mx.cpu()])]
    if not batches:
        raise ValueError("images yielded no batches: pass batches of training images")
    batches = [batch for batch in batches if batch[0].shape == batches[0][0].shape]  # drop a smaller last batch
    for number, (X,) in enumerate(batches):
        check_finite(f"batch {number} of images", check_array("images", X))
    X = batches[0][0]
    expected = forward(net, X.as_in_context(contexts_of(net)[0]))  # also waits for MXNet to rearrange weights
    data = mx.sym.var("data")
    output = net(data)
    outputs = mx.sym.Group(output) if isinstance(output, (list, tuple)) else output
    # When oneDNN fuses elemwise_add into a convolution, it confuses signed and unsigned integers: ResNet's scores were
    # off by up to 27%. broadcast_add is not fused.
    outputs = mx.sym.load_json(outputs.tojson().replace('"op": "elemwise_add"', '"op": "broadcast_add"'))
    with warnings.catch_warnings(), translate_mxnet_errors(f"{type(net).__name__} cannot be quantized"):
        warnings.simplefilter("ignore", UserWarning)  # MXNet cannot infer the dtype of the images, and need not
        graph = gluon.SymbolBlock(outputs, data, params=net.collect_params())
        quantized = prepare_for_inference(
            quantization.quantize_net_v2(graph, calib_data=batches, calib_mode="naive", ctx=mx.cpu())
        )
        with autograd.pause():
            found = quantized(X)
        nd.waitall()
    error = relative_error(found, expected)
    if not error <= TOLERANCE:
        raise ValueError(
            f"{type(net).__name__} cannot be quantized: with 8-bit integers its output for the first batch has a "
            f"relative error of {error:.2g}; rounding alone stays below {TOLERANCE}; for instance, MXNet computes GELU "
            "after a convolution and LeakyReLU after a dense layer incorrectly: use ReLU there"
        )
    return quantized


def relative_error(found: Any, expected: Any) -> float:
    """Return the relative root-mean-square error, maximized over the outputs."""
    pairs = zip(*(outputs if isinstance(outputs, (list, tuple)) else [outputs] for outputs in (found, expected)))
    arrays = [(got.asnumpy(), right.asnumpy()) for got, right in pairs]
    return max(float(np.linalg.norm(got - right) / (np.linalg.norm(right) or 1)) for got, right in arrays)


def prepare_for_inference(net: gluon.SymbolBlock) -> gluon.SymbolBlock:
    """Hybridize a quantized network, and make it refuse byte inputs and training."""
    net.hybridize(static_alloc=True, static_shape=True)  # static_shape lets oneDNN plan only once
    net.register_forward_pre_hook(_check_input)
    return net


def _check_input(net: gluon.SymbolBlock, inputs: tuple) -> None:
    X = inputs[0]
    if not isinstance(X, nd.NDArray):  # a symbol, while tracing
        return
    if X.dtype != np.float32:
        raise TypeError(f"a quantized network takes float32; got {np.dtype(X.dtype)}: pass X.astype('float32') / 255")
    if autograd.is_recording():
        raise ValueError("a quantized network cannot be trained: train the original network")
