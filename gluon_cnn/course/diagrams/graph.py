"""Figure of a block as a graph of parallel paths, sums and concatenations. Lessons 08-11."""

import json
from ast import literal_eval
from collections import Counter
from dataclasses import dataclass, field

import mxnet as mx
from gluon_cnn.course.diagrams.cells import EMPTY, INPUT, KERNEL, OUTPUT, TINTS, Canvas, canvas
from gluon_cnn.plots.style import COLORS
from matplotlib.patches import FancyBboxPatch
from mxnet.gluon import HybridBlock

BOX_WIDTH, BOX_HEIGHT, LEVEL, LANE, MIN_WIDTH = 2.8, 2.0, 2.9, 3.4, 14.0  # in cells; the title needs some width
FILLS = {"Convolution": OUTPUT, "FullyConnected": TINTS[1], "BatchNorm": KERNEL, "input": INPUT}
MERGES = {"elemwise_add", "broadcast_add", "_Plus", "Concat"}
NAMES = {"null": "input", "FullyConnected": "Dense", "BatchNorm": "Batch norm", "Activation": "ReLU", "relu": "ReLU"}
NAMES |= {"elemwise_add": "+", "broadcast_add": "+", "_Plus": "+", "Concat": "concat"}


@dataclass
class _Node:
    """One operator: its label, its inputs and outputs, and its position."""

    kind: str
    label: str
    shape: tuple[int, ...]
    before: list[int]
    after: list[int] = field(default_factory=list)
    level: int = 0
    lane: float = 0.0
    x: float = 0.0  # upper left corner of the box
    y: float = 0.0


def draw_graph(block: HybridBlock, shape: tuple[int, ...], title: str | None = None) -> None:
    """Draw the operators of a block, from top to bottom, with their output shapes for an input of ``shape``.

    The block is traced, not run. The first axis, the batch, is left out.
    """
    nodes = _nodes(block, shape)
    _place(nodes)
    lanes = [node.lane for node in nodes]
    edges = [(nodes[source], node) for node in nodes for source in node.before]
    arc = 1.6 if any(_is_arc(nodes, *edge) for edge in edges) else 0
    needed = arc + (max(lanes) - min(lanes)) * LANE + BOX_WIDTH + 0.8
    width = max(needed, MIN_WIDTH)
    left = 0.2 + arc - min(lanes) * LANE + (width - needed) / 2
    with canvas(width, max(node.level for node in nodes) * LEVEL + BOX_HEIGHT + 0.4, inches=0.32, title=title) as c:
        for node in nodes:
            node.x, node.y = left + node.lane * LANE, 0.2 + node.level * LEVEL
        for a, b in edges:
            _draw_edge(c, a, b, _is_arc(nodes, a, b))
        for node in nodes:
            _draw_box(c, node)


def _nodes(block: HybridBlock, shape: tuple[int, ...]) -> list[_Node]:
    """Trace the block and return its operators in execution order, merging activations into their predecessors."""
    symbol = block(mx.sym.var("data"))
    try:
        _, shapes, _ = symbol.get_internals()._infer_shape_impl(False, data=shape)
    except mx.MXNetError:
        raise ValueError(f"an input of shape {shape} does not fit {type(block).__name__}") from None
    shape_of = dict(zip(symbol.get_internals().list_outputs(), shapes))
    raw = json.loads(symbol.tojson())["nodes"]
    users = Counter(source for entry in raw for source, *_ in entry["inputs"])
    nodes: list[_Node] = []
    place: dict[int, int] = {}  # index in mxnet's graph -> index in `nodes`
    for number, entry in enumerate(raw):
        kind, attrs = entry["op"], entry.get("attrs", {})
        before = [place[source] for source, *_ in entry["inputs"] if source in place]
        if kind == "null" and entry["name"] != "data":
            continue  # a weight
        output = entry["name"] if kind == "null" else f"{entry['name']}_output"
        activates = kind in ("Activation", "relu") and nodes[before[0]].kind != "input"
        activates = activates and users[entry["inputs"][0][0]] == 1
        if activates:
            name = attrs.get("act_type", "relu")
            nodes[before[0]].label += "\nReLU" if name == "relu" else f"\n{name}"
        if activates or kind in ("Dropout", "Flatten", "expand_dims", "squeeze"):
            place[number] = before[0]
            continue
        place[number] = len(nodes)
        nodes.append(_Node("input" if kind == "null" else kind, _label(kind, attrs), shape_of[output][1:4], before))
        for source in before:
            nodes[source].after.append(place[number])
    return nodes


def _label(kind: str, attrs: dict[str, str]) -> str:
    window = "×".join(map(str, literal_eval(attrs.get("kernel", "()"))))
    stride = literal_eval(attrs.get("stride", "(1,)"))[0]
    by = f"\nstride {stride}" if stride > 1 else ""
    if kind == "Convolution":
        return f"Conv {window}{by}"
    if kind == "Pooling":
        name = {"max": "Max pool", "avg": "Avg pool"}[attrs["pool_type"]]
        return f"{name}\n" + ("global" if attrs.get("global_pool") == "True" else window + by)
    return NAMES.get(kind, kind)


def _place(nodes: list[_Node]) -> None:
    """Assign each node a level, its longest distance from the input, and a lane; branches fan out around merges."""
    for number, node in enumerate(nodes):
        if not (before := [nodes[source] for source in node.before]):
            continue
        node.level = 1 + max(source.level for source in before)
        node.lane = sum(source.lane for source in before) / len(before)
        if len(before) == 1:
            branches = [n for n in before[0].after if len(nodes[n].before) == 1]
            node.lane += branches.index(number) - (len(branches) - 1) / 2


def _is_arc(nodes: list[_Node], a: _Node, b: _Node) -> bool:
    """Return whether an edge would cross boxes between its ends."""
    return a.lane == b.lane and any(a.level < n.level < b.level and n.lane == a.lane for n in nodes)


def _draw_edge(c: Canvas, a: _Node, b: _Node, arc: bool) -> None:
    if arc:
        start, end = (a.x, a.y + BOX_HEIGHT / 2), (b.x, b.y + BOX_HEIGHT / 2)
        rise = 1.2 / (end[1] - start[1]) * 2
        c.arrow(start, end, connectionstyle=f"arc3,rad={rise}", color=COLORS["blue"], linewidth=1.8)
    else:
        bend, before, after = b.y - (LEVEL - BOX_HEIGHT), a.x + BOX_WIDTH / 2, b.x + BOX_WIDTH / 2
        c.ax.plot([before, before], [a.y + BOX_HEIGHT, bend], color="black", linewidth=1)  # past boxes of other lanes
        c.arrow((before, bend), (after, b.y), shrinkA=0)


def _draw_box(c: Canvas, node: _Node) -> None:
    fill = FILLS.get(node.kind, TINTS[2] if node.kind in MERGES else EMPTY)
    shape = {"boxstyle": "round,pad=0,rounding_size=0.25", "facecolor": fill, "edgecolor": "black"}
    c.ax.add_patch(FancyBboxPatch((node.x, node.y), BOX_WIDTH, BOX_HEIGHT, **shape))
    middle = node.x + BOX_WIDTH / 2
    c.write(middle, node.y + 0.75, node.label, fontsize=9.5, linespacing=1.1)
    c.write(middle, node.y + BOX_HEIGHT - 0.35, "×".join(map(str, node.shape)), fontsize=9.5)
