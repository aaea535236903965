"""Temporary changes to parameters."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from mxnet import gluon


@contextmanager
def restored(parameters: Iterable[gluon.Parameter]) -> Iterator[None]:
    """Restore parameters that are changed inside a ``with`` block."""
    saved = [(parameter, parameter.data(parameter.list_ctx()[0]).copy()) for parameter in parameters]
    try:
        yield
    finally:
        for parameter, values in saved:
            parameter.set_data(values)
