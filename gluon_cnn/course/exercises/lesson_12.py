"""Checks for the exercises of lesson 12, image augmentation."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from gluon_cnn.course.answers import WrongAnswer, judge, result_of
from mxnet import nd


def check_1(answer: int | None) -> None:
    """Judge how many pictures flips and crops make of one."""
    judge(
        1,
        answer,
        lambda value: value == 50,
        "a window of 28 has 32 - 28 + 1 places in each direction, and each crop has a mirror image.",
        "5 * 5 * 2. They are far from 50 new photos, but no two are equal.",
    )


def check_2(answer: str | None) -> None:
    """Judge which augmenter teaches a reader of digits something wrong."""
    judge(
        2,
        answer,
        lambda value: str(value).strip().lower() in ("flip", "horizontal flip", "horizontalflipaug"),
        "which of them turns the picture of a digit into something that is no digit, or another one?",
        "A 2 seen in the mirror is no 2. A small shift and other brightness leave it what it is.",
    )


def check_3(answer: Callable | None) -> None:
    """Judge the ten crops of the AlexNet paper."""
    judge(
        3,
        answer,
        _is_ten_crops,
        "stack the five crops of five_crop_predict, then nd.concat their mirror images: axis 2 of (5, H, W, C).",
        "At test time they cost ten times the work; five_crop_predict leaves out the mirror images.",
    )


def _is_ten_crops(ten_crops: Callable) -> bool:
    img, size = nd.random.uniform(shape=(7, 9, 3)), 4
    crops = result_of(ten_crops, img.copy(), size).asnumpy()
    if crops.shape != (10, size, size, 3):
        raise WrongAnswer(f"it made {crops.shape} of a picture of {img.shape}, expected {(10, size, size, 3)}")
    pixels = img.asnumpy()
    places = [(0, 0), (0, 5), (3, 0), (3, 5), (1, 2)]
    expected = [pixels[i : i + size, j : j + size] for i, j in places]
    expected += [crop[:, ::-1] for crop in expected]
    got = {crop.tobytes() for crop in crops}
    upside_down = {crop[::-1].copy().tobytes() for crop in expected[:5]}
    if upside_down & got:
        raise WrongAnswer("some crops are upside down; a mirror image swaps left and right")
    return got == {np.ascontiguousarray(crop).tobytes() for crop in expected}
