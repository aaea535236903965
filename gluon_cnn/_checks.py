"""Checks of arguments, with errors that say what to pass."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["pair", "whole"]


def whole(name: str, value: Any, smallest: int) -> int:
    """Return ``value`` when it is a whole number of at least ``smallest``."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{name} must be a whole number; got {value!r}")
    if value < smallest:
        raise ValueError(f"{name} must be at least {smallest}; got {value}")
    return int(value)


def pair(name: str, value: Any, smallest: int = 1) -> tuple[int, int]:
    """Return one whole number twice, or two as they are: (height, width)."""
    if not isinstance(value, (tuple, list)):
        value = (value, value)
    if len(value) != 2:
        raise ValueError(f"{name} must be one number or (height, width); got {value!r}")
    return whole(name, value[0], smallest), whole(name, value[1], smallest)
