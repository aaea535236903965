"""Dropout by hand, in both of its forms. Lesson 04."""

from typing import Literal, get_args

import numpy as np
from gluon_cnn._core.checked import checked
from mxnet import nd

Mode = Literal["upscale_in_train", "downscale_in_infer"]
MODES = get_args(Mode)


@checked(p="0 <= p <= 1")
def dropout(X: nd.NDArray, p: float, is_training: bool = True, mode: Mode = "upscale_in_train") -> nd.NDArray:
    """Set each value to zero with probability ``p`` in training, keeping the expected value the same in prediction.

    ``X`` has any shape; the result has the same and is differentiable. In the mode ``"upscale_in_train"`` kept values
    are divided by ``1 - p`` in training, and prediction returns ``X``; Gluon's ``nn.Dropout`` does this. In the mode
    ``"downscale_in_infer"`` kept values stay as they are, and prediction returns ``X * (1 - p)``.

    Source: Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov, Dropout: a simple way to prevent neural
    networks from overfitting, 2014, section 10 for the scaling. The paper's p is the probability of keeping a value.
    """
    upscale = mode == "upscale_in_train"
    if not is_training:
        return X if upscale else X * (1 - p)
    if p == 1:
        return X * 0
    # mxnet refuses to compare with numbers below the smallest of 32 bits; rounded to them they are 0.
    kept = nd.random.uniform(0, 1, shape=X.shape, dtype=X.dtype, ctx=X.context) >= float(np.float32(p))
    return kept * X / (1 - p) if upscale else kept * X
