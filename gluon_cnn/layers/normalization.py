"""Batch normalization from scratch: the formula, the function with moving averages, the block. Lesson 03."""

import numpy as np
from gluon_cnn._core.block import CheckedBlock
from gluon_cnn._core.checked import checked
from gluon_cnn._core.imagenet import RGB_MEAN, RGB_STD  # noqa: F401 (lesson 03 shows them)
from mxnet import autograd, nd


@checked(X="(N, C) or (N, C, L) or (N, C, H, W)", gamma="(C,)", beta="(C,)", eps="eps >= 0")
def pure_batch_norm(X: nd.NDArray, gamma: nd.NDArray, beta: nd.NDArray, eps: float = 1e-5) -> nd.NDArray:
    """Normalize each feature or channel to mean 0 and variance 1 over the batch, then scale and shift it.

    ``X`` is a batch of N vectors, (N, C), sequences, (N, C, L), or stacks of feature maps, (N, C, H, W). Each of the C
    features or channels is normalized over the batch and all positions; the result has the shape of ``X``. ``gamma``
    and ``beta`` are scale and shift, of shape (C,); ``eps`` is added to the variance to avoid division by zero.

    Source: Ioffe and Szegedy, Batch normalization: accelerating deep network training by reducing internal covariate
    shift, 2015, algorithm 1.
    """
    mean, variance = batch_statistics(X)
    return normalize(X, mean, variance, gamma, beta, eps)


@checked(
    X="(N, C) or (N, C, L) or (N, C, H, W)",
    gamma="(C,)",
    beta="(C,)",
    moving_mean="(C,) in place",
    moving_variance="(C,) in place",
    eps="eps >= 0",
    moving_momentum="0 <= moving_momentum <= 1",
)
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
    """Normalize over the batch, and update moving averages of its statistics for prediction.

    In training, normalize with the batch statistics and update the moving averages, of shape (C,), in place and outside
    the graph: ``new = momentum * old + (1 - momentum) * batch``. Otherwise, normalize with the moving averages. The
    other arguments are those of :func:`pure_batch_norm`.

    Source: Ioffe and Szegedy, 2015, algorithm 2. The averages are updated in the forward pass here, but in the backward
    pass in Gluon's layer. As in Gluon, the variance is the biased estimate, with N instead of N - 1.
    """
    if not is_training:
        return normalize(X, moving_mean, moving_variance, gamma, beta, eps)
    mean, variance = batch_statistics(X)
    with autograd.pause():
        moving_mean[:] = moving_momentum * moving_mean + (1 - moving_momentum) * mean
        moving_variance[:] = moving_momentum * moving_variance + (1 - moving_momentum) * variance
    return normalize(X, mean, variance, gamma, beta, eps)


def batch_statistics(X: nd.NDArray) -> tuple[nd.NDArray, nd.NDArray]:
    """Return the mean and variance of each feature or channel, of shape (C,)."""
    mean = X.mean(axis=1, exclude=True)
    variance = ((X - per_channel(mean, X)) ** 2).mean(axis=1, exclude=True)
    return mean, variance


def normalize(X, mean, variance, gamma, beta, eps):
    """Return ``gamma * (X - mean) / sqrt(variance + eps) + beta`` for each feature or channel."""
    mean, variance, gamma, beta = (per_channel(values, X) for values in (mean, variance, gamma, beta))
    return gamma * ((X - mean) / (variance + eps).sqrt()) + beta


def per_channel(values: nd.NDArray, X: nd.NDArray) -> nd.NDArray:
    """Reshape one value per feature or channel to broadcast against ``X``."""
    return values.reshape((1, -1) + (1,) * (X.ndim - 2))


class BatchNorm(CheckedBlock):
    """Batch normalization as a block, built on :func:`batch_norm`; usable in place of ``nn.BatchNorm``.

    Input and output are (N, C), (N, C, L) or (N, C, H, W); with ``in_channels=0``, C is inferred from the first input.
    Without ``center``, the shift beta stays 0; without ``scale``, the scale gamma stays 1. The moving averages start at
    0 and 1 and are parameters that no trainer updates, so they are saved, loaded, cast and moved with the others. When
    cast to float16, the block leaves its parameters in float32, as Gluon's does. When hybridized, it uses Gluon's
    operator, since a graph cannot modify arrays in place; the lesson and the tests show that the results agree.
    """

    input_shapes = "(N, C) or (N, C, L) or (N, C, H, W)"

    @checked(momentum="0 <= momentum <= 1", epsilon="epsilon >= 0", in_channels="in_channels >= 0")
    def __init__(
        self,
        momentum: float = 0.9,
        epsilon: float = 1e-5,
        in_channels: int = 0,
        center: bool = True,
        scale: bool = True,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        self.momentum, self.epsilon, self.half = momentum, epsilon, False
        size = {"shape": (in_channels,), "allow_deferred_init": True}
        moving = {"grad_req": "null", "differentiable": False, **size}
        with self.name_scope():
            self.gamma = self.params.get("gamma", init="ones", grad_req="write" if scale else "null", **size)
            self.beta = self.params.get("beta", init="zeros", grad_req="write" if center else "null", **size)
            self.running_mean = self.params.get("running_mean", init="zeros", **moving)
            self.running_var = self.params.get("running_var", init="ones", **moving)

    def cast(self, dtype) -> None:
        self.half = np.dtype(dtype) == np.float16
        super().cast("float32" if self.half else dtype)

    def hybrid_forward(self, F, x, gamma, beta, running_mean, running_var):
        eps, momentum = self.epsilon, self.momentum
        if F is nd:
            return batch_norm(x, gamma, beta, autograd.is_training(), running_mean, running_var, eps, momentum)
        return F.BatchNorm(x, gamma, beta, running_mean, running_var, eps=eps, momentum=momentum, fix_gamma=False)

    def check_input(self, x: nd.NDArray) -> None:
        super().check_input(x)
        channels = self.gamma.shape[0]
        if channels not in (0, x.shape[1]):  # when hybridized, MXNet 1.9.1 would read out of bounds
            raise ValueError(f"BatchNorm has weights for {channels} channels; got {x.shape[1]}, shape {x.shape}")

    def first_weight(self):
        return self.gamma

    def input_dtype(self):
        return np.float16 if self.half else self.gamma.dtype
