"""The base class of the package's blocks, which checks inputs before they reach MXNet."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import mxnet as mx
import numpy as np
from gluon_cnn._core.checks import check_initialized, refuse_numpy_mode
from mxnet import gluon, nd


class CheckedBlock(gluon.HybridBlock):
    """Gluon's HybridBlock with clear errors for invalid inputs."""

    input_shapes = "(N, C, H, W)"

    def forward(self, x, *args):
        name = type(self).__name__
        if not isinstance(x, (nd.NDArray, mx.sym.Symbol)):
            raise TypeError(f"{name} takes an NDArray; got {type(x).__name__}: pass nd.array(x)")
        if isinstance(x, mx.sym.Symbol) and len(x.list_outputs()) != 1:
            raise TypeError(f"{name} takes one symbol; got a group of {len(x.list_outputs())}")
        if isinstance(x, nd.NDArray) and not mx.util.is_np_array():
            if isinstance(x, mx.np.ndarray):
                raise TypeError(f"{name} takes an NDArray; got an mx.np.ndarray: pass x.as_nd_ndarray()")
            self.check_input(x)
        try:
            return super().forward(x, *args)
        except (TypeError, ValueError, AttributeError, mx.MXNetError):
            refuse_numpy_mode()  # if it is on, it is the cause
            raise

    def check_input(self, x: nd.NDArray) -> None:
        """Reject an input whose rank, dtype or context the block does not support."""
        name = type(self).__name__
        if x.ndim not in [len(re.findall(r"\w+", shape)) for shape in self.input_shapes.split(" or ")]:
            raise ValueError(f"{name} takes {self.input_shapes}; got {x.shape}{self.advice(x.shape)}")
        if x.size == 0:
            raise ValueError(f"{name} got an empty batch, {x.shape}")
        check_initialized(self)
        contexts, dtype = self.first_weight().list_ctx(), np.dtype(self.input_dtype())
        if x.dtype != dtype:
            hint = " / 255" if x.dtype == np.uint8 else ""
            raise TypeError(f"{name} computes in {dtype}; got {np.dtype(x.dtype)}: pass x.astype('{dtype}'){hint}")
        if x.context not in contexts:
            raise ValueError(f"{name} is on {contexts[0]}, the input on {x.context}: pass x.as_in_context(...)")

    def first_weight(self) -> gluon.Parameter:
        """Return the first weight of a convolution or dense layer."""
        # not that of batch norm, which stays in float32 when a network is cast to float16
        return next(p for p in self.collect_params().values() if p.name.endswith("weight"))

    def input_dtype(self) -> type:
        return self.first_weight().dtype

    def advice(self, shape: tuple[int, ...]) -> str:
        """Return advice for an input of an invalid shape, or an empty string."""
        return ""


@contextmanager
def changed_inside(net: gluon.Block, **attributes: Any) -> Iterator[None]:
    """Temporarily change attributes of all blocks in a network that have them."""
    blocks: list[gluon.Block] = []
    net.apply(blocks.append)
    saved = [(block, {name: vars(block)[name] for name in attributes.keys() & vars(block)}) for block in blocks]
    for block, before in saved:
        vars(block).update({name: attributes[name] for name in before})
    try:
        yield
    finally:
        for block, before in saved:
            vars(block).update(before)
