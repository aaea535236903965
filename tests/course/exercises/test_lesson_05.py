"""The checks of lesson 05 accept right answers and no others; the lesson itself runs its worked solutions."""

import pytest
from gluon_cnn.course.exercises import lesson_05
from gluon_cnn.networks import summary
from mxnet import nd
from mxnet.gluon import nn


def verdict(capsys, check, answer):
    check(answer)
    return capsys.readouterr().out.split(": ", 1)[1].split(".")[0].split(":")[0]


def lenet_5(first=6, padding=2, last=10):
    net = nn.HybridSequential()
    net.add(
        nn.Conv2D(first, kernel_size=5, padding=padding, activation="sigmoid"),
        nn.AvgPool2D(2, 2),
        nn.Conv2D(16, kernel_size=5),
        nn.Activation("sigmoid"),
        nn.AvgPool2D(2, 2),
        nn.Flatten(),
        nn.Dense(120, activation="sigmoid"),
        nn.Dense(84, activation="sigmoid"),
    )
    if last:
        net.add(nn.Dense(last))
    return net


def shift(X, pixels):
    moved = nd.zeros_like(X)
    moved[:, :, :, pixels:] = X[:, :, :, : X.shape[3] - pixels]
    return moved


@pytest.mark.parametrize(
    ("check", "right", "wrong"),
    [
        (lesson_05.check_1, [1800], [1250, 36, "many"]),
        (lesson_05.check_2, [161_418 / 170_988, 0.944], [94.4, 0.9, "most", 0.0]),
        (
            lesson_05.check_3,
            [lenet_5()],
            [lenet_5(first=20), lenet_5(padding=0), lenet_5(last=3), lenet_5(last=None), "LeNet-5"],
        ),
        (
            lesson_05.check_4,
            [shift],
            [lambda X, pixels: X, lambda X, pixels: X[:, :, :, pixels:], lambda X, pixels: nd.zeros_like(X), 3],
        ),
    ],
)
def test_right_and_wrong_answers(capsys, check, right, wrong):
    assert [verdict(capsys, check, answer) for answer in right] == ["right"] * len(right)
    assert [verdict(capsys, check, answer) for answer in wrong] == ["not yet"] * len(wrong)
    assert verdict(capsys, check, None).startswith("replace None")


def test_the_number_of_parameters_that_exercise_3_tells():
    net = lenet_5()
    net.initialize()
    assert f"{summary.summary(net, (1, 1, 28, 28)).parameters:,}" == "61,706"
