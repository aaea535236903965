"""Changing parameters for an experiment, and putting them back."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from mxnet import gluon


@contextmanager
def restored(parameters: Iterable[gluon.Parameter]) -> Iterator[None]:
    """Inside a ``with`` block parameters may be changed, to see what becomes of the network; then they are put back."""
    saved = [(parameter, parameter.data(parameter.list_ctx()[0]).copy()) for parameter in parameters]
    try:
        yield
    finally:
        for parameter, values in saved:
            parameter.set_data(values)
