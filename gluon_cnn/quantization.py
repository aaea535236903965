"""Networks that predict with 8-bit integers."""

from __future__ import annotations

import warnings
from collections.abc import Iterable

import mxnet as mx
from gluon_cnn._checks import whole
from gluon_cnn.training import split
from mxnet import gluon, nd
from mxnet.contrib import quantization

__all__ = ["quantize"]


def quantize(net: gluon.HybridBlock, pictures: Iterable, num_batches: int = 8) -> gluon.SymbolBlock:
    """Return a copy of a trained network that computes convolutions and dense layers with 8-bit integers, on a CPU.

    Parameters
    ----------
    net : HybridBlock
        The network; input (N, C, H, W) float32.
    pictures : iterable of (X, y)
        Batches of training pictures. The smallest and the largest value that each layer has for them become the ends of
        its integers' range; the labels do not matter.
    num_batches : int
        How many of them to look at.

    Returns
    -------
    SymbolBlock
        Hybridized; takes floats and gives floats, and cannot be trained.

    Raises
    ------
    TypeError, ValueError
        When the network has no weights yet, ``num_batches`` is not a whole number of at least 1, or ``pictures`` gives
        no batch or no pairs (X, y).

    References
    ----------
    Jacob and others, Quantization and training of neural networks for efficient integer-arithmetic-only inference,
    2017.
    """
    if any(p._data is None for p in net.collect_params().values()):
        raise ValueError(f"{type(net).__name__} has no weights yet: train it or load its parameters first")
    counted = zip(range(whole("num_batches", num_batches, 1)), pictures)
    batches = [[X] for _, batch in counted for X, _ in split(batch, [mx.cpu()])]
    if not batches:
        raise ValueError("pictures gave no batch: pass batches of training pictures")
    batches = [batch for batch in batches if batch[0].shape == batches[0][0].shape]  # a shorter one would not fit
    nd.waitall()  # mxnet may still be rearranging weights
    data = mx.sym.var("data")
    with warnings.catch_warnings():  # mxnet cannot decide the type of the pictures, and need not
        warnings.simplefilter("ignore", UserWarning)
        graph = gluon.SymbolBlock(net(data), data, params=net.collect_params())
        quantized = quantization.quantize_net_v2(graph, calib_data=batches, calib_mode="naive", ctx=mx.cpu())
    quantized.hybridize(static_alloc=True, static_shape=True)  # without the latter oneDNN plans anew in each pass
    return quantized
