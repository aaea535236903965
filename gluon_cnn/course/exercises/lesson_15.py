"""Checks for the exercises of lesson 15, the way out of MXNet."""

import numpy as np
from gluon_cnn.course.answers import IncorrectAnswer, call_answer, equals, exercise, expect_shape, is_sequence

check_1 = exercise(
    1,
    "the number of values in all arrays, counted above, times the bytes in 32 bits.",
    "170,988 * 4 = 683,952; the rest of the file is names and shapes.",
)(equals(170_988 * 4))

check_2 = exercise(
    2,
    "the batch size was left open. Try it: session.run(None, {'data': np.zeros(shape, np.float32)}).",
    "Its dense layer has weights for 28x28 pixels, its first convolution for one channel; the batch size is variable.",
)(is_sequence(True, True, False, False))


@exercise(
    3,
    "np.exp(scores), divided by its sum in each row; first subtract the row's largest score from all of them.",
    "Subtracting the same number from all scores of a row divides numerator and denominator by the same factor.",
)
def check_3(softmax):
    for scores in ([[0.0, 0.0]], [[0.0, np.log(3.0)], [1.0, 1.0]], [[1000.0, 900.0, 999.0], [-1000.0, 0.0, -900.0]]):
        with np.errstate(all="ignore"):
            got = call_answer(softmax, np.array(scores)).asnumpy()
        exact = np.exp(np.array(scores) - np.max(scores, axis=1, keepdims=True))
        exact /= exact.sum(axis=1, keepdims=True)
        expect_shape(got, exact.shape, f"for scores {scores} the result")
        if not np.allclose(got, exact, atol=1e-6):
            raise IncorrectAnswer(f"for scores {np.round(scores, 3).tolist()} it gave {np.round(got, 3).tolist()}")
    return True


@exercise(
    4,
    "step = np.abs(weights).max() / (2 ** (bits - 1) - 1); divide by it, np.round, and multiply by it again.",
    "Each weight is off by at most half a step, and removing a bit at least doubles it. Now measure the accuracy.",
)
def check_4(rounded):
    """Check a function that should round weights to the values that a few bits can express."""
    for shape, bits in (((50,), 2), ((3, 4), 8), ((2, 3, 5, 5), 4), ((4, 3), 3)):
        weights = np.random.RandomState(0).randn(*shape)
        count = 2 ** (bits - 1) - 1
        step = np.abs(weights).max() / count
        got = call_answer(rounded, weights.copy(), bits, shape=shape).asnumpy()
        if np.allclose(got, np.round(weights / step) * step, atol=1e-5):
            continue
        if np.allclose(got, np.round(weights / step)):
            raise IncorrectAnswer("these are the integers: multiply them by the step")
        if any(np.allclose(got, function(weights / step) * step) for function in (np.floor, np.trunc)):
            raise IncorrectAnswer("it rounds down or towards 0 instead of rounding to the nearest value")
        if len(np.unique(np.round(got, 6))) > 2 * count + 1:
            raise IncorrectAnswer(f"with {bits} bits it returned more than {2 * count + 1} different values")
        return False
    return True
