"""Parameters of a learner's network."""

import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from mxnet import gluon, init


def initialize_rest(net: gluon.Block) -> None:
    """Initialize the parameters that have no values yet."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the others keep theirs
        net.initialize(init.Xavier())


@contextmanager
def restored(parameters: Iterable[gluon.Parameter]) -> Iterator[None]:
    """Restore parameters that are changed inside a ``with`` block."""
    saved = [(parameter, parameter.data(parameter.list_ctx()[0]).copy()) for parameter in parameters]
    try:
        yield
    finally:
        for parameter, values in saved:
            parameter.set_data(values)
