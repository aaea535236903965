"""MXNet's errors in a sentence."""

from collections.abc import Iterator
from contextlib import contextmanager

import mxnet as mx


@contextmanager
def translate_mxnet_errors(what: str) -> Iterator[None]:
    """Turn MXNet's errors into a ValueError, except those that report too little memory."""
    try:
        yield
    except mx.MXNetError as error:
        if "allocate" in str(error) or "2^31" in str(error):
            raise
        raise ValueError(f"{what}: {error_summary(error)}") from None


def error_summary(error: BaseException) -> str:
    """Return the line of an error that names the fault: MXNet's begin with positions in its C++ code."""
    lines = [" ".join(line.split()) for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    named = [line for line in lines if line.startswith(("MXNetError:", "OSError:"))]
    return (named or lines[-1:] if isinstance(error, mx.MXNetError) else lines)[0][:200]
