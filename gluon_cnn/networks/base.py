"""Base classes of the networks and their blocks, which check images before they reach MXNet."""

import json
from bisect import bisect_left
from collections.abc import Sequence

import mxnet as mx
import numpy as np
from gluon_cnn._core.block import CheckedBlock, changed_inside
from gluon_cnn._core.checks import refuse_numpy_mode
from gluon_cnn._core.forward import channels_are_last
from gluon_cnn.networks import copying  # noqa: F401 (importing it makes networks copyable)
from mxnet import gluon, nd
from mxnet.gluon import nn

MAX_IMAGE_SIZE = 4096  # pixels; a network that rejects this size rejects every size


class HybridBlock(CheckedBlock):
    """Gluon's HybridBlock for feature maps (N, C, H, W).

    An image that is too small, or whose dtype or channels do not match, is rejected with a clear error.
    """

    in_channels = 0  # for blocks whose channels are known before their weights

    def cast(self, dtype) -> None:
        super().cast(dtype)
        self.__dict__.pop("_accepted", None)

    def smallest_size(self, channels: int = 1) -> int:
        """Find the side, in pixels, of the smallest square input image by bisection."""
        graph, sides = self._graph(), range(1, MAX_IMAGE_SIZE + 1)
        index = bisect_left(sides, True, key=lambda side: _fits(graph, (channels, side, side)))
        if index == len(sides):
            raise ValueError(f"{type(self).__name__} accepts no image of up to {MAX_IMAGE_SIZE} pixels a side")
        return sides[index]

    def check_input(self, x: nd.NDArray) -> None:
        # MXNet's shape inference takes milliseconds, so run it only once per kind of image.
        kind = (x.dtype, x.context, x.shape[1:])
        accepted = self.__dict__.setdefault("_accepted", set())
        if kind in accepted and x.shape[0]:
            return
        super().check_input(x)
        name, (channels, height, width), graph = type(self).__name__, x.shape[1:], self._graph()
        if x.dtype == np.float16 and x.context.device_type != "gpu":
            raise TypeError(f"{name} computes in float16, which mxnet supports only on a GPU: call cast('float32')")
        expected = self.in_channels or self.first_weight().shape[1]
        fits = channels == expected if expected else _fits(graph, x.shape[1:])
        if not fits and channels_are_last(x.shape, expected):
            raise ValueError(
                f"{name} takes images with their channels first, (N, C, H, W); got {x.shape}: "
                "pass x.transpose((0, 3, 1, 2))"
            )
        if expected and channels != expected:
            got = f"got {channels}, shape {x.shape}{self.advice(x.shape)}"
            raise ValueError(f"{name} has weights for {expected} input channels; {got}")
        if not _fits(graph, x.shape[1:]):
            side = self.smallest_size(channels)
            raise ValueError(f"{name} needs images of at least {side}x{side}; got {height}x{width}: resize them")
        if not _fits(graph, x.shape[1:], **{p.name: p.shape for p in self.collect_params().values()}):
            raise ValueError(
                f"{name} already has dense layers for images of another size; got {height}x{width}: "
                "resize them, or make a new network"
            )
        accepted.add(kind)

    def advice(self, shape: tuple[int, ...]) -> str:
        last = channels_are_last(shape)
        if len(shape) == 3 and (last or shape[0] in (1, 3, 4)):
            return f": pass x{'.transpose((2, 0, 1))' * last}.expand_dims(axis=0)"
        return ": pass x.reshape((1, 1, *x.shape))" if len(shape) == 2 else ""

    def _graph(self) -> mx.sym.Symbol:
        """Return the network as a symbol without weight shapes, which accepts any input that a new network accepts."""
        refuse_numpy_mode()
        no_hooks: dict = {"_forward_hooks": {}, "_forward_pre_hooks": {}}  # a user's hooks would get symbols
        with changed_inside(self, **no_hooks):
            nodes = json.loads(self.forward(mx.sym.var("data")).tojson())
        for node in nodes["nodes"]:
            node.get("attrs", {}).pop("__shape__", None)
        return mx.sym.load_json(json.dumps(nodes))


class HybridSequential(HybridBlock, nn.HybridSequential):
    """Gluon's HybridSequential with checked inputs."""

    def __init__(self, *layers: gluon.Block, **kwargs) -> None:
        super().__init__(**kwargs)
        self.add(*layers)


class Network(HybridBlock):
    """Base of the course's networks, from float32 images (N, C, H, W) to scores before softmax, (N, num_classes)."""

    def _get_graph(self, *args):  # called when hybridized
        with changed_inside(self, padding_channels=True):  # see ChannelPadded
            return super()._get_graph(*args)


def sequential(*layers: gluon.Block) -> nn.HybridSequential:
    """Return the layers as a HybridSequential."""
    block = nn.HybridSequential()
    block.add(*layers)
    return block


def concatenate(F, arrays: Sequence, widths: Sequence[int]):
    """Concatenate feature maps along the channel axis; ``widths`` are the known numbers of channels."""
    if all(width % 16 == 0 for width in widths):  # oneDNN's blocks: 16 with AVX-512, else 8; one graph for both
        return F.concat(*arrays, dim=1)
    # MXNet 1.9.1 with oneDNN cannot always split the gradient into pieces of other widths ("could not construct a
    # sub-memory"). A fifth axis disables oneDNN here.
    return F.squeeze(F.concat(*[F.expand_dims(array, axis=4) for array in arrays], dim=1), axis=4)


def run_blocks(blocks: nn.HybridSequential, x, verbose: bool):
    """Apply the blocks to ``x``; if ``verbose``, print each output's shape, except while tracing."""
    for number, block in enumerate(blocks, start=1):
        x = block(x)
        if verbose and isinstance(x, nd.NDArray):
            print(f"Block {number} output: {x.shape}")
    return x


def _fits(graph: mx.sym.Symbol, shape: tuple[int, ...], **weights: tuple[int, ...]) -> bool:
    try:
        # infer_shape itself would print to the screen before it raises
        graph._infer_shape_impl(True, data=(1, *shape), **weights)
    except mx.MXNetError:
        return False
    return True
