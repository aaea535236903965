"""Repeatable random numbers."""

import random

import mxnet as mx
import numpy as np
from gluon_cnn._core.checks import check_int


def seed(value: int = 0) -> None:
    """Seed MXNet, NumPy and Python's ``random`` for repeatable runs; the seed is 0 to 2**31 - 1."""
    value = check_int("seed", value, 0)
    mx.random.seed(value)
    np.random.seed(value)
    random.seed(value)
