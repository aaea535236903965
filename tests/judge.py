"""The judge of the hand-written layers: the same formulas in NumPy, in float64, written another way."""

import numpy as np


def assert_close(got, expected, tolerance, terms=0.1):
    """Compare with a relative error: the largest difference over the largest expected value.

    A sum whose ``terms`` (the sum of their sizes) cancel to less than a hundredth is measured against that hundredth:
    with 32 bits each term has an error of its own, whatever the others are.
    """
    got = got.asnumpy() if hasattr(got, "asnumpy") else np.asarray(got)
    assert got.shape == np.shape(expected)
    scale = max(np.abs(expected).max(initial=0), np.max(terms) / 100)
    assert np.abs(got - expected).max(initial=0) <= tolerance * scale


def correlate(X, K, stride, padding, weights):
    """Cross-correlation of (Cin, H, W) with (Cout, Cin, kh, kw): output, and gradients of sum(output * weights)."""
    down, right = stride if isinstance(stride, tuple) else (stride, stride)
    padded = np.pad(X, ((0, 0), *padding))
    kh, kw = K.shape[2:]
    rows, columns = (padded.shape[1] - kh) // down + 1, (padded.shape[2] - kw) // right + 1
    Y, dpadded, dK = np.zeros((K.shape[0], rows, columns)), np.zeros_like(padded), np.zeros_like(K)
    for i in range(rows):
        for j in range(columns):
            window = np.s_[:, i * down : i * down + kh, j * right : j * right + kw]
            Y[:, i, j] = np.tensordot(K, padded[window], axes=3)
            dpadded[window] += np.tensordot(weights[:, i, j], K, axes=1)
            dK += weights[:, i, j, None, None, None] * padded[window]
    (top, bottom), (left, right_side) = padding
    dX = dpadded[:, top : dpadded.shape[1] - bottom, left : dpadded.shape[2] - right_side]
    return Y, dX, dK


def pool(X, size, stride, padding, mode, weights):
    """Pooling of (H, W) with zeros or minus infinity around: output, and gradient of sum(output * weights)."""
    padded = np.pad(X, padding, constant_values=-np.inf if mode == "max" else 0)
    rows = (padded.shape[0] - size[0]) // stride[0] + 1
    columns = (padded.shape[1] - size[1]) // stride[1] + 1
    Y, dpadded = np.zeros((rows, columns)), np.zeros(padded.shape)
    for i in range(rows):
        for j in range(columns):
            top, left = i * stride[0], j * stride[1]
            window = padded[top : top + size[0], left : left + size[1]]
            if mode == "max":
                a, b = np.unravel_index(window.argmax(), window.shape)
                Y[i, j] = window[a, b]
                dpadded[top + a, left + b] += weights[i, j]
            else:
                Y[i, j] = window.mean()
                dpadded[top : top + size[0], left : left + size[1]] += weights[i, j] / window.size
    (top, bottom), (left, right) = padding
    return Y, dpadded[top : dpadded.shape[0] - bottom, left : dpadded.shape[1] - right]


def normalize(X, gamma, beta, eps, weights):
    """Batch norm over all axes but the channels': output, mean, variance, and gradients of X, gamma and beta."""
    axes, shape = (0, *range(2, X.ndim)), (1, -1) + (1,) * (X.ndim - 2)
    count = X.size / X.shape[1]
    mean, variance = X.mean(axes), X.var(axes)
    scale = 1 / np.sqrt(variance.reshape(shape) + eps)
    hat = (X - mean.reshape(shape)) * scale
    dgamma, dbeta = (weights * hat).sum(axes), weights.sum(axes)
    dX = gamma.reshape(shape) * scale * (weights - (dbeta.reshape(shape) + hat * dgamma.reshape(shape)) / count)
    return gamma.reshape(shape) * hat + beta.reshape(shape), mean, variance, dX, dgamma, dbeta


def normalize_terms(X, gamma, eps, weights):
    """Sizes of the terms that make up the gradients of X, gamma and beta in :func:`normalize`."""
    axes, shape = (0, *range(2, X.ndim)), (1, -1) + (1,) * (X.ndim - 2)
    scale = 1 / np.sqrt(X.var(axes).reshape(shape) + eps)
    hat, weights = np.abs(X - X.mean(axes).reshape(shape)) * scale, np.abs(weights)
    dgamma, dbeta = (weights * hat).sum(axes), weights.sum(axes)
    count = X.size / X.shape[1]
    dX = gamma.reshape(shape) * scale * (weights + (dbeta.reshape(shape) + hat * dgamma.reshape(shape)) / count)
    return dX, dgamma, dbeta
