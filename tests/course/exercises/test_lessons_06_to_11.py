"""The checks of lessons 06 to 11 accept right answers and no others; the lessons themselves run their solutions."""

import pytest
from gluon_cnn.course.exercises import lesson_06, lesson_07, lesson_08, lesson_09, lesson_10, lesson_11
from mxnet import nd
from mxnet.gluon import nn
from mxnet.gluon.contrib.nn import HybridConcurrent


def two_paths(kernel, padding, channels=16, activation=None):
    block = HybridConcurrent(axis=1)
    block.add(
        nn.Conv2D(8, kernel_size=1, activation=activation),
        nn.Conv2D(channels, kernel_size=kernel, padding=padding, activation=activation),
    )
    return block


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


def dense_block(x, layers):
    for layer in layers:
        x = nd.concat(x, layer(x), dim=1)
    return x


def last_layer_only(x, layers):
    for layer in layers:
        x = layer(x)
    return x


def new_maps_first(x, layers):
    for layer in layers:
        x = nd.concat(layer(x), x, dim=1)
    return x


VGG_16 = ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512))


@pytest.mark.parametrize(
    ("check", "right", "wrong"),
    [
        (lesson_06.check_1, [34_944], [34_848, 11_712, "many"]),
        (lesson_06.check_2, [0.8276, 0.83], [84.4, 0.94, "most"]),
        (lesson_06.check_3, [195], [224, 67, [195]]),
        (lesson_07.check_1, [3_539_968], [3_538_944, 1_180_160, "many"]),
        (lesson_07.check_2, [0.6724, 0.67], [0.928, 67.2, "most"]),
        (lesson_07.check_3, [VGG_16, [list(pair) for pair in VGG_16]], [VGG_16[:4], ((13, 64),), 16]),
        (lesson_08.check_1, [(16_448, 147_520), [16_448, 147_520]], [(147_520, 16_448), 16_448, (16_384, 147_456)]),
        (lesson_08.check_2, [nd.ones((1, 3, 1, 1)) / 3], [nd.ones((1, 3, 1, 1)), nd.ones((3, 1, 1, 1)) / 3, 3]),
        (lesson_08.check_3, [9_224_458], [9_219_328, 0.0716, "few"]),
        (lesson_09.check_1, [512], [624, 240, "512"]),
        (lesson_09.check_2, [9], [5, 25, 10]),
        (
            lesson_09.check_3,
            [two_paths(3, 1), two_paths(3, 1, activation="relu"), used_before(two_paths(3, 1), 3)],
            [two_paths(5, 2), two_paths(3, 1, 8), two_paths(3, 0), "paths"],
        ),
        (lesson_10.check_1, [8_320], [8_192, 73_856, "few"]),
        (lesson_10.check_2, [34], [18, 32, 33]),
        (lesson_10.check_3, [residual], [residual_without_relu, lambda f, x: nd.relu(f(x)), lambda f, x: None]),
        (lesson_11.check_1, [1024], [512, 2048, "many"]),
        (lesson_11.check_2, [dense_block], [last_layer_only, new_maps_first, lambda x, layers: x]),
        (lesson_11.check_3, [9, (3, 3)], [3, 1, 9216]),
    ],
)
def test_right_and_wrong_answers(capsys, check, right, wrong):
    def verdict(answer):
        check(answer)
        return capsys.readouterr().out.split(": ", 1)[1].split(".")[0].split(":")[0]

    assert [verdict(answer) for answer in right] == ["right"] * len(right)
    assert [verdict(answer) for answer in wrong] == ["not yet"] * len(wrong)
    assert verdict(None).startswith("replace None")
