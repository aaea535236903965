"""The receptive field of a stack of layers or a network. Lessons 01 and 14."""

import ast
import json
from collections.abc import Iterator, Sequence

import mxnet as mx
from gluon_cnn._core.checks import check_integers, refuse_numpy_mode
from mxnet.gluon import HybridBlock

UPSAMPLING = ("Deconvolution", "UpSampling", "_contrib_BilinearResize2D")


def receptive_field(layers: Sequence[tuple[int, int]] | HybridBlock) -> int:
    """Return the number of input pixels, along one axis, on which one output value of a stack of layers depends.

    Layers are pairs (kernel_size, stride) of convolutions and pooling layers, starting at the input; each adds
    (kernel_size - 1) times the product of the preceding strides. For a network, a HybridBlock, return the largest
    receptive field before dense layers and global pooling, whose receptive field is the whole image. Raise ValueError
    if the network upsamples feature maps or computes with 8-bit integers.
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
    """Yield the receptive field of each node of a network, and the distance in pixels between neighbouring fields."""
    refuse_numpy_mode()
    fields: dict[int, tuple[int, int]] = {}  # by node number, without weights
    output = net(mx.sym.var("data"))
    graph = mx.sym.Group(output) if isinstance(output, (list, tuple)) else output
    for number, node in enumerate(json.loads(graph.tojson())["nodes"]):
        if node["op"] in UPSAMPLING or node["op"].startswith(("_sg_", "_contrib_quantize")):
            raise ValueError(
                f"the receptive field after {node['op']} cannot be computed: pass the layers as pairs, or the network "
                "before quantization"
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
