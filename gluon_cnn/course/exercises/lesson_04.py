"""Checks for the exercises of lesson 04, dropout."""

import numpy as np
from gluon_cnn.course.answers import IncorrectAnswer, call_answer, exercise, expect_shape, is_close
from mxnet import autograd, nd

check_1 = exercise(
    1,
    "what does downscale_in_infer do to X in prediction, and what does Gluon's mode do to it?",
    "X * 0.8 times the weights is X times the weights * 0.8.",
)(is_close(0.8, abs_tol=1e-6))


@exercise(
    2,
    "g.dropout(nd.ones((N, C, 1, 1)), p) decides once for each feature map and includes the factor; "
    "broadcasting does the rest.",
    "Neighbouring pixels are nearly equal, so dropping individual pixels removes little; this drops a whole feature.",
)
def check_2(drop_maps):
    X = nd.array(np.random.RandomState(0).uniform(1, 2, (40, 50, 3, 4)))
    for p in (0.25, 0.6):
        factor = (call_answer(drop_maps, X.copy(), p, shape=X.shape) / X).asnumpy()
        if not np.allclose(factor, factor[:, :, :1, :1], atol=1e-5):
            raise IncorrectAnswer("in some feature maps one pixel was dropped and another kept")
        factor = factor[:, :, 0, 0]
        kept = factor > 0
        if kept.all():
            raise IncorrectAnswer("nothing was dropped")
        if any((kept == kept.take([0], axis)).all() for axis in (0, 1)):
            raise IncorrectAnswer("all samples, or all channels of a sample, share one decision")
        if not np.allclose(factor[kept], 1 / (1 - p), rtol=1e-4):
            raise IncorrectAnswer(f"kept feature maps should be multiplied by 1 / (1 - {p})")
        if abs(kept.mean() - (1 - p)) > 0.06:  # more than five standard deviations of 2,000 decisions
            raise IncorrectAnswer(f"with p = {p} it kept {kept.mean():.0%} of the feature maps")
    return True


@exercise(
    3,
    "with autograd.train_mode(): net(X).softmax() applies dropout; add up n results and divide by n.",
    "Where the passes disagree, the network is uncertain.",
)
def check_3(mean_prediction):
    """Check a function that should average n passes, one after the other or as one batch of n copies of each row."""
    rng, passes, rows = np.random.RandomState(0), 5, 4
    seen: list[list[np.ndarray]] = [[] for _ in range(rows)]  # the probabilities that each row got

    def net(X: nd.NDArray) -> nd.NDArray:
        scores = 3 * rng.randn(len(X), 3)
        if not autograd.is_training():
            return nd.array(scores)
        for row, powers in zip(X[:, 0].asnumpy(), np.exp(scores)):
            seen[int(row)].append(powers / powers.sum())
        return nd.array(scores)

    result = call_answer(mean_prediction, net, nd.tile(nd.arange(rows).reshape((rows, 1)), (1, 2)), passes)
    if not any(seen):
        raise IncorrectAnswer("the network was in prediction mode, so nothing was dropped")
    if (found := {len(row) for row in seen}) != {passes}:
        raise IncorrectAnswer(f"asked for {passes} passes, it sent each image through {min(found)}")
    expect_shape(result, (rows, 3))
    return np.allclose(result.asnumpy(), np.mean(seen, axis=1), atol=1e-5)
