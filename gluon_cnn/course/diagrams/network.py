"""Figure of a network as the feature maps between its layers. Lessons 05-11."""

import re
from itertools import zip_longest

import matplotlib.pyplot as plt
import numpy as np
from gluon_cnn.course.diagrams.cells import EMPTY, INPUT, TINTS, Canvas
from gluon_cnn.networks.summary import LayerSummary, summary
from gluon_cnn.plots.style import COLORS, show_figure, style
from matplotlib.patches import Patch
from mxnet.gluon import Block

SHEETS_SHOWN = 6  # a stack of more feature maps is drawn with this many
STACKS_IN_A_ROW = 4  # more would be too small on a phone
INPUT_HEIGHT, GAP = 1.0, 1.45  # of the input, and between two stacks
LINE, INCHES = 0.28, 0.6  # height of a label's line, and inches per unit
POOLINGS = ("MaxPool2D", "AvgPool2D", "GlobalAvgPool2D")
CONVOLUTION, DENSE, POOLING, BLOCK = COLORS["sky"], COLORS["orange"], EMPTY, TINTS[2]
FILL = {"Conv2D": CONVOLUTION, "Dense": DENSE, **dict.fromkeys(POOLINGS, POOLING)}
LEGEND = {INPUT: "input", CONVOLUTION: "convolution", POOLING: "pooling", BLOCK: "block", DENSE: "dense"}
KEEP_SHAPE = ("Dropout", "BatchNorm", "Activation")


def draw_network(net: Block, shape: tuple[int, ...], title: str | None = None) -> None:
    """Draw the feature maps between the layers of an initialized network; a block such as Inception is one step.

    Feature maps are stacks of sheets, vectors are columns; the label under an arrow is the layer, the label over a
    stack its channels, height and width. Stacks are blue after convolutions, white after pooling, green after
    blocks. Dropout is left out, as are batch norm and activations that are layers of their own. The title is by default
    the network's name and its numbers of layers and parameters.
    """
    if len(shape) != 4:
        raise ValueError(f"shape must be that of images, (N, C, H, W); got {shape}")
    table = summary(net, shape, blocks=True)
    layers = [layer for layer in table.layers if layer.kind not in KEEP_SHAPE]
    weighted = sum(layer.kind in ("Conv2D", "Dense") for row in table.layers for layer in row.inner or (row,))
    shapes = [shape, *(layer.output_shape for layer in layers)]
    fills = [INPUT]
    for layer in layers:
        fills.append(BLOCK if layer.inner else FILL.get(layer.kind, fills[-1]))
    scale = INPUT_HEIGHT / shape[2]
    in_a_row = -(-len(shapes) // -(-len(shapes) // STACKS_IN_A_ROW))
    with style():
        _, ax = plt.subplots(layout="constrained")
        c, top, right = Canvas(ax), 0.0, 0.0
        for first in range(0, len(shapes), in_a_row):
            row = range(first, min(first + in_a_row, len(shapes)))
            labels = [_label(layers[i]) for i in row if i < len(layers)]
            half = max(_size(shapes[i][1:], scale)[1] for i in row) / 2
            x, y = 0.0, top - 0.5 - half
            for i, label in zip_longest(row, labels):
                x += _draw_output(c, x, y, shapes[i][1:], fills[i], scale)
                if label:
                    c.arrow((x + 0.1, y), (x + GAP - 0.1, y))
                    c.write(x + GAP / 2, y - max(half, 0.4) - 0.15, label, va="top", fontsize=10, linespacing=1.25)
                    right = max(right, x + GAP)
                right, x = max(right, x + 0.5), x + GAP
            top = y - max(half, 0.4) - 0.25 - LINE * max([0, *(label.count("\n") + 1 for label in labels)])
        title = title or f"{table.network}: {weighted} layers with weights, {table.parameters:,} parameters"
        ax.set(xlim=(-0.3, right), ylim=(top, 0), aspect="equal", title=title)
        ax.axis("off")
        handles = [Patch(facecolor=fill, edgecolor="black", label=LEGEND[fill]) for fill in LEGEND if fill in fills]
        ax.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, 0), ncol=3, title="output of")
        width = INCHES * (right + 0.3)
        plt.gcf().set_size_inches(width, 1.3 - INCHES * top)
        show_figure()


def _label(layer: LayerSummary) -> str:
    details = [re.sub(r"(\d)x(\d)", r"\1×\2", detail) for detail in layer.details]
    return "\n".join([layer.kind.replace("2D", ""), *details])


def _size(size: tuple[int, ...], scale: float) -> tuple[float, float]:
    """Return width and height of a stack or column."""
    if len(size) == 1:
        return 0.22, float(np.clip(0.42 * np.log2(size[0]), 0.6, 2.2)) * 0.75
    behind = 0.07 * (min(size[0], SHEETS_SHOWN) - 1)  # how far the last sheet is shifted to the upper right
    height, width = (max(side * scale, 0.16) + behind for side in size[1:])
    return width, height


def _draw_output(c: Canvas, x: float, y: float, size: tuple[int, ...], fill: str, scale: float) -> float:
    """Draw one stack or column starting at ``x`` and centred at the height ``y``, and return its width."""
    width, height = _size(size, scale)
    behind = 0.07 * (min(size[0], SHEETS_SHOWN) - 1) if len(size) > 1 else 0.0
    for offset in np.arange(behind, -0.01, -0.07):
        c.box(x + offset, y - height / 2 + offset, width - behind, height - behind, fill)
    text = "×".join(map(str, size)) if len(size) > 1 else f"{size[0]:,}"
    c.write(x + width / 2, y + height / 2 + 0.12, text, va="bottom")
    return width
