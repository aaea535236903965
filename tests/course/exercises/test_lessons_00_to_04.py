"""The checks of lessons 00-04 accept right answers and no others; the lessons themselves run their worked solutions."""

import gluon_cnn as g
import numpy as np
import pytest
from gluon_cnn.course.exercises import lesson_00, lesson_01, lesson_02, lesson_03, lesson_04
from mxnet import autograd, nd


def verdict(capsys, check, answer):
    check(answer)
    return capsys.readouterr().out.split(": ", 1)[1].split(".")[0].split(":")[0]


def convolve2d(X, K):
    return g.corr2d(X, nd.flip(K, axis=(0, 1)))


def layer_norm(X, axis=1):
    mean = X.mean(axis=axis, keepdims=True)
    return (X - mean) / (((X - mean) ** 2).mean(axis=axis, keepdims=True) + 1e-5).sqrt()


def fold(weight, bias, gamma, beta, mean, variance, order=(-1, 1, 1, 1)):
    scale = gamma / (variance + 1e-5).sqrt()
    return weight * scale.reshape(order), (bias - mean) * scale + beta


def drop_maps(X, p, axes=(True, True), scale=True):
    shape = tuple(size if kept else 1 for size, kept in zip(X.shape, axes))
    return X * g.dropout(nd.ones((*shape, 1, 1)), p, mode="upscale_in_train" if scale else "downscale_in_infer")


def mean_prediction(net, X, n, training=True, passes=None):
    with autograd.train_mode() if training else autograd.predict_mode():
        return nd.add_n(*[net(X).softmax() for _ in range(passes or n)]) / n


ANSWERS = [
    (lesson_00.check_1, [50_176, 50_176.0], [64, "many"]),
    (
        lesson_00.check_2,
        [lambda X: X.mean(axis=(1, 2, 3)), lambda X: X.reshape((X.shape[0], -1)).mean(axis=1)],
        [lambda X: X.mean(), lambda X: X.mean(axis=0), lambda X: X.sum(axis=(1, 2, 3)), lambda X: None],
    ),
    (lesson_01.check_1, [26], [54, 27, "26 rows"]),
    (lesson_01.check_2, [12], [10, 14, [12]]),
    (
        lesson_01.check_3,
        [convolve2d],
        [g.corr2d, lambda X, K: g.corr2d(X, nd.flip(K, axis=0)), lambda X, K: convolve2d(X, K.T), "flip"],
    ),
    (
        lesson_01.check_4,
        [nd.array([[1, 2, 1], [0, 0, 0], [-1, -2, -1]]), nd.array([[0, 0, 0], [0, 3, 0], [0, -3, 0]])],
        [
            nd.array([[-1, -1, -1], [0, 0, 0], [1, 1, 1]]),
            nd.array([[1, 0, -1], [1, 0, -1], [1, 0, -1]]),
            nd.ones((3, 3)),
            nd.zeros((3, 3)),
            nd.array([[1], [0], [-1]]),
            3,
        ],
    ),
    (lesson_02.check_1, [0.25**10, 9.54e-7], [2.5, 0.25, 1e-5, "small"]),
    (
        lesson_02.check_2,
        [lambda X, times: X.repeat(times, axis=2).repeat(times, axis=3)],
        [
            lambda X, times: X,
            lambda X, times: nd.tile(X, (1, 1, times, times)),
            lambda X, times: X.repeat(times, axis=2),
        ],
    ),
    (
        lesson_02.check_3,
        [lambda X: X.mean(axis=(2, 3)), lambda X: nd.Pooling(X, global_pool=True, pool_type="avg").flatten()],
        [lambda X: X.mean(axis=(2, 3), keepdims=True), lambda X: X.max(axis=(2, 3)), lambda X: X.mean()],
    ),
    (
        lesson_02.check_4,
        [g.corr2d(nd.ones((3, 3)), nd.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]]), padding=2)],
        [nd.ones((5, 5)), nd.ones((3, 3)), nd.zeros((5, 5))],
    ),
    (lesson_03.check_1, [(256, 128), [256, 128]], [(128, 256), (256, 256), 256, (64, 64)]),
    (
        lesson_03.check_2,
        [layer_norm],
        [lambda X: layer_norm(X, 0), lambda X: X, lambda X: X - X.mean(1, keepdims=True)],
    ),
    (lesson_03.check_3, ["bias", "Bias"], ["weight", 1]),
    (
        lesson_03.check_4,
        [fold],
        [
            lambda *arrays: arrays[:2],
            lambda *arrays: fold(*arrays, order=(1, -1, 1, 1)),
            lambda w, b, *rest: (fold(w, b, *rest)[0], b),
            lambda w, b, gamma, beta, mean, var: fold(w, b, gamma, beta, mean, var**2),
        ],
    ),
    (lesson_04.check_1, [0.8], [0.2, 1.25, "0.8"]),
    (
        lesson_04.check_2,
        [drop_maps],
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
    (
        lesson_04.check_3,
        [mean_prediction],
        [
            lambda net, X, n: mean_prediction(net, X, n, training=False),
            lambda net, X, n: mean_prediction(net, X, n, passes=1),
            lambda net, X, n: mean_prediction(lambda X: net(X) * 2, X, n),
            lambda net, X, n: mean_prediction(net, X, n)[0],
        ],
    ),
]


@pytest.mark.parametrize(("check", "right", "wrong"), ANSWERS, ids=lambda value: getattr(value, "__module__", None))
def test_right_and_wrong_answers(capsys, check, right, wrong):
    assert [verdict(capsys, check, answer) for answer in right] == ["right"] * len(right)
    assert [verdict(capsys, check, answer) for answer in wrong] == ["not yet"] * len(wrong)
    assert verdict(capsys, check, None).startswith("replace None")


def test_random_masks_are_judged_the_same_with_any_seed(capsys):
    for seed in range(20):
        g.seed(seed)
        assert verdict(capsys, lesson_04.check_2, drop_maps) == "right"


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
