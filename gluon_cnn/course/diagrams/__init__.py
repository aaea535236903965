"""The figures of the lessons, drawn from the objects that they show, in one visual language.

Cells hold numbers. Grey cells are input, yellow ones kernels, blue ones output, dashed ones padding; a red frame
marks the current window; crossed-out cells are dropped. Each figure takes a ``title``.
"""

from gluon_cnn.course.diagrams.channels import draw_channels, draw_many_kernels, draw_one_by_one
from gluon_cnn.course.diagrams.convolution import draw_convolution, draw_receptive_field, draw_windows
from gluon_cnn.course.diagrams.graph import draw_graph
from gluon_cnn.course.diagrams.layers import draw_dropout, draw_norm_axes, draw_pooling, draw_upsampling
from gluon_cnn.course.diagrams.network import draw_network
