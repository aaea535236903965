"""Figure of a network as the feature maps between its layers. Lessons 05-11."""

import re

import matplotlib.pyplot as plt
import numpy as np
from gluon_cnn.course.diagrams.cells import EMPTY, INPUT, TINTS, Canvas
from gluon_cnn.networks.summary import summary
from gluon_cnn.plots.style import COLORS, show_figure, style
from matplotlib.patches import Patch
from mxnet.gluon import Block

SHEETS_SHOWN = 6  # a stack of more feature maps is drawn with this many
STACKS_IN_A_ROW = 6
ROW_HEIGHT = 3.7
GAP = 1.25  # between two stacks, in units in which the input is 1.5 high
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
    with style():
        shapes = [shape, *(layer.output_shape for layer in layers)]
        rows = -(-len(shapes) // STACKS_IN_A_ROW)
        in_a_row = -(-len(shapes) // rows)
        _, ax = plt.subplots(figsize=(1.5 * in_a_row, 2.8 * rows + 0.5), layout="constrained")
        c, x, right = Canvas(ax), 0.0, 0.0
        fills = [INPUT]
        for layer in layers:
            fills.append(BLOCK if layer.inner else FILL.get(layer.kind, fills[-1]))
        for i, (size, fill) in enumerate(zip(shapes, fills)):
            x = 0.0 if i % in_a_row == 0 else x + GAP
            y = -ROW_HEIGHT * (i // in_a_row)
            x += _draw_output(c, x, y, size[1:], fill, scale=1.5 / shape[2])
            if i < len(layers):
                details = [re.sub(r"(\d)x(\d)", r"\1×\2", detail) for detail in layers[i].details]
                label = "\n".join([layers[i].kind.replace("2D", ""), *details])
                c.arrow((x + 0.1, y), (x + GAP - 0.1, y))
                c.write(x + GAP / 2, y - 0.98, label, va="top", fontsize=9.5, linespacing=1.25)
                right = max(right, x + GAP)
            right = max(right, x + 0.5)
        title = title or f"{table.network}: {weighted} layers with weights, {table.parameters:,} parameters"
        ax.set(xlim=(-0.3, right), ylim=(-1.75 - ROW_HEIGHT * (rows - 1), 1.6), aspect="equal", title=title)
        ax.axis("off")
        handles = [Patch(facecolor=fill, edgecolor="black", label=LEGEND[fill]) for fill in LEGEND if fill in fills]
        ax.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, 0), ncol=len(handles), title="output of")
        show_figure()


def _draw_output(c: Canvas, x: float, y: float, size: tuple[int, ...], fill: str, scale: float) -> float:
    """Draw one stack or column starting at ``x`` and centred at the height ``y``, and return its width."""
    if len(size) == 1:
        height = float(np.clip(0.42 * np.log2(size[0]), 0.6, 2.2)) * 0.75
        c.box(x, y - height / 2, 0.22, height, fill)
        c.write(x + 0.11, y + height / 2 + 0.12, f"{size[0]:,}", va="bottom", fontsize=10)
        return 0.22
    height, width = (max(side * scale, 0.16) for side in size[1:])
    behind = 0.07 * (min(size[0], SHEETS_SHOWN) - 1)  # how far the last sheet is shifted, upper right
    bottom = y - (height + behind) / 2
    for offset in np.arange(behind, -0.01, -0.07):
        c.box(x + offset, bottom + offset, width, height, fill)
    top = bottom + height + behind + 0.12
    c.write(x + (width + behind) / 2, top, "×".join(map(str, size)), va="bottom", fontsize=10)
    return width + behind
