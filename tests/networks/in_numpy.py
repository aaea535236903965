"""The course's networks a second time, in plain NumPy and float64, from the papers and notes: the judge of the first.

Each takes images (N, C, H, W) and an iterator over the network's parameters in their order, and uses them up.
"""

import numpy as np


def conv(X, weights, stride=1, padding=0):
    W, b = next(weights), next(weights)
    k = W.shape[2]
    X = np.pad(X, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    windows = np.lib.stride_tricks.sliding_window_view(X, (k, k), axis=(2, 3))[:, :, ::stride, ::stride]
    return np.tensordot(windows, W, axes=((1, 4, 5), (1, 2, 3))).transpose(0, 3, 1, 2) + b[:, None, None]


def pool(X, k, stride, padding=0, how=np.max):
    X = np.pad(
        X,
        ((0, 0), (0, 0), (padding, padding), (padding, padding)),
        constant_values=-np.inf if how is np.max else 0,
    )
    return how(np.lib.stride_tricks.sliding_window_view(X, (k, k), axis=(2, 3))[:, :, ::stride, ::stride], axis=(4, 5))


def relu(X):
    return np.maximum(X, 0)


def dense(X, weights):
    return X.reshape(len(X), -1) @ next(weights).T + next(weights)


def norm(X, weights, training):
    gamma, beta, mean, variance = (next(weights)[:, None, None] for _ in range(4))
    if training:
        mean, variance = X.mean((0, 2, 3))[:, None, None], X.var((0, 2, 3))[:, None, None]
    return (X - mean) / np.sqrt(variance + 1e-5) * gamma + beta


def lenet(X, w, training):
    X = pool(relu(conv(X, w)), 2, 2)
    X = pool(relu(conv(X, w)), 2, 2)
    return dense(relu(dense(X, w)), w)


def alexnet(X, w, training):
    X = pool(relu(conv(X, w, stride=4)), 3, 2)
    X = pool(relu(conv(X, w, padding=2)), 3, 2)
    for _ in range(3):
        X = relu(conv(X, w, padding=1))
    X = pool(X, 3, 2)
    return dense(relu(dense(relu(dense(X, w)), w)), w)


def vgg(X, w, training, convs=(1, 1, 2, 2, 2)):
    for count in convs:
        for _ in range(count):
            X = relu(conv(X, w, padding=1))
        X = pool(X, 2, 2)
    return dense(relu(dense(relu(dense(X, w)), w)), w)


def mlpconv(X, w, training, stride=1, padding=0, pooling=True, normalized=False):
    for settings in ((stride, padding), (1, 0), (1, 0)):
        X = conv(X, w, *settings)
        X = relu(norm(X, w, training) if normalized else X)
    return pool(X, 3, 2) if pooling else X


def nin(X, w, training, normalized=False):
    for stride, padding, pooling in ((4, 0, True), (1, 2, True), (1, 1, True), (1, 1, False)):
        X = mlpconv(X, w, training, stride, padding, pooling, normalized)
    return X.mean((2, 3))


def inception(X, w):
    return np.concatenate(
        [
            relu(conv(X, w)),
            relu(conv(relu(conv(X, w)), w, padding=1)),
            relu(conv(relu(conv(X, w)), w, padding=2)),
            relu(conv(pool(X, 3, 1, padding=1), w)),
        ],
        axis=1,
    )


def googlenet(X, w, training, relu_in_block_2=False):
    act = relu if relu_in_block_2 else lambda X: X
    X = pool(relu(conv(X, w, 2, 3)), 3, 2)
    X = pool(act(conv(act(conv(X, w)), w, padding=1)), 3, 2)
    for block in range(1, 10):
        X = inception(X, w)
        X = pool(X, 3, 2) if block in (2, 7) else X
    return dense(pool(X, 2, 2, how=np.mean), w)


def residual(X, w, training, stride=1):
    out = relu(norm(conv(X, w, stride, 1), w, training))
    out = norm(conv(out, w, padding=1), w, training)
    return relu(out + (X if stride == 1 else conv(X, w, stride)))


def resblk(X, w, training, same_channels):
    out = relu(norm(conv(X, w, padding=1), w, training))
    out = norm(conv(out, w, padding=1), w, training)
    return out + (X if same_channels else norm(conv(X, w), w, training))


def resnet(X, w, training):
    X = pool(conv(X, w, stride=2), 3, 2)
    for stride in (1, 1, 2, 1, 2, 1, 2, 1):
        X = residual(X, w, training, stride)
    return dense(pool(X, 3, 3, how=np.mean), w)


def densenet(X, w, training, block_layers=(6, 12, 24, 16)):
    X = pool(relu(norm(conv(X, w, 2, 3), w, training)), 3, 2, padding=1)
    for i, layers in enumerate(block_layers):
        for _ in range(layers):
            X = np.concatenate([X, conv(relu(norm(X, w, training)), w, padding=1)], axis=1)
        if i < len(block_layers) - 1:
            X = pool(conv(relu(norm(X, w, training)), w), 2, 2, how=np.mean)
    return dense(relu(norm(X, w, training)).mean((2, 3)), w)
