"""What only the notebooks use: diagrams, the package's own source, proofs of equality; exercises and sliders apart."""

from gluon_cnn.course.diagrams import (
    draw_channels,
    draw_convolution,
    draw_dropout,
    draw_graph,
    draw_many_kernels,
    draw_network,
    draw_norm_axes,
    draw_one_by_one,
    draw_pooling,
    draw_receptive_field,
    draw_upsampling,
    draw_windows,
)
from gluon_cnn.course.equality import compare_blocks, compare_functions
from gluon_cnn.course.parameters import restored
from gluon_cnn.course.progress_bar import progress
from gluon_cnn.course.source import show_source

__all__ = [
    "compare_blocks",
    "compare_functions",
    "draw_channels",
    "draw_convolution",
    "draw_dropout",
    "draw_graph",
    "draw_many_kernels",
    "draw_network",
    "draw_norm_axes",
    "draw_one_by_one",
    "draw_pooling",
    "draw_receptive_field",
    "draw_upsampling",
    "draw_windows",
    "progress",
    "restored",
    "show_source",
]
