"""The checks of lessons 12 to 15 accept right answers and no others; the lessons themselves run their solutions."""

import numpy as np
import pytest
from gluon_cnn.course.exercises import lesson_12, lesson_13, lesson_14, lesson_15
from mxnet import nd
from mxnet.gluon import nn


def five(img, size):
    below, right = img.shape[0] - size, img.shape[1] - size
    places = [(0, 0), (0, right), (below, 0), (below, right), (below // 2, right // 2)]
    return nd.stack(*(img[i : i + size, j : j + size] for i, j in places))


def ten(axis):
    return lambda img, size: nd.concat(five(img, size), nd.flip(five(img, size), axis=axis), dim=0)


def everything(net):
    return sum(p.data().size for p in net.collect_params().values())


def trainable(net):
    return sum(p.data().size for p in net.collect_params().values() if p.grad_req != "null")


def best_within(entries, limit):
    return max((e for e in entries if e.parameters <= limit), key=lambda e: e.test_accuracy, default=None)


def largest_within(entries, limit):
    return max((e for e in entries if e.parameters <= limit), key=lambda e: e.parameters, default=None)


def softmax(scores):
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def overflowing(scores):
    return np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)


def network(num_classes, units=None, convolution=True):
    net = nn.HybridSequential()
    net.add(nn.Conv2D(4, 3) if convolution else nn.Dense(4), nn.Dense(units or num_classes))
    return net


@pytest.mark.parametrize(
    ("check", "right", "wrong"),
    [
        (lesson_12.check_1, [50], [25, 32, "many"]),
        (lesson_12.check_2, ["flip", "Flip "], ["crop", "brightness", 3]),
        (lesson_12.check_3, [ten(2)], [ten(1), five, lambda img, size: img]),
        (lesson_13.check_1, [1026], [1024, 512]),
        (lesson_13.check_2, [0.02, 0.005 * 4], [0.005, 0.00125, "more"]),
        (lesson_13.check_3, [trainable], [everything, lambda net: None]),
        (lesson_14.check_1, [250, 250.0], [0.004, 240]),
        (lesson_14.check_2, [best_within], [largest_within, lambda entries, limit: entries[0]]),
        (
            lesson_14.check_3,
            [network],
            [lambda num_classes: network(10), lambda num_classes: network(num_classes, convolution=False), nn.Dense],
        ),
        (lesson_15.check_1, [683_952], [170_988, 683_952 * 8]),
        (lesson_15.check_2, [[True, True, False, False], (1, 1, 0, 0)], [[True, False, False, False], [True], 4]),
        (lesson_15.check_3, [softmax], [overflowing, lambda scores: softmax(scores.T).T, lambda scores: scores[0]]),
    ],
)
def test_right_and_wrong_answers(check, right, wrong, capsys):
    for answer in right:
        check(answer)
        assert ": right. " in capsys.readouterr().out
    for answer in wrong:
        check(answer)
        assert ": not yet" in capsys.readouterr().out
    check(None)
    assert "replace None" in capsys.readouterr().out
