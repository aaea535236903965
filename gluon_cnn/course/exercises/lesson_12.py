"""Checks for the exercises of lesson 12, image augmentation."""

import numpy as np
from gluon_cnn.course.answers import IncorrectAnswer, call_answer, equals, exercise
from mxnet import nd

check_1 = exercise(
    1,
    "a window of 28 has 32 - 28 + 1 positions in each direction, and each crop has a mirror image.",
    "5 * 5 * 2. They are worth far less than 50 new photos, but no two are equal.",
)(equals(50))

check_2 = exercise(
    2,
    "which of them turns the image of a digit into something that is not a digit, or into another digit?",
    "A mirrored 2 is not a 2. After a small shift or a change of brightness, it still is.",
)(lambda answer: str(answer).strip().lower() in ("flip", "horizontal flip", "horizontalflipaug"))


@exercise(
    3,
    "stack the five crops of five_crop_predict, then nd.concat their mirror images: flip axis 2 of (5, H, W, C).",
    "At test time, ten crops take ten times the work; five_crop_predict leaves out the mirror images.",
)
def check_3(ten_crops):
    img, size = nd.random.uniform(shape=(7, 9, 3)), 4
    crops = call_answer(ten_crops, img.copy(), size, shape=(10, size, size, 3)).asnumpy().astype(np.float32)
    pixels = img.asnumpy()
    corners = {"top left": (0, 0), "top right": (0, 5), "bottom left": (3, 0), "bottom right": (3, 5), "centre": (1, 2)}
    expected = {name: pixels[i : i + size, j : j + size] for name, (i, j) in corners.items()}
    got = {crop.tobytes() for crop in crops}
    if got & {crop[::-1].tobytes() for crop in expected.values()}:
        raise IncorrectAnswer("some crops are upside down; a mirror image swaps left and right")
    mirrored = {f"mirrored {name}": crop[:, ::-1] for name, crop in expected.items()}
    missing = [name for name, crop in (expected | mirrored).items() if crop.tobytes() not in got]
    if missing:
        raise IncorrectAnswer(f"among its crops, there is no {' and no '.join(missing)}")
    return True
