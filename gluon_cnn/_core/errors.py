"""One-line summaries of MXNet's errors."""

from collections.abc import Iterator
from contextlib import contextmanager

import mxnet as mx


@contextmanager
def translate_mxnet_errors(what: str) -> Iterator[None]:
    """Raise MXNet's errors as ValueError, except those about memory or array size."""
    try:
        yield
    except mx.MXNetError as error:
        if "allocate" in str(error) or "2^31" in str(error):
            raise
        raise ValueError(f"{what}: {error_summary(error)}") from None


def error_summary(error: BaseException) -> str:
    """Return the line of an error message that names the cause; MXNet's messages begin with C++ source locations."""
    lines = [" ".join(line.split()) for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    named = [line for line in lines if line.startswith(("MXNetError:", "OSError:"))]
    return (named or lines[-1:] if isinstance(error, mx.MXNetError) else lines)[0][:200]
