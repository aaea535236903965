"""A table of a network's layers: output shapes, parameters, floating-point operations."""

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from gluon_cnn._core.block import changed_inside
from gluon_cnn._core.checks import check_initialized, check_shape
from gluon_cnn._core.forward import forward, zeros_for
from mxnet import nd
from mxnet.gluon import Block, nn


@dataclass(frozen=True)
class LayerSummary:
    """One layer or block: its structural name, type, settings, output shape and cost."""

    name: str
    kind: str
    details: tuple[str, ...]
    output_shape: tuple[int, ...]
    parameters: int
    flops: int
    inner: tuple["LayerSummary", ...] = ()  # the layers of a block


@dataclass(frozen=True)
class Summary:
    """The layers of a network in execution order; printed as a table."""

    network: str
    input_shape: tuple[int, ...]
    layers: tuple[LayerSummary, ...]

    @property
    def parameters(self) -> int:
        """Number of weights, biases and statistics; a shared parameter counts once."""
        return sum(layer.parameters for layer in self.layers)

    @property
    def flops(self) -> int:
        """Floating-point operations of one forward pass of a batch of ``input_shape``."""
        return sum(layer.flops for layer in self.layers)

    def __repr__(self) -> str:
        head = ("layer", "", "output shape", "parameters", "FLOPs")
        rows = []
        for row in self.layers:
            kind = f"{row.kind} {', '.join(row.details)}".strip()
            rows.append((row.name, kind, str(row.output_shape), f"{row.parameters:,}", f"{row.flops:,}"))
        foot = (self.network, "", f"input {self.input_shape}", f"{self.parameters:,}", f"{self.flops:,}")
        return format_table(head, rows, foot, text_columns=3)


def format_table(
    head: tuple[str, ...], rows: Sequence[tuple[str, ...]], foot: tuple[str, ...] | None = None, text_columns: int = 1
) -> str:
    """Format a table; the first ``text_columns`` columns are left-aligned, the others right-aligned."""
    feet = [] if foot is None else [foot]
    widths = [max(map(len, column)) for column in zip(head, *rows, *feet)]
    rule = "-" * (sum(widths) + 2 * (len(widths) - 1))

    def line(row: tuple[str, ...]) -> str:
        cells = (cell.ljust(w) if i < text_columns else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths)))
        return "  ".join(cells)

    return "\n".join([line(head), rule, *map(line, rows), *([rule, line(foot)] if foot else [])])


def summary(net: Block, shape: tuple[int, ...], blocks: bool = False) -> Summary:
    """Run ``net`` once on zeros and return its layers with output shapes, parameters and FLOPs.

    ``shape`` is that of the input, including the batch: (1, 1, 28, 28). With ``blocks``, each block other than a plain
    sequence, such as :class:`gluon_cnn.Inception`, gets one row in place of its layers. Print the result, or use its
    attributes. Deferred parameter shapes are inferred.

    FLOPs are those of convolutions and dense layers, which dominate the cost: a multiplication and an addition count as
    two, adding the bias as one. Other layers count as 0.
    """
    if any(np.dtype(p.dtype) == np.int8 for p in check_initialized(net).collect_params().values()):
        raise ValueError(
            f"{type(net).__name__} computes with 8-bit integers and has no layers to list: pass the original network"
        )
    shape = check_shape("shape", shape)
    rows: list[LayerSummary] = []
    counted: set[int] = set()
    handles = []
    starts: list[int] = []  # the first rows of the blocks being executed

    def add_layer(name: str, layer: Block, inputs: tuple, output: nd.NDArray) -> None:
        own = [p for p in layer._reg_params.values() if id(p) not in counted]
        counted.update(map(id, own))
        size = sum(int(np.prod(p.shape)) for p in own)
        first = output[0] if isinstance(output, (list, tuple)) else output
        flops = _flops(layer, inputs[0].shape, first)
        rows.append(LayerSummary(name, type(layer).__name__, _details(layer), first.shape, size, flops))

    def add_block(name: str, block: Block, inputs: tuple, output: nd.NDArray) -> None:
        start = starts.pop()
        inner, rows[start:] = rows[start:], []
        convolutions = sum(row.kind.startswith("Conv") for row in inner)
        details = (f"{convolutions} convolutions",) if convolutions else ()
        costs = sum(row.parameters for row in inner), sum(row.flops for row in inner)
        rows.append(LayerSummary(name, type(block).__name__, details, output.shape, *costs, tuple(inner)))

    for name, layer in _layers(net):
        handles.append(layer.register_forward_hook(functools.partial(add_layer, name)))
    for name, block in _blocks(net) if blocks else ():
        handles.append(block.register_forward_pre_hook(lambda *_: starts.append(len(rows))))
        handles.append(block.register_forward_hook(functools.partial(add_block, name)))
    try:
        with changed_inside(net, _active=False):  # not hybridized, so that hooks are called
            forward(net, zeros_for(net, shape))
    finally:
        for handle in handles:
            handle.detach()
    return Summary(type(net).__name__, shape, tuple(rows))


def _layers(block: Block, name: str = "") -> Iterator[tuple[str, Block]]:
    """Yield the layers: blocks with parameters of their own or without children."""
    if block._reg_params or not block._children:
        yield name or type(block).__name__, block
        return  # an activation inside a convolution is part of it
    for key, child in block._children.items():
        yield from _layers(child, f"{name}.{key}" if name else key)


def _blocks(block: Block, name: str = "") -> Iterator[tuple[str, Block]]:
    """Yield the outermost blocks that have children and are neither the network itself nor a plain sequence."""
    for key, child in block._children.items():
        path = f"{name}.{key}" if name else key
        if isinstance(child, (nn.Sequential, nn.HybridSequential)):
            yield from _blocks(child, path)
        elif child._children and not child._reg_params:
            yield path, child


def _details(layer: Block) -> tuple[str, ...]:
    """Summarize a layer's settings: ``("20", "5x5", "relu")``."""
    details = []
    settings = getattr(layer, "_kwargs", {})
    if isinstance(layer, nn.Dense):
        details.append(str(layer._units))
    elif "kernel" in settings and not settings.get("global_pool"):
        if "num_filter" in settings:
            details.append(str(settings["num_filter"]))
        details.append("x".join(map(str, settings["kernel"])))
        if max(settings["stride"]) > 1:
            details.append(f"stride {settings['stride'][0]}")
        if max(settings["pad"]) > 0:
            details.append(f"padding {settings['pad'][0]}")
    elif isinstance(layer, nn.Dropout):
        details.append(str(layer._rate))
    if isinstance(getattr(layer, "act", None), nn.Activation):
        details.append(layer.act._act_type)
    return tuple(details)


def _flops(layer: Block, input_shape: tuple[int, ...], output: nd.NDArray) -> int:
    if isinstance(layer, (nn.Conv1D, nn.Conv2D, nn.Conv3D)):
        # Each output value is a sum over one kernel: (input channels / groups) x kernel height x kernel width.
        products = output.size * int(np.prod(layer.weight.shape[1:]))
    elif isinstance(layer, (nn.Conv1DTranspose, nn.Conv2DTranspose, nn.Conv3DTranspose)):
        products = int(np.prod(input_shape)) * int(np.prod(layer.weight.shape[1:]))
    elif isinstance(layer, nn.Dense):
        products = output.size * layer.weight.shape[1]
    else:
        return 0
    return 2 * products + (output.size if layer.bias is not None else 0)
