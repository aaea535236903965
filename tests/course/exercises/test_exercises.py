"""The checks of the exercises accept right answers, however they are written, and refuse plausible wrong ones."""

import functools
import importlib
import json
import re
from fractions import Fraction
from pathlib import Path

import gluon_cnn as g
import numpy as np
import pytest
from gluon_cnn.course import exercises
from gluon_cnn.networks.vgg import vgg_block
from mxnet import autograd, init, nd
from mxnet.gluon import nn
from mxnet.gluon.contrib.nn import HybridConcurrent

FILES = sorted(Path(exercises.__file__).parent.glob("lesson_*.py"))


def slope(f, x):
    x = x.copy()
    x.attach_grad()
    with autograd.record():
        y = f(x)
    y.backward()
    return x.grad


def slope_by_grad(f, x):
    x.attach_grad()
    with autograd.record():
        y = f(x)
    return autograd.grad(y, [x])[0]


def convolve2d(X, K):
    return g.corr2d(X, nd.flip(K, axis=(0, 1)))


def convolve_by_shifts(X, K):
    rows, columns = (size - k + 1 for size, k in zip(X.shape, K.shape))
    parts = [K[-1 - i, -1 - j] * X[i : i + rows, j : j + columns] for i, j in np.ndindex(K.shape)]
    return nd.add_n(*parts)


def layer_norm(X, axis=1, eps=1e-5, ddof=0, outside=0.0):
    centred = X - X.mean(axis=axis, keepdims=True)
    variance = (centred**2).sum(axis=axis, keepdims=True) / (X.shape[axis] - ddof)
    return centred / ((variance + eps).sqrt() + outside)


def fold(weight, bias, gamma, beta, mean, variance, order=(-1, 1, 1, 1), eps=1e-5):
    scale = gamma / (variance + eps).sqrt()
    return weight * scale.reshape(order), (bias - mean) * scale + beta


def folded_in_place(weight, bias, gamma, beta, mean, variance):
    variance += 1e-5
    gamma /= variance.sqrt()
    weight *= gamma.reshape((5, 1, 1, 1))
    bias -= mean
    return [weight, bias * gamma + beta]


def folded_by_channel(weight, bias, gamma, beta, mean, variance):
    scales = (gamma * (variance + 1e-5) ** -0.5).asnumpy()
    return nd.stack(*[w * float(s) for w, s in zip(weight, scales)]), beta - nd.array(scales) * (mean - bias)


def drop_maps(X, p, axes=(True, True), scale=True):
    shape = tuple(size if kept else 1 for size, kept in zip(X.shape, axes))
    return X * g.dropout(nd.ones((*shape, 1, 1)), p, mode="upscale_in_train" if scale else "downscale_in_infer")


def drop_maps_in_place(X, p):
    X *= g.dropout(nd.ones((*X.shape[:2], 1, 1)), p)
    return X


def drop_maps_in_numpy(X, p):
    kept = np.random.rand(*X.shape[:2]) >= p
    return X.asnumpy() * kept[:, :, None, None] / (1 - p)


def drop_maps_one_by_one(X, p):
    Y = X / (1 - p)
    for n, c in np.ndindex(X.shape[:2]):
        if np.random.rand() < p:
            Y[n, c] = 0
    return Y


def mean_prediction(net, X, n, training=True, passes=None):
    with autograd.train_mode() if training else autograd.predict_mode():
        return nd.add_n(*[net(X).softmax() for _ in range(passes or n)]) / n


def mean_in_one_batch(net, X, n):
    with autograd.train_mode():
        return net(nd.tile(X, (n, 1))).softmax().reshape((n, len(X), -1)).mean(axis=0)


def mean_of_repeated_rows(net, X, n):
    with autograd.record():
        scores = net(X.repeat(n, axis=0))
    return nd.softmax(scores, axis=1).reshape((len(X), n, -1)).mean(axis=1)


def mean_from_zeros(net, X, n):
    total = nd.zeros_like(net(X))  # a pass in prediction mode, which does not count
    return total + mean_prediction(net, X, n)


def mean_in_numpy(net, X, n):
    with autograd.train_mode():
        return np.mean([net(X).softmax().asnumpy() for _ in range(n)], axis=0)


def softmax_of_the_mean(net, X, n):
    with autograd.train_mode():
        return (nd.add_n(*[net(X) for _ in range(n)]) / n).softmax()


def enlarge_by_steps(X, times):
    Y = nd.zeros((*X.shape[:2], X.shape[2] * times, X.shape[3] * times))
    for i, j in np.ndindex(times, times):
        Y[:, :, i::times, j::times] = X
    return Y


def lenet_5(first=6, padding=2, last=10, activation="sigmoid", pool=nn.AvgPool2D, kernel=5, bias=True):
    net = nn.HybridSequential()
    net.add(
        nn.Conv2D(first, kernel_size=kernel, padding=padding, activation=activation, use_bias=bias),
        pool(2, 2),
        nn.Conv2D(16, kernel_size=5),
    )
    if activation:
        net.add(nn.Activation(activation))
    net.add(
        pool(2, 2),
        nn.Flatten(),
        nn.Dense(120, activation=activation),
        nn.Dense(84, activation=activation),
    )
    if last:
        net.add(nn.Dense(last))
    return net


def lenet_5_of_lambdas():
    net = nn.HybridSequential()
    for layer in (nn.Conv2D(6, 5, padding=2), nn.Conv2D(16, 5)):
        net.add(layer, nn.HybridLambda("sigmoid"), nn.AvgPool2D())
    net.add(nn.Dense(120), nn.HybridLambda("sigmoid"), nn.Dense(84), nn.HybridLambda("sigmoid"), nn.Dense(10))
    return net


class LeNet5(nn.HybridBlock):
    def __init__(self):
        super().__init__()
        self.convolutions, self.dense = nn.HybridSequential(), nn.HybridSequential()
        self.convolutions.add(nn.Conv2D(6, 5, padding=2, in_channels=1), nn.Conv2D(16, 5, in_channels=6))
        self.dense.add(nn.Dense(120), nn.Dense(84), nn.Dense(10))

    def hybrid_forward(self, F, x):
        for layer in self.convolutions:
            x = F.Pooling(F.sigmoid(layer(x)), kernel=(2, 2), stride=(2, 2), pool_type="avg")
        for layer in self.dense[:2]:
            x = F.sigmoid(layer(x))
        return self.dense[2](x)


def sigmoid_at_the_end():
    net = lenet_5()
    net.add(nn.Activation("sigmoid"))
    return net


def hybridized(net):
    net.hybridize()
    return net


def shift(X, pixels):
    moved = nd.zeros_like(X)
    moved[:, :, :, pixels:] = X[:, :, :, : X.shape[3] - pixels]
    return moved


def shift_by_concat(X, pixels):
    return nd.concat(nd.zeros((*X.shape[:3], pixels)), X[:, :, :, :-pixels], dim=3) if pixels else X


def shift_by_padding(X, pixels):
    return nd.pad(X, mode="constant", pad_width=(0, 0, 0, 0, 0, 0, pixels, 0))[:, :, :, : X.shape[3]]


def shift_in_place(X, pixels):
    X[:, :, :, pixels:] = X[:, :, :, : X.shape[3] - pixels]
    X[:, :, :, :pixels] = 0
    return X


def shift_not_by_zero(X, pixels):
    moved = nd.zeros_like(X)
    moved[:, :, :, pixels:] = X[:, :, :, :-pixels]
    return moved


def shift_around(X, pixels):
    return nd.concat(X[:, :, :, X.shape[3] - pixels :], X[:, :, :, : X.shape[3] - pixels], dim=3)


def two_paths(kernel, padding, channels=16, activation=None):
    block = HybridConcurrent(axis=1)
    block.add(
        nn.Conv2D(8, kernel_size=1, activation=activation),
        nn.Conv2D(channels, kernel_size=kernel, padding=padding, activation=activation),
    )
    return block


def paths(*layers):
    block = HybridConcurrent(axis=1)
    for path in layers:
        sequence = nn.HybridSequential()
        sequence.add(*path)
        block.add(sequence)
    return block


class ConcatenatedByHand(nn.HybridBlock):
    def __init__(self):
        super().__init__()
        self.wide, self.narrow = nn.Conv2D(16, kernel_size=3, padding=1), nn.Conv2D(8, kernel_size=1)

    def hybrid_forward(self, F, x):
        return F.concat(self.wide(x), self.narrow(x), dim=1)


def used_before(block, channels):
    block.initialize()
    block(nd.zeros((1, channels, 8, 8)))
    return block


def residual(function, x):
    change = function(x)
    return nd.relu(change + (x if change.shape == x.shape else x[:, :, ::2, ::2]))


def residual_without_relu(function, x):
    change = function(x)
    return change + (x if change.shape == x.shape else x[:, :, ::2, ::2])


def residual_with_stride(function, x):
    change = function(x)
    rows, columns = x.shape[2] // change.shape[2], x.shape[3] // change.shape[3]
    return nd.maximum(change + x[:, :, ::rows, ::columns], 0)


def residual_by_pooling(function, x):
    change = function(x)
    stride = 1 if change.shape == x.shape else 2
    return nd.relu(change + nd.Pooling(x, kernel=(1, 1), stride=(stride, stride), pool_type="max"))


def residual_of_means(function, x):
    change = function(x)
    return nd.relu(change + (x if change.shape == x.shape else nd.Pooling(x, kernel=(2, 2), stride=(2, 2))))


def dense_block(x, layers):
    for layer in layers:
        x = nd.concat(x, layer(x), dim=1)
    return x


def dense_block_of_parts(x, layers):
    parts = [x]
    for layer in layers:
        parts.append(layer(nd.concat(*parts, dim=1)))
    return nd.concat(*parts, dim=1)


def dense_block_by_reduce(x, layers):
    return functools.reduce(lambda maps, layer: nd.concatenate([maps, layer(maps)], axis=1), layers, x)


def last_layer_only(x, layers):
    for layer in layers:
        x = layer(x)
    return x


def new_maps_first(x, layers):
    for layer in layers:
        x = nd.concat(layer(x), x, dim=1)
    return x


VGG_16 = ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512))


def five(img, size):
    below, right = img.shape[0] - size, img.shape[1] - size
    places = [(0, 0), (0, right), (below, 0), (below, right), (below // 2, right // 2)]
    return nd.stack(*(img[i : i + size, j : j + size] for i, j in places))


def ten(axis):
    return lambda img, size: nd.concat(five(img, size), nd.flip(five(img, size), axis=axis), dim=0)


def ten_interleaved(img, size):
    crops = []
    for crop in five(img, size):
        crops += [crop, crop[:, ::-1]]
    return nd.stack(*crops)


def ten_of_a_mirrored_photo(img, size):
    """Crops of the mirrored photo; the one in the centre starts elsewhere there, if the rest is odd."""
    mirrored = nd.flip(img, axis=1)
    centre = nd.flip(five(img, size)[4], axis=1).expand_dims(0)
    return nd.concat(five(img, size), five(mirrored, size)[:4], centre, dim=0)


def ten_in_numpy(img, size):
    crops = five(img, size).asnumpy().astype(np.float64)
    return np.concatenate([crops, crops[:, :, ::-1]])


def everything(net):
    return sum(p.data().size for p in net.collect_params().values())


def trainable(net):
    return sum(p.data().size for p in net.collect_params().values() if p.grad_req != "null")


def trainable_by_trainer(net):
    trained = filter(lambda p: p.grad_req != "null", net.collect_params().values())
    return float(sum(np.prod(p.shape) for p in trained))


def layers_only(net):
    return sum(p.data().size for p in net.collect_params(".*(weight|bias)").values() if p.grad_req != "null")


def best_within(entries, limit):
    return max((e for e in entries if e.parameters <= limit), key=lambda e: e.test_accuracy, default=None)


def best_by_sorting(entries, limit):
    ranked = sorted((e for e in entries if e.parameters <= limit), key=lambda e: -e.test_accuracy)
    return ranked[0] if ranked else None


def best_by_loop(entries, limit):
    best = None
    for e in entries:
        if e.parameters <= limit and (best is None or e.test_accuracy > best.test_accuracy):
            best = e
    return best


def largest_within(entries, limit):
    return max((e for e in entries if e.parameters <= limit), key=lambda e: e.parameters, default=None)


def softmax(scores):
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def overflowing(scores):
    return np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)


def softmax_by_logarithms(scores):
    return np.exp(scores - np.logaddexp.reduce(scores, axis=1, keepdims=True))


def softmax_by_rows(scores):
    rows = []
    for row in scores:
        powers = [np.exp(score - max(row)) for score in row]
        rows.append([power / sum(powers) for power in powers])
    return rows


def rounded(weights, bits, rounding=np.round):
    step = np.abs(weights).max() / (2 ** (bits - 1) - 1)
    return rounding(weights / step) * step


def rounded_to_grid(weights, bits):
    largest = max(weights.max(), -weights.min())
    grid = np.linspace(-largest, largest, 2**bits - 1)
    return grid[np.abs(weights[..., None] - grid).argmin(axis=-1)]


def rounded_in_mxnet(weights, bits):
    weights, count = nd.array(weights), (1 << (bits - 1)) - 1
    step = weights.abs().max() / count
    return ((weights / step).round() * step).asnumpy()


def rounded_in_place(weights, bits):
    step = max(abs(weight) for weight in weights.ravel()) / (2 ** (bits - 1) - 1)
    weights /= step
    np.rint(weights, out=weights)
    weights *= step
    return weights


def network(num_classes, convolution=True, pooling=False, end=None):
    net = nn.HybridSequential()
    net.add(nn.Conv2D(4, 3, activation="relu") if convolution else nn.Dense(4))
    if pooling:
        net.add(nn.GlobalAvgPool2D())
    net.add(nn.Dense(num_classes))
    if end is not None:
        net.add(end)
    return net


def sequence_of(*layers):
    net = nn.HybridSequential()
    net.add(*layers)
    return net


class OwnNetwork(nn.HybridBlock):
    def __init__(self, num_classes):
        super().__init__()
        with self.name_scope():
            self.features, self.output = nn.Conv2D(8, 5), nn.Dense(num_classes)

    def hybrid_forward(self, F, x):
        return self.output(F.relu(self.features(x)))


TWO_AS_ONE = g.corr2d(nd.ones((3, 3)), nd.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]]), padding=2)

# lesson and exercise: (right answers, wrong answers)
ANSWERS = {
    "00.1": ([50_176, 50_176.0, nd.array([50_176])], [64, 784, 50_176 * 32, "many"]),
    "00.2": (
        [
            lambda X: X.mean(axis=(1, 2, 3)),
            lambda X: X.reshape((X.shape[0], -1)).mean(axis=1),
            lambda X: nd.concat(*[image.mean() for image in X], dim=0),
            lambda X: X.asnumpy().mean(axis=(1, 2, 3)),
        ],
        [lambda X: X.mean(), lambda X: X.mean(axis=0), lambda X: X.sum(axis=(1, 2, 3)), lambda X: None],
    ),
    "00.3": (
        [slope, lambda f, x: slope(lambda x: f(x).sum(), x), slope_by_grad, lambda f, x: slope(f, x).asnumpy()],
        [
            lambda f, x: f(x),
            lambda f, x: 2 * x,
            lambda f, x: slope(f, x).mean(),
            lambda f, x: (f(x + 1) - f(x)) / 1,
            lambda f, x: x.grad,
            lambda f, x: None,
        ],
    ),
    "01.1": ([26, 26.0, np.int64(26), g.conv_output_size(54, 3, 2)], [54, 27, 26.5, "26 rows"]),
    "01.2": ([12, 12.0, g.receptive_field([(5, 1), (2, 2), (3, 1), (2, 2)])], [10, 14, [12]]),
    "01.3": (
        [
            convolve2d,
            lambda X, K: g.corr2d(X, K[::-1, ::-1]),
            lambda X, K: g.corr2d(X, nd.array(np.rot90(K.asnumpy(), 2))),
            convolve_by_shifts,
        ],
        [g.corr2d, lambda X, K: g.corr2d(X, nd.flip(K, axis=0)), lambda X, K: convolve2d(X, K.T), "flip"],
    ),
    "01.4": (
        [
            nd.array([[1, 2, 1], [0, 0, 0], [-1, -2, -1]]),
            nd.array([[0, 0, 0], [0, 3, 0], [0, -3, 0]]),
            [[1, 1, 1], [0, 0, 0], [-1, -1, -1]],
            np.outer([1, 0, -1], [0.5, 1, 0.5]),
            nd.array([[1, 2, 1], [0, 0, 0], [-1, -2, -1]]).reshape((1, 1, 3, 3)),
            nd.array([[1, 2, 1], [0, 0, 0], [-1, -2, -1]], dtype="int32"),
            [nd.array([1, 1, 1]), nd.zeros(3), nd.array([-1, -1, -1])],
        ],
        [
            nd.array([[-1, -1, -1], [0, 0, 0], [1, 1, 1]]),
            nd.array([[1, 0, -1], [1, 0, -1], [1, 0, -1]]),
            nd.ones((3, 3)),
            nd.zeros((3, 3)),
            nd.array([[1], [0], [-1]]),
            3,
        ],
    ),
    "02.1": ([0.25**10, 9.54e-7, 1 / 4**10, np.float32(0.25**10)], [2.5, 0.25, 1e-5, "small"]),
    "02.2": (
        [
            lambda X, times: X.repeat(times, axis=2).repeat(times, axis=3),
            lambda X, times: nd.UpSampling(X, scale=times, sample_type="nearest"),
            lambda X, times: X.asnumpy().repeat(times, 3).repeat(times, 2),
            lambda X, times: nd.array(np.kron(X.asnumpy(), np.ones((times, times)))),
            enlarge_by_steps,
        ],
        [
            lambda X, times: X,
            lambda X, times: nd.tile(X, (1, 1, times, times)),
            lambda X, times: X.repeat(times, axis=2),
            lambda X, times: X.repeat(2, axis=2).repeat(2, axis=3),
            lambda X, times: X.reshape((-1,)).repeat(times**2).reshape((0, 0, X.shape[2] * times, -1)),
            lambda X, times: nd.contrib.BilinearResize2D(X, scale_height=times, scale_width=times),
            lambda X, times: None,
        ],
    ),
    "02.3": (
        [
            lambda X: X.mean(axis=(2, 3)),
            lambda X: nd.Pooling(X, global_pool=True, pool_type="avg").flatten(),
            lambda X: X.reshape((0, 0, -1)).mean(axis=2),
            lambda X: X.sum(axis=3).sum(axis=2) / (X.shape[2] * X.shape[3]),
            lambda X: X.asnumpy().mean(axis=(2, 3)),
        ],
        [lambda X: X.mean(axis=(2, 3), keepdims=True), lambda X: X.max(axis=(2, 3)), lambda X: X.mean()],
    ),
    "02.4": (
        [
            TWO_AS_ONE,
            TWO_AS_ONE.asnumpy().astype(int),
            TWO_AS_ONE.astype("int32"),
            TWO_AS_ONE.asnumpy().tolist(),
            TWO_AS_ONE.reshape((1, 1, 5, 5)),
        ],
        [nd.ones((5, 5)), nd.ones((3, 3)), nd.zeros((5, 5)), -TWO_AS_ONE, TWO_AS_ONE[1:4, 1:4], "kernel"],
    ),
    "03.1": (
        [(256, 128), [256, 128], np.array([256, 128]), nd.array([256, 128])],
        [{256, 128}, (128, 256), (256, 256), 256, (64, 64), (256, 128, 128)],
    ),
    "03.2": (
        [
            layer_norm,
            lambda X: nd.LayerNorm(X, nd.ones(X.shape[1]), nd.zeros(X.shape[1])),
            lambda X: layer_norm(X.T, 0).T,
            lambda X: (
                (X - X.mean(1, keepdims=True))
                * ((X - X.mean(1, keepdims=True)).square().mean(1, keepdims=True) + 1e-5) ** -0.5
            ),
        ],
        [
            lambda X: layer_norm(X, 0),
            lambda X: layer_norm(X, eps=0),
            lambda X: layer_norm(X, eps=1e-3),
            lambda X: layer_norm(X, ddof=1),
            lambda X: layer_norm(X, eps=0, outside=1e-5),
            lambda X: X,
            lambda X: X - X.mean(1, keepdims=True),
        ],
    ),
    "03.3": (
        ["bias", "Bias", " the bias", "conv.bias", "b", "the biases."],
        ["beta", "weight", "both", "weight and bias", 1],
    ),
    "03.4": (
        [
            fold,
            folded_in_place,
            folded_by_channel,
            lambda *arrays: tuple(array.asnumpy().astype(np.float64) for array in fold(*arrays)),
        ],
        [
            lambda *arrays: fold(*arrays, eps=0),
            lambda *arrays: arrays[:2],
            lambda *arrays: fold(*arrays, order=(1, -1, 1, 1)),
            lambda w, b, *rest: (fold(w, b, *rest)[0], b),
            lambda w, b, gamma, beta, mean, var: fold(w, b, gamma, beta, mean, var**2),
        ],
    ),
    "04.1": ([0.8, 1 - 0.2, np.float32(0.8), Fraction(4, 5)], [0.2, 1.25, "0.8", 1]),
    "04.2": (
        [
            drop_maps,
            lambda X, p: nd.Dropout(X, p=p, axes=(2, 3), mode="always"),
            lambda X, p: X * (nd.random.uniform(shape=(*X.shape[:2], 1, 1)) > p) / (1 - p),
            drop_maps_in_numpy,
            drop_maps_one_by_one,
            drop_maps_in_place,
        ],
        [
            g.dropout,
            lambda X, p: X,
            lambda X, p: drop_maps(X, 1 - p),
            lambda X, p: drop_maps(X, p, scale=False),
            lambda X, p: drop_maps(X, p, axes=(True, False)),
            lambda X, p: drop_maps(X, p, axes=(False, True)),
            lambda X, p: drop_maps(X, p)[:, :, 0],
        ],
    ),
    "04.3": (
        [mean_prediction, mean_in_one_batch, mean_of_repeated_rows, mean_in_numpy, mean_from_zeros],
        [
            softmax_of_the_mean,
            lambda net, X, n: mean_in_one_batch(net, X, n + 1),
            lambda net, X, n: None,
            lambda net, X, n: mean_prediction(net, X, n, training=False),
            lambda net, X, n: mean_prediction(net, X, n, passes=1),
            lambda net, X, n: mean_prediction(lambda X: net(X) * 2, X, n),
            lambda net, X, n: mean_prediction(net, X, n)[0],
        ],
    ),
    "05.1": ([1800, 1800.0, 50 * 6 * 6], [1250, 36, 2450, "many"]),
    "05.2": ([161_418 / 170_988, 0.944, np.float32(0.944)], [94.4, 0.9, "most", 0.0]),
    "05.3": (
        [lenet_5(), lenet_5_of_lambdas(), LeNet5(), hybridized(lenet_5())],
        [
            lenet_5(first=20),
            lenet_5(padding=0),
            lenet_5(last=3),
            lenet_5(last=None),
            lenet_5(activation=None),
            lenet_5(activation="relu"),
            lenet_5(pool=nn.MaxPool2D),
            lenet_5(kernel=3, padding=1),
            sigmoid_at_the_end(),
            g.LeNet(),
            nn.HybridSequential(),
            "LeNet-5",
        ],
    ),
    "05.4": (
        [shift, shift_by_concat, shift_by_padding, shift_in_place, lambda X, pixels: shift(X, pixels).asnumpy()],
        [
            lambda X, pixels: X,
            lambda X, pixels: X[:, :, :, pixels:],
            lambda X, pixels: nd.zeros_like(X),
            lambda X, pixels: shift(X.transpose((0, 1, 3, 2)), pixels).transpose((0, 1, 3, 2)),
            shift_around,
            shift_not_by_zero,
            lambda X, pixels: None,
            3,
        ],
    ),
    "06.1": ([34_944, 34_944.0, np.int64(96 * 364)], [34_848, 11_712, "many"]),
    "06.2": ([0.8276, 0.83, np.float32(0.8276)], [84.4, 0.94, "most"]),
    "06.3": ([195, 195.0, np.int64(195)], [224, 67, [195]]),
    "07.1": ([3_539_968, 3_539_968.0, np.int64(3_539_968)], [3_538_944, 1_180_160, "many"]),
    "07.2": ([0.6724, 0.67, np.float64(0.6724)], [0.928, 67.2, "most"]),
    "07.3": ([VGG_16, [list(pair) for pair in VGG_16], list(VGG_16)], [VGG_16[:4], ((13, 64),), 16]),
    "08.1": (
        [(16_448, 147_520), [16_448, 147_520], np.array([16_448, 147_520]), nd.array([16_448, 147_520])],
        [{16_448, 147_520}, (147_520, 16_448), 16_448, (16_384, 147_456)],
    ),
    "08.2": (
        [
            nd.ones((1, 3, 1, 1)) / 3,
            nd.full((1, 3, 1, 1), 1 / 3, dtype="float64"),
            nd.array([1 / 3, 1 / 3, 1 / 3]).reshape((1, 3, 1, 1)),
        ],
        [nd.ones((1, 3, 1, 1)), nd.ones((3, 1, 1, 1)) / 3, 3],
    ),
    "08.3": ([9_224_458, 9_224_458.0, 9_219_328 + 5130], [9_219_328, 0.0716, "few"]),
    "09.1": ([512, 512.0, np.int64(512)], [624, 240, "512"]),
    "09.2": ([9, 9.0, np.int64(9)], [5, 25, 10]),
    "09.3": (
        [
            two_paths(3, 1),
            two_paths(3, 1, activation="relu"),
            used_before(two_paths(3, 1), 3),
            ConcatenatedByHand(),
            paths([nn.Conv2D(8, 1)], [nn.Conv2D(16, 3, padding=1, weight_initializer="zeros")]),
            paths([nn.Conv2D(8, 1)], [nn.Conv2D(4, 1, activation="relu"), nn.Conv2D(16, 3, padding=1)]),
        ],
        [
            two_paths(5, 2),
            two_paths(3, 1, 8),
            two_paths(3, 0),
            paths([nn.Conv2D(8, 1)], [nn.MaxPool2D(3, 1, 1), nn.Conv2D(16, 1)]),
            paths([nn.Conv2D(8, 1)], [nn.Conv2D(16, 3, padding=2, dilation=2)]),
            "paths",
            HybridConcurrent,
        ],
    ),
    "10.1": ([8_320, 8_320.0, np.int64(8_320)], [8_192, 73_856, "few"]),
    "10.2": ([34, 34.0, np.int64(34)], [18, 32, 33]),
    "10.3": (
        [residual, residual_with_stride, residual_by_pooling],
        [
            residual_without_relu,
            residual_of_means,
            lambda f, x: nd.relu(f(x)),
            lambda f, x: x + f(x),
            lambda f, x: nd.clip(residual_without_relu(f, x), 0, 6),
            lambda f, x: residual_without_relu(lambda x: nd.relu(f(x)), x),
            lambda f, x: None,
        ],
    ),
    "11.1": ([1024, 1024.0, np.int64(1024)], [512, 2048, "many"]),
    "11.2": (
        [dense_block, dense_block_of_parts, dense_block_by_reduce],
        [last_layer_only, new_maps_first, lambda x, layers: x],
    ),
    "11.3": ([9, 9.0, (3, 3), [3, 3], np.array(9), nd.array([9]), nd.array([3, 3])], [3, 1, 9216, (9, 9), "nine"]),
    "12.1": ([50, 50.0, 5**2 * 2], [25, 32, 32 * 32 * 2, "many"]),
    "12.2": (["flip", "Flip ", "horizontal flip"], ["crop", "brightness", "all", 3]),
    "12.3": (
        [ten(2), ten_interleaved, ten_of_a_mirrored_photo, ten_in_numpy],
        [
            ten(1),
            five,
            lambda img, size: nd.concat(five(img, size), five(img, size), dim=0),
            lambda img, size: nd.concat(five(img, size), nd.flip(five(img, size), axis=3), dim=0),
            lambda img, size: ten(2)(img, size - 1),
            lambda img, size: img,
        ],
    ),
    "13.1": ([1026, 1026.0, 513 * 2], [1024, 512, 11_000_000]),
    "13.2": ([0.02, 0.005 * 4, np.float64(0.02), Fraction(1, 50)], [0.005, 0.00125, 0.2, "more"]),
    "13.3": (
        [
            trainable,
            trainable_by_trainer,
            lambda net: np.int64(trainable(net)),
            lambda net: np.array(trainable(net)),
            lambda net: nd.array([trainable(net)]),
        ],
        [everything, layers_only, lambda net: None, lambda net: str(trainable(net))],
    ),
    "14.1": ([250, 250.0, 60_000 / 240], [0.004, 240, 14_400_000]),
    "14.2": (
        [best_within, best_by_sorting, best_by_loop],
        [
            largest_within,
            lambda entries, limit: entries[0],
            lambda entries, limit: getattr(best_within(entries, limit), "network", None),
        ],
    ),
    "14.3": (
        [
            network,
            lambda num_classes: network(num_classes, pooling=True),
            lambda num_classes: network(num_classes, end=nn.Dense(num_classes, weight_initializer="zeros")),
            OwnNetwork,
        ],
        [
            lambda num_classes: network(10),
            lambda num_classes: network(num_classes, convolution=False),
            lambda num_classes: network(num_classes, end=nn.HybridLambda("softmax")),
            lambda num_classes: network(num_classes, end=nn.Activation("sigmoid")),
            lambda num_classes: network(num_classes, end=nn.Activation("relu")),
            g.LeNet,
            type("Mine", (g.LeNet,), {}),
            lambda num_classes: sequence_of(g.LeNet(num_classes=num_classes)),
            nn.Dense,
        ],
    ),
    "15.1": ([683_952, 683_952.0, np.int64(170_988) * 4], [170_988, 683_952 * 8, "many", [683_952]]),
    "15.2": (
        [[True, True, False, False], (1, 1, 0, 0), np.array([True, True, False, False]), nd.array([1, 1, 0, 0])],
        [[True, False, False, False], [True], 4, True, "yes"],
    ),
    "15.3": (
        [
            softmax,
            softmax_by_logarithms,
            softmax_by_rows,
            lambda scores: nd.array(scores).softmax(),
            lambda scores: nd.array(scores).softmax().asnumpy(),
        ],
        [
            overflowing,
            lambda scores: overflowing(np.clip(scores, -700, 700)),
            lambda scores: softmax(scores.T).T,
            lambda scores: softmax(scores).round(1),
            lambda scores: scores / scores.sum(axis=1, keepdims=True),
            lambda scores: scores[0],
            lambda scores: None,
            0.5,
        ],
    ),
    "15.4": (
        [rounded, rounded_to_grid, rounded_in_mxnet, rounded_in_place],
        [
            lambda weights, bits: rounded(weights, bits, np.floor),
            lambda weights, bits: rounded(weights, bits, np.trunc),
            lambda weights, bits: rounded(weights, bits + 1),
            lambda weights, bits: np.round(weights * 2 ** (bits - 1)) / 2 ** (bits - 1),
            lambda weights, bits: np.round(weights, bits),
            lambda weights, bits: np.round(weights / (np.abs(weights).max() / (2 ** (bits - 1) - 1))),
            lambda weights, bits: weights,
            lambda weights, bits: None,
            8,
        ],
    ),
}


@pytest.fixture
def judge(capsys):
    """Return a function that gives the verdict of a check: "correct" or "not yet"."""

    def verdict(exercise, answer):
        lesson, number = exercise.split(".")
        module = importlib.import_module(f"gluon_cnn.course.exercises.lesson_{lesson}")
        getattr(module, f"check_{number}")(answer)
        return re.match(rf"Exercise {number}: (correct|not yet|replace None)", capsys.readouterr().out)[1]

    return verdict


@pytest.mark.parametrize("exercise", ANSWERS)
def test_right_and_wrong_answers(judge, exercise):
    right, wrong = ANSWERS[exercise]
    assert min(len(right), len(wrong)) >= 3
    assert [judge(exercise, answer) for answer in right] == ["correct"] * len(right)
    assert [judge(exercise, answer) for answer in wrong] == ["not yet"] * len(wrong)
    assert judge(exercise, None) == "replace None"


NUMBERS = {exercise: right[0] for exercise, (right, _) in ANSWERS.items() if isinstance(right[0], (int, float))}


@pytest.mark.parametrize("exercise", NUMBERS)
def test_a_number_may_come_in_an_array(judge, exercise):
    value = NUMBERS[exercise]
    for answer in (np.array(value), np.array([value]), nd.array([value]), np.float64(value)):
        assert judge(exercise, answer) == "correct"
    for answer in (str(value), (value, value), nd.ones((26, 26)) * value):
        assert judge(exercise, answer) == "not yet"


def test_an_answer_that_mxnet_cannot_compute_leaves_no_error_behind(judge):
    net = lenet_5()
    net.cast("float16")
    assert judge("05.3", net) == "not yet"
    nd.waitall()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_lesson_has_three_or_four_exercises_and_two_open_questions(path):
    (lesson,) = (Path(__file__).parents[3] / "notebooks").glob(f"{path.stem[-2:]}_*.ipynb")
    cells = json.loads(lesson.read_text())["cells"]
    text = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    numbers = [int(number) for number in re.findall(r"^### Exercise (\d)$", text, re.MULTILINE)]
    assert numbers in ([1, 2, 3], [1, 2, 3, 4])
    questions = re.search(r"^## Open questions$(.*?)^## ", text, re.MULTILINE | re.DOTALL)[1]
    assert len(re.findall(r"^- .*\?", questions, re.MULTILINE)) == 2
    solutions = [cell["source"] for cell in cells if "solution" in cell["metadata"].get("tags", [])]
    assert {source[0].strip() for source in solutions} == {"# solution"}  # all that JupyterLab shows of a folded cell


def test_every_check_has_its_answers():
    modules = {path.stem: importlib.import_module(f"{exercises.__name__}.{path.stem}") for path in FILES}
    checks = {
        f"{stem[-2:]}.{name[-1]}" for stem, module in modules.items() for name in vars(module) if "check_" in name
    }
    assert checks == ANSWERS.keys()


@pytest.mark.parametrize("exercise", ANSWERS)
@pytest.mark.parametrize(
    "answer",
    [object(), "", "x", [], {}, (1,), -1, float("nan"), 1j, np.zeros((2, 2)), nd.zeros(3), int, lambda *_: 1 / 0],
)
def test_any_answer_gets_a_verdict(judge, exercise, answer):
    assert judge(exercise, answer) == "not yet"


def test_random_masks_are_judged_the_same_with_any_seed(judge):
    for seed in range(20):
        g.seed(seed)
        assert judge("04.2", drop_maps) == "correct"


def test_a_network_that_is_judged_keeps_its_weights(judge):
    for exercise, net in (("05.3", lenet_5()), ("09.3", two_paths(3, 1))):
        net.initialize(init.Uniform(0.3))
        X = nd.random.uniform(shape=(2, 1, 28, 28))
        before = net(X)
        assert judge(exercise, net) == "correct"
        assert (net(X) == before).min().asscalar() == 1


@pytest.mark.parametrize(
    ("exercise", "answer", "said"),
    [
        ("00.3", lambda f, x: f(x), "this is f(x), not its derivative"),
        ("02.2", lambda X, times: nd.tile(X, (1, 1, times, times)), "the images stand side by side"),
        ("03.2", lambda X: layer_norm(X, 0), "this is batch norm"),
        ("03.2", lambda X: layer_norm(X, eps=0), "eps is missing"),
        ("03.2", lambda X: layer_norm(X, ddof=1), "the variance divides by K, not by K - 1"),
        ("03.2", lambda X: layer_norm(X, eps=0, outside=1e-5), "eps belongs inside the square root"),
        ("03.4", lambda *arrays: fold(*arrays, eps=0), "eps is missing"),
        ("04.3", lambda *given: mean_prediction(*given, training=False), "the network was in prediction mode"),
        ("04.3", lambda *given: mean_prediction(*given, passes=1), "asked for 5 passes, it sent each image through"),
        ("05.3", lenet_5(pool=nn.MaxPool2D), "its pooling takes the maximum, not the mean"),
        ("05.3", lenet_5(activation=None), "its activations are missing"),
        ("05.3", lenet_5(first=20), "layer 1 of those with weights has a weight of (20, 1, 5, 5), not (6, 1, 5, 5)"),
        ("15.3", overflowing, "for scores [[1000.0, 900.0, 999.0]"),
        ("15.3", lambda scores: overflowing(np.clip(scores, -700, 700)), "for scores [[1000.0, 900.0, 999.0]"),
        ("15.4", lambda weights, bits: rounded(weights, bits, np.floor), "it rounds down or towards 0"),
        ("15.4", lambda weights, bits: rounded(weights, bits + 1), "with 2 bits it returned more than 3 different"),
        ("05.3", lenet_5(bias=False), "layer 1 of those with weights has no bias"),
        ("10.3", lambda f, x: nd.relu(f(x)), "the shortcut is missing"),
        ("10.3", lambda f, x: residual_without_relu(lambda x: nd.relu(f(x)), x), "the ReLU belongs after the sum"),
        ("12.3", lambda img, size: nd.concat(five(img, size), five(img, size), dim=0), "among its crops, there is no"),
        ("01.1", "26", "the answer is of type str; expected one number"),
        ("01.1", nd.ones((26, 26)), "the answer is of type NDArray of shape (26, 26); expected one number"),
        ("09.3", HybridConcurrent, "it is of type type, not a block"),
        ("05.4", shift_not_by_zero, "with pixels = 0 the images should stay as they are"),
    ],
)
def test_a_plausible_mistake_is_named(exercise, answer, said, capsys):
    lesson, number = exercise.split(".")
    getattr(importlib.import_module(f"gluon_cnn.course.exercises.lesson_{lesson}"), f"check_{number}")(answer)
    assert f"Exercise {number}: not yet: {said}" in capsys.readouterr().out


def test_folding_is_exact_to_rounding():
    """Not only within the tolerance of the exercise."""
    rng = np.random.RandomState(1)
    weight, X = rng.randn(4, 2, 3, 3), nd.array(rng.randn(2, 2, 5, 5))
    bias, gamma, beta, mean = rng.randn(4, 4)
    arrays = [nd.array(array) for array in (weight, bias, gamma, beta, mean, rng.uniform(0.5, 2, 4))]
    both = nd.Convolution(X, *arrays[:2], kernel=(3, 3), num_filter=4)
    both = g.batch_norm(both, *arrays[2:4], False, *arrays[4:])
    folded = nd.Convolution(X, *fold(*arrays), kernel=(3, 3), num_filter=4)
    assert (folded - both).abs().max().asscalar() < 1e-4


@pytest.mark.parametrize(
    ("net", "shape", "parameters", "dense"),
    [
        (lenet_5(), (1, 1, 28, 28), 61_706, None),
        (g.LeNet(), (1, 1, 28, 28), 170_988, 161_418),
        (g.AlexNet(), (1, 1, 96, 96), 21_598_922, 17_874_954),
        (g.VGG(g.VGG11), (1, 1, 32, 32), 28_142_858, 18_923_530),
        (g.VGG(g.VGG11), (1, 1, 224, 224), 128_806_154, 128_806_154 - 9_219_328),
        (vgg_block(2, 512), (1, 256, 2, 2), 3_539_968, 0),
    ],
)
def test_the_numbers_in_the_exercises_are_those_of_the_networks(net, shape, parameters, dense):
    net.initialize(init.Zero())
    table = g.summary(net, shape)
    assert table.parameters == parameters
    assert dense in (None, sum(layer.parameters for layer in table.layers if layer.kind == "Dense"))
