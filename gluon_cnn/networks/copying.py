"""Copies of networks by ``copy.deepcopy`` or ``pickle``: MXNet cannot copy a hybridized one, nor train a copy."""

import copyreg
from typing import Any

from mxnet import gluon, nd


def _parameter(state: dict[str, Any], gradients: list[nd.NDArray] | None) -> gluon.Parameter:
    """Return a parameter with the state of another, whose values collect gradients as that one's do."""
    parameter = gluon.Parameter.__new__(gluon.Parameter)
    vars(parameter).update(state)
    if parameter._data is not None:  # a copied array is on the first CPU, wherever it was
        parameter._data = [array.as_in_context(ctx) for array, ctx in zip(parameter._data, parameter._ctx_list)]
    if gradients is not None:
        parameter._init_grad()
        for mine, theirs in zip(parameter._grad, gradients):
            mine[:] = theirs
    return parameter


def _parts(parameter: gluon.Parameter) -> tuple:
    state = {**vars(parameter), "_grad": None, "_trainer": None}  # a trainer is another network's
    return _parameter, (state, parameter._grad)


copyreg.pickle(gluon.Parameter, _parts)
copyreg.pickle(nd.CachedOp, lambda _: (type(None), ()))  # compiled anew when the copy is first called
