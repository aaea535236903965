"""Dropout from scratch, in both of its variants. Lesson 04."""

from typing import Literal, get_args

import numpy as np
from gluon_cnn._core.checked import checked
from mxnet import nd

Mode = Literal["upscale_in_train", "downscale_in_infer"]
MODES = get_args(Mode)


@checked(p="0 <= p <= 1")
def dropout(X: nd.NDArray, p: float, is_training: bool = True, mode: Mode = "upscale_in_train") -> nd.NDArray:
    """Set each value to zero with probability ``p`` in training; expected values are the same in prediction.

    The result has the shape of ``X`` and is differentiable. In the mode ``"upscale_in_train"``, remaining values are
    divided by ``1 - p`` in training, and prediction returns ``X``, as in Gluon's ``nn.Dropout``. In the mode
    ``"downscale_in_infer"``, remaining values are unchanged, and prediction returns ``X * (1 - p)``.

    Source: Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov, Dropout: a simple way to prevent neural
    networks from overfitting, 2014, section 10 for the scaling. The paper's p is the probability of keeping a value.
    """
    upscale = mode == "upscale_in_train"
    if not is_training:
        return X if upscale else X * (1 - p)
    if p == 1:
        return X * 0
    # MXNet refuses comparisons with numbers too small for float32; rounding to float32 makes them 0.
    kept = nd.random.uniform(0, 1, shape=X.shape, dtype=X.dtype, ctx=X.context) >= float(np.float32(p))
    return kept * X / (1 - p) if upscale else kept * X
