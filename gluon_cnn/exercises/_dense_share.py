"""A question that several lessons ask: how much of a network sits in its dense layers."""

from __future__ import annotations

import math
from numbers import Real

from gluon_cnn.lessons import judge
from gluon_cnn.summary import Summary


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
