"""Checks for the exercises of lesson 15, the way out of MXNet."""

import numpy as np
from gluon_cnn.course.answers import WrongAnswer, equals, exercise, expect_shape

check_1 = exercise(
    1,
    "the number of values in all arrays, counted above, times the bytes in 32 bits.",
    "170,988 * 4 = 683,952; the rest of the file is names and shapes.",
)(equals(170_988 * 4))

check_2 = exercise(
    2,
    "the number of images was left open. Try it: session.run(None, {'data': np.zeros(shape, np.float32)}).",
    "Its dense layer has weights for 28x28 pixels, its first convolution for one channel; the batch size is variable.",
)(lambda answer: [bool(part) for part in answer] == [True, True, False, False])


@exercise(
    3,
    "np.exp(scores), divided by its sum in each row; first subtract the row's largest score from all of them.",
    "Subtracting the same number from all scores of a row multiplies numerator and denominator by the same factor.",
)
def check_3(softmax):
    for scores in ([[0.0, 0.0]], [[0.0, np.log(3.0)], [1.0, 1.0]], [[1000.0, 1000.0], [-1000.0, 0.0]]):
        with np.errstate(all="ignore"):
            got = np.asarray(softmax(np.array(scores)))
        exact = np.exp(np.array(scores) - np.max(scores, axis=1, keepdims=True))
        exact /= exact.sum(axis=1, keepdims=True)
        expect_shape(got, exact.shape, f"for scores {scores} the result")
        if not np.allclose(got, exact, atol=1e-6):
            raise WrongAnswer(f"for scores {scores} it gave {np.round(got, 3).tolist()}")
    return True
