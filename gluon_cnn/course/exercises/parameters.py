"""What the exercises of several lessons ask: how many parameters a network has, and where they sit."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from numbers import Real
from typing import Any

from gluon_cnn.course.answers import judge
from gluon_cnn.networks.summary import Summary, summary
from mxnet import gluon, init


@functools.cache
def table_of(network: Callable[..., gluon.Block], *arguments: Any, shape: tuple[int, ...]) -> Summary:
    """Return the summary of a network for an input of this shape; a learner may need several tries."""
    net = network(*arguments)
    net.initialize(init.Zero())  # a hundred million random numbers take seconds, and nobody looks at them
    return summary(net, shape)


def judge_dense_share(number: int, answer: float | None, table: Summary, explanation: str) -> None:
    """Judge the share of a network's parameters that sits in its dense layers; the explanation follows the figure."""
    expected = sum(layer.parameters for layer in table.layers if layer.kind == "Dense") / table.parameters
    judge(
        number,
        answer,
        lambda value: isinstance(value, Real) and math.isclose(value, expected, abs_tol=0.005),
        "add up the parameters of the rows that start with Dense and divide by the total: a number between 0 and 1.",
        f"{expected:.1%}{explanation}",
    )
