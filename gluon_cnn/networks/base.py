"""What all networks and their blocks share: an input is checked before mxnet sees it."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import mxnet as mx
import numpy as np
from gluon_cnn._core.checks import check_initialized, naming_numpy_mode, refuse_numpy_mode
from gluon_cnn._core.forward import channels_are_last
from gluon_cnn.networks import copying  # noqa: F401 (networks can be copied, once it is imported)
from gluon_cnn.networks.aligned import filling_up
from mxnet import gluon, nd

LARGEST_SIDE_TRIED = 4096  # pixels; a network that does not fit this fits nothing


class HybridBlock(gluon.HybridBlock):
    """Gluon's, for maps (N, C, H, W) of floats.

    An input that is too small, of another type or with other channels than before is refused in plain words.
    """

    def forward(self, x, *args):
        if not isinstance(x, (nd.NDArray, mx.sym.Symbol)):
            raise TypeError(f"{type(self).__name__} takes an NDArray; got {type(x).__name__}: pass nd.array(x)")
        if isinstance(x, mx.sym.Symbol) and len(x.list_outputs()) != 1:
            raise TypeError(f"{type(self).__name__} takes one symbol; got a group of {len(x.list_outputs())}")
        if isinstance(x, nd.NDArray) and not mx.util.is_np_array():
            if isinstance(x, mx.np.ndarray):
                raise TypeError(f"{type(self).__name__} takes an NDArray; got an mx.np.ndarray: pass x.as_nd_ndarray()")
            self._check_input(x)
        with naming_numpy_mode():
            return super().forward(x, *args)

    def cast(self, dtype) -> None:
        super().cast(dtype)
        self.__dict__.pop("_seen", None)

    def smallest_size(self, channels: int = 1) -> int:
        """Return the height and width in pixels of the smallest square picture that fits, found by bisection."""
        graph = self._graph()
        low, high = 0, 1  # low does not fit
        while not _fits(graph, (channels, high, high)):
            low, high = high, 2 * high
            if high > LARGEST_SIDE_TRIED:
                raise ValueError(f"{type(self).__name__} fits no picture of up to {LARGEST_SIDE_TRIED} pixels a side")
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if _fits(graph, (channels, middle, middle)) else (middle, high)
        return high

    def _check_input(self, x: nd.NDArray) -> None:
        name = type(self).__name__
        if x.ndim != 4:
            raise ValueError(f"{name} takes images of shape (N, C, H, W); got {x.shape}{_advice(x.shape)}")
        # Asking mxnet for shapes takes milliseconds, so only once for each kind of picture.
        kind = (x.dtype, x.context, x.shape[1:])
        seen = self.__dict__.setdefault("_seen", {})
        if kind in seen and x.shape[0]:
            return
        check_initialized(self)
        weight = self._first_weight()
        dtype = np.dtype(weight.dtype)
        if np.dtype(x.dtype) != dtype:
            hint = " / 255" if np.dtype(x.dtype) == np.uint8 else ""
            raise TypeError(f"{name} computes in {dtype}, got {np.dtype(x.dtype)}: pass x.astype('{dtype}'){hint}")
        if dtype == np.float16 and x.context.device_type != "gpu":
            raise TypeError(f"{name} computes in float16, which mxnet does on a GPU only: call cast('float32')")
        if x.context not in weight.list_ctx():
            raise ValueError(
                f"{name} is on {weight.list_ctx()[0]}, the input on {x.context}: pass x.as_in_context(...)"
            )
        if x.shape[0] == 0:
            raise ValueError(f"{name} got an empty batch, {x.shape}")
        channels, height, width = x.shape[1:]
        expected = self._input_channels()
        graph = self._graph()
        fits = channels == expected if expected else _fits(graph, x.shape[1:])
        if not fits and channels_are_last(x.shape, expected):
            advice = _advice(x.shape, expected)
            raise ValueError(f"{name} takes images with their channels first, (N, C, H, W); got {x.shape}{advice}")
        if expected and channels != expected:
            raise ValueError(f"{name} has weights for {expected} input channels; got {channels}, shape {x.shape}")
        if not _fits(graph, x.shape[1:]):
            smallest = self.smallest_size(channels)
            raise ValueError(
                f"{name} needs pictures of at least {smallest}x{smallest}; got {height}x{width}: resize them"
            )
        weights = {p.name: p.shape for p in self.collect_params().values()}
        if not _fits(graph, x.shape[1:], **weights):
            raise ValueError(
                f"{name} already has dense layers for pictures of another size; got {height}x{width}: "
                "resize them, or make a new network"
            )
        seen[kind] = True

    def _input_channels(self) -> int:
        """Return the input channels that the first convolution's weights fix, or 0 while they are open."""
        return self._first_weight().shape[1]

    def _first_weight(self) -> gluon.Parameter:
        """Return the first convolution's weights; batch norm before it stays float32 when a network is cast to half."""
        return next(p for p in self.collect_params().values() if p.name.endswith("weight"))

    def _graph(self) -> mx.sym.Symbol:
        """Return the network as a symbol without the shapes of its weights: it takes what a new network could take."""
        refuse_numpy_mode()
        with _hooks_off(self):
            nodes = json.loads(self.forward(mx.sym.var("data")).tojson())
        for node in nodes["nodes"]:
            node.get("attrs", {}).pop("__shape__", None)
        return mx.sym.load_json(json.dumps(nodes))


class HybridSequential(HybridBlock, gluon.nn.HybridSequential):
    """Gluon's, with its input checked."""


class Network(HybridBlock):
    """Base of the course's networks: output (N, classes)."""

    def _get_graph(self, *args):  # what a hybridized network runs
        with filling_up():
            return super()._get_graph(*args)


def concatenate(F, arrays: Sequence, widths: Sequence[int]):
    """Concatenate feature maps over their channels; ``widths`` are the channels as far as they are known."""
    if all(width % 16 == 0 for width in widths):  # blocks of oneDNN's: 16 with AVX-512, else 8; one graph for both
        return F.concat(*arrays, dim=1)
    # mxnet 1.9.1 with oneDNN cannot always cut the gradient into pieces of other widths again ("could not construct a
    # sub-memory"). A fifth axis keeps oneDNN out of it.
    return F.squeeze(F.concat(*[F.expand_dims(array, axis=4) for array in arrays], dim=1), axis=4)


def run_blocks(blocks: gluon.nn.HybridSequential, x, verbose: bool):
    """Pass ``x`` through the blocks; tell each output's shape, if asked to and unless it is traced for a graph."""
    for number, block in enumerate(blocks, start=1):
        x = block(x)
        if verbose and isinstance(x, nd.NDArray):
            print(f"Block {number} output: {x.shape}")
    return x


@contextmanager
def _hooks_off(net: gluon.HybridBlock) -> Iterator[None]:
    """Keep a user's hooks from being called with symbols."""
    blocks: list[gluon.HybridBlock] = []
    net.apply(blocks.append)
    hooks = [(block._forward_hooks, block._forward_pre_hooks) for block in blocks]
    for block in blocks:
        block._forward_hooks, block._forward_pre_hooks = OrderedDict(), OrderedDict()
    try:
        yield
    finally:
        for block, (after, before) in zip(blocks, hooks):
            block._forward_hooks, block._forward_pre_hooks = after, before


def _advice(shape: tuple[int, ...], channels: int = 0) -> str:
    """Return how to make images of shape (N, C, H, W) of an array of this shape, where it looks like images."""
    last = channels_are_last(shape, channels)
    if len(shape) == 4 and last:
        return ": pass x.transpose((0, 3, 1, 2))"
    if len(shape) == 3 and (last or shape[0] in (1, 3, 4)):
        return f": pass x{'.transpose((2, 0, 1))' * last}.expand_dims(axis=0)"
    return ": pass x.reshape((1, 1, *x.shape))" if len(shape) == 2 else ""


def _fits(graph: mx.sym.Symbol, shape: tuple[int, ...], **weights: tuple[int, ...]) -> bool:
    try:
        # infer_shape itself would print to the screen before it raises
        graph._infer_shape_impl(True, data=(1, *shape), **weights)
    except mx.MXNetError:
        return False
    return True
