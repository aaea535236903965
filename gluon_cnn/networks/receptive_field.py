"""How many input pixels one value of a stack of layers, or of a network, depends on. Lessons 01 and 14."""

import ast
import json
from collections.abc import Iterator, Sequence

import mxnet as mx
from gluon_cnn._core.checks import check_integers, refuse_numpy_mode
from mxnet.gluon import HybridBlock

ENLARGING = ("Deconvolution", "UpSampling", "_contrib_BilinearResize2D")


def receptive_field(layers: Sequence[tuple[int, int]] | HybridBlock) -> int:
    """Return how many input pixels, along one axis, one output value of a stack of layers depends on.

    Layers are (kernel_size, stride) of convolutions and poolings from the input on: each adds (kernel - 1) times the
    product of the strides before it. For a whole network, a HybridBlock, it is the largest receptive field of any value
    before dense layers and means of whole feature maps, which see everything; a ValueError says that the network
    enlarges feature maps or computes with 8-bit integers.
    """
    if isinstance(layers, HybridBlock):
        return max(field for field, _ in _fields(layers))
    if not isinstance(layers, (tuple, list)) or layers:
        check_integers("layers", layers, ((3, 1), (2, 2)))
    field, step = 1, 1
    for kernel_size, stride in layers:
        field += (kernel_size - 1) * step
        step *= stride
    return field


def _fields(net: HybridBlock) -> Iterator[tuple[int, int]]:
    """Yield each value's receptive field inside a network, and how many pixels apart those of two neighbours are."""
    refuse_numpy_mode()
    fields: dict[int, tuple[int, int]] = {}  # by number of the node; weights are not in it
    output = net(mx.sym.var("data"))
    graph = mx.sym.Group(output) if isinstance(output, (list, tuple)) else output
    for number, node in enumerate(json.loads(graph.tojson())["nodes"]):
        if node["op"] in ENLARGING or node["op"].startswith(("_sg_", "_contrib_quantize")):
            raise ValueError(
                f"the receptive field behind {node['op']} cannot be computed: pass the layers as pairs, or the network "
                "that was quantized"
            )
        settings, above = node.get("attrs", {}), [fields[i] for i, *_ in node["inputs"] if i in fields]
        kernel, dilate, stride = (
            max(ast.literal_eval(settings.get(name, "()")), default=1) for name in ("kernel", "dilate", "stride")
        )
        if node["name"] == "data":
            fields[number] = (1, 1)
        elif above and node["op"] not in ("Flatten", "FullyConnected") and settings.get("global_pool") != "True":
            field, step = max(above)
            fields[number] = field + (kernel - 1) * dilate * step, step * stride
    yield from fields.values()
