"""Support for ``copy.deepcopy`` and ``pickle``: MXNet can neither copy a hybridized network nor train a copy."""

import copyreg
from typing import Any

from mxnet import gluon, nd


def _parameter(state: dict[str, Any], gradients: list[nd.NDArray] | None) -> gluon.Parameter:
    """Return a parameter with the given state and gradients."""
    parameter = gluon.Parameter.__new__(gluon.Parameter)
    vars(parameter).update(state)
    if parameter._data is not None:  # a copied array is on cpu(0)
        parameter._data = [array.as_in_context(ctx) for array, ctx in zip(parameter._data, parameter._ctx_list)]
    if gradients is not None:
        parameter._init_grad()
        for mine, theirs in zip(parameter._grad, gradients):
            mine[:] = theirs
    return parameter


def _parts(parameter: gluon.Parameter) -> tuple:
    state = {**vars(parameter), "_grad": None, "_trainer": None}  # the trainer belongs to the original network
    return _parameter, (state, parameter._grad)


copyreg.pickle(gluon.Parameter, _parts)
copyreg.pickle(nd.CachedOp, lambda _: (type(None), ()))  # recompiled when the copy is first called
