"""Batch normalization by hand: the formula, the function with moving averages, the block. Lesson 03."""

from __future__ import annotations

import mxnet as mx
import numpy as np
from gluon_cnn._core.checks import check_array, check_bool, check_float, check_initialized, check_int, refuse_numpy_mode
from gluon_cnn._core.precision import as_float32
from mxnet import autograd, nd
from mxnet.gluon import HybridBlock

# Mean and standard deviation of ImageNet's photos, red, green and blue in 0..1: networks trained there expect pictures
# from which the one was subtracted, divided by the other. Notes B.
RGB_MEAN, RGB_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def pure_batch_norm(X: nd.NDArray, gamma: nd.NDArray, beta: nd.NDArray, eps: float = 1e-5) -> nd.NDArray:
    """Bring each feature or channel to mean 0 and variance 1 over the batch, then scale and shift it.

    Parameters
    ----------
    X : NDArray
        (N, K): a batch of N vectors, normalized for each of K features. (N, C, H, W): a batch of N stacks of maps,
        normalized for each of C channels over the batch and all pixels.
    gamma, beta : NDArray
        Scale and shift, one for each feature or channel: shape (K,) or (C,), of the type of ``X``; float32 goes with
        float16, too.
    eps : float
        Added to the variance, so that a constant feature is not divided by zero.

    Returns
    -------
    NDArray
        Shape and type of ``X``. Differentiable under ``autograd.record()``. Float16 is computed in float32.

    Raises
    ------
    TypeError, ValueError
        When ``X`` holds no floats or has another rank, or ``gamma`` or ``beta`` is of another type than ``X`` or of
        another length than the features or channels.

    References
    ----------
    Ioffe and Szegedy, Batch normalization: accelerating deep network training by reducing internal covariate shift,
    2015, algorithm 1. The function's name and arguments are those of notes A.
    """
    _check(X, eps, gamma=gamma, beta=beta)
    mean, variance = _statistics(X)
    return _scale_and_shift(X, mean, variance, gamma, beta, eps)


def batch_norm(
    X: nd.NDArray,
    gamma: nd.NDArray,
    beta: nd.NDArray,
    is_training: bool,
    moving_mean: nd.NDArray,
    moving_variance: nd.NDArray,
    eps: float = 1e-5,
    moving_momentum: float = 0.9,
) -> nd.NDArray:
    """Batch normalization that remembers the statistics of training for prediction.

    Parameters
    ----------
    X, gamma, beta, eps
        See :func:`pure_batch_norm`.
    is_training : bool
        Normalize with the batch's own statistics and move the averages towards them; else normalize with the averages.
    moving_mean, moving_variance : NDArray
        Averages over the batches seen so far, shape (K,) or (C,); changed in place when training.
    moving_momentum : float
        What stays of the old average: ``new = momentum * old + (1 - momentum) * batch``.

    Returns
    -------
    NDArray
        Shape of ``X``. Differentiable under ``autograd.record()``; the averages are not part of the graph.

    Raises
    ------
    TypeError, ValueError
        When ``X`` holds no floats or has another rank than 2 or 4, or an array is of another type than ``X`` or another
        length than the features or channels.

    References
    ----------
    Ioffe and Szegedy, 2015, algorithm 2; notes A. The averages move here in the forward pass, in Gluon's own layer with
    the backward pass. The variance is that of the batch, not the estimate with N - 1, as in Gluon.
    """
    _check(X, eps, gamma=gamma, beta=beta, moving_mean=moving_mean, moving_variance=moving_variance)
    check_float("moving_momentum", moving_momentum, 0, 1)
    if not check_bool("is_training", is_training):
        shape = _shape_for(X)
        return _scale_and_shift(X, moving_mean.reshape(shape), moving_variance.reshape(shape), gamma, beta, eps)
    mean, variance = _statistics(X)
    with autograd.pause():
        for average, new in ((moving_mean, mean), (moving_variance, variance)):
            average[:] = moving_momentum * as_float32(average) + (1 - moving_momentum) * new.reshape(-1)
    return _scale_and_shift(X, mean, variance, gamma, beta, eps)


class BatchNorm(HybridBlock):
    """Batch normalization as a block, made of :func:`batch_norm`; takes the place of ``nn.BatchNorm``.

    Parameters
    ----------
    momentum, epsilon : float
        See :func:`batch_norm`; defaults as in Gluon.
    in_channels : int
        Number of features or channels; 0 leaves it to the first input.

    Notes
    -----
    Input and output (N, K) or (N, C, H, W). The moving averages start at 0 and 1 and are parameters that no trainer
    changes, so they are saved, loaded, cast and moved with the others. Cast to float16, the block keeps its parameters
    in float32, as Gluon's does. Hybridized, it becomes Gluon's operator, because a graph cannot change arrays in place;
    lesson and tests show that both compute the same.

    References
    ----------
    Notes A.
    """

    def __init__(self, momentum: float = 0.9, epsilon: float = 1e-5, in_channels: int = 0, **kwargs) -> None:
        super().__init__(**kwargs)
        self.momentum, self.epsilon = check_float("momentum", momentum, 0, 1), check_float("epsilon", epsilon, 0)
        size = {"shape": (check_int("in_channels", in_channels, 0),), "allow_deferred_init": True}
        moving = {"grad_req": "null", "differentiable": False, **size}
        with self.name_scope():
            self.gamma = self.params.get("gamma", init="ones", **size)
            self.beta = self.params.get("beta", init="zeros", **size)
            self.running_mean = self.params.get("running_mean", init="zeros", **moving)
            self.running_var = self.params.get("running_var", init="ones", **moving)
        self._half = False

    def cast(self, dtype) -> None:
        self._half = np.dtype(dtype) == np.float16
        super().cast("float32" if self._half else dtype)

    def forward(self, x, *args):
        if not isinstance(x, (nd.NDArray, mx.sym.Symbol)):
            raise TypeError(f"BatchNorm takes an NDArray; got {type(x).__name__}: pass nd.array(x)")
        if isinstance(x, nd.NDArray):
            _check_input(self, x)
        return super().forward(x, *args)

    def hybrid_forward(self, F, x, gamma, beta, running_mean, running_var):
        settings = (self.epsilon, self.momentum)
        if F is nd:
            return batch_norm(x, gamma, beta, autograd.is_training(), running_mean, running_var, *settings)
        return F.BatchNorm(
            x, gamma, beta, running_mean, running_var, eps=self.epsilon, momentum=self.momentum, fix_gamma=False
        )


def _statistics(X: nd.NDArray) -> tuple[nd.NDArray, nd.NDArray]:
    """Return mean and variance of each feature or channel, with the other axes kept at length 1."""
    X = as_float32(X)
    axes = (0,) if X.ndim == 2 else (0, 2, 3)
    mean = X.mean(axis=axes, keepdims=True)
    variance = ((X - mean) ** 2).mean(axis=axes, keepdims=True)
    return mean, variance


def _scale_and_shift(X, mean, variance, gamma, beta, eps):
    """Return ``gamma * (X - mean) / sqrt(variance + eps) + beta`` in the type of ``X``."""
    dtype, shape = X.dtype, _shape_for(X)
    X, mean, variance, gamma, beta = map(as_float32, (X, mean, variance, gamma, beta))
    normalized = (X - mean) / (variance + eps).sqrt()
    return (gamma.reshape(shape) * normalized + beta.reshape(shape)).astype(dtype, copy=False)


def _shape_for(X: nd.NDArray) -> tuple[int, ...]:
    """Return the shape in which one value a feature or channel broadcasts against ``X``."""
    return (1, -1) if X.ndim == 2 else (1, -1, 1, 1)


def _check_input(block: BatchNorm, x: nd.NDArray) -> None:
    """Refuse what does not fit the block: hybridized, mxnet 1.9.1 would read beyond arrays of fewer channels."""
    refuse_numpy_mode()
    _check(x, block.epsilon)
    if block.gamma._data is None:
        check_initialized(block)  # is it initialized?
    channels = block.gamma.shape[0]
    if channels not in (0, x.shape[1]):
        raise ValueError(f"BatchNorm has values for {channels} channels; got {x.shape[1]}, shape {x.shape}")
    dtype = np.dtype("float16" if block._half else block.gamma.dtype)
    if dtype != x.dtype:
        raise TypeError(f"BatchNorm computes in {dtype}, got {np.dtype(x.dtype)}: pass x.astype('{dtype}')")
    contexts = block.gamma.list_ctx()
    if x.context not in contexts:
        raise ValueError(f"BatchNorm is on {contexts[0]}, the input on {x.context}: pass x.as_in_context(...)")


def _check(X: nd.NDArray, eps: float, **arrays: nd.NDArray) -> None:
    if check_array("X", X).ndim not in (2, 4):
        raise ValueError(f"X must have shape (N, K) or (N, C, H, W); got {X.shape}")
    for name, array in arrays.items():
        half = isinstance(array, nd.NDArray) and (X.dtype, array.dtype) == (np.float16, np.float32)
        if check_array(name, array, like=None if half else X).shape != (X.shape[1],):
            what = "features" if X.ndim == 2 else "channels"
            raise ValueError(
                f"{name} must have shape ({X.shape[1]},), one value for each of X's {what}; got {array.shape}"
            )
    check_float("eps", eps, 0)
