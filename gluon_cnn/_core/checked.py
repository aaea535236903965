"""A decorator that checks a function's arguments, so that the body contains only the algorithm."""

import functools
import inspect
import re
from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import numpy as np
from gluon_cnn._core import checks
from gluon_cnn._core.checks import Padding, Size
from mxnet import autograd, nd

Function = TypeVar("Function", bound=Callable[..., Any])
NUMBER = float | nd.NDArray


def checked(**rules: str) -> Callable[[Function], Function]:
    """Check a function's arguments before each call, using their annotations and additional rules.

    An ``int`` must be at least 1, a ``float`` finite, a ``Size`` one or two integers of at least 1, and a ``Padding``
    at least 0. A ``Sequence`` must not be empty. An ``NDArray`` must be dense and nonempty, contain floats, and have
    the first array's dtype. A rule is either a shape, ``X="(Cin, H, W)"``, in which a name stands for the same length
    in all arrays, or a condition, ``p="0 <= p <= 1"``, which replaces "at least 1". A shape followed by ``in place``
    marks an array that the function modifies.

    float16 inputs are converted to float32 and the result is rounded once, as in MXNet's own layers: in float16, sums
    beyond 65504 overflow to infinity, and 2048 + 1 is 2048.
    """

    def decorate(function: Function) -> Function:
        signature, hints = inspect.signature(function), get_type_hints(function)
        conditions = {name: compile(rule, name, "eval") for name, rule in rules.items() if not rule.startswith("(")}

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            try:
                given = signature.bind(*args, **kwargs)
            except TypeError:
                return function(*args, **kwargs)  # Python's own error
            given.apply_defaults()
            arguments = given.arguments
            arrays = _check_kinds(arguments, hints, rules)
            for name, condition in conditions.items():
                values = {n: _comparable(arguments[n], hints[n]) for n in condition.co_names}
                if not np.all(eval(condition, {}, values)):
                    got = ", ".join(f"{n} = {checks.shorten(repr(arguments[n]))}" for n in condition.co_names)
                    raise ValueError(f"{name} must satisfy {rules[name]}; got {got}")
            half = {name: array for name, array in arrays.items() if array.dtype == np.float16}
            if not half:
                return function(*args, **kwargs)
            arguments.update({name: array.astype("float32") for name, array in half.items()})
            result = function(*given.args, **given.kwargs).astype("float16")
            with autograd.pause():
                for name, array in half.items():
                    if rules.get(name, "").endswith("in place"):
                        array[:] = arguments[name]
            return result

        return call  # type: ignore[return-value]

    return decorate


def _check_kinds(arguments: dict[str, Any], hints: dict[str, Any], rules: dict[str, str]) -> dict[str, nd.NDArray]:
    """Check arguments against their annotations, and array shapes against the rules; return the arrays."""
    arrays: dict[str, nd.NDArray] = {}
    lengths: dict[str, tuple[int, str]] = {}
    for name, value in arguments.items():
        hint = hints.get(name)
        if hint is nd.NDArray or (hint == NUMBER and isinstance(value, nd.NDArray)):
            arrays[name] = checks.check_array(name, value, next(iter(arrays.values()), None))
            if name in rules:
                _check_shape(name, value.shape, rules[name], lengths)
        elif hint is bool:
            checks.check_bool(name, value)
        elif hint is int:
            checks.check_int(name, value, -checks.MAX_INT32 if name in rules else 1)
        elif hint in (float, NUMBER):
            checks.check_float(name, value, -checks.MAX_FLOAT32)
        elif hint == Size or (hint == Size | None and value is not None):
            checks.check_pair(name, value)
        elif hint == Padding:
            checks.padding_sides(value)
        elif hint == Sequence[int]:
            checks.check_integers(name, value, (6, 12, 24, 16))
        elif hint == Sequence[tuple[int, int]]:
            checks.check_integers(name, value, ((1, 64), (2, 128)))
        elif get_origin(hint) is Literal and not (isinstance(value, str) and value in get_args(hint)):
            raise ValueError(f"{name} must be {' or '.join(map(repr, get_args(hint)))}; got {value!r}")
    return arrays


def _check_shape(name: str, shape: tuple[int, ...], rule: str, lengths: dict[str, tuple[int, str]]) -> None:
    """Check a shape against one or more forms such as ``(C, H, W)``; ``lengths`` maps names to (length, array name)."""
    rule = rule.removesuffix(" in place")
    fitting = [names for names in (re.findall(r"\w+", form) for form in rule.split(" or ")) if len(names) == len(shape)]
    if not fitting:
        raise ValueError(f"{name} must have shape {rule}; got {shape}")
    for letter, length in zip(fitting[0], shape):
        expected, where = (int(letter), "") if letter.isdigit() else lengths.setdefault(letter, (length, name))
        if length != expected:
            why = f" with {letter} = {expected}, as in {where}" if where else ""
            raise ValueError(f"{name} must have shape {rule}{why}; got {shape}")


def _comparable(value: Any, hint: Any) -> Any:
    """Return a size as an array (height, width), a padding as its larger side per axis, and other values unchanged."""
    if hint in (Size, Size | None, Padding):
        return np.max(checks.padding_sides(value), axis=1)
    return value
