"""Code used only by the notebooks: diagrams, source listings, numerical comparisons, exercises and sliders."""

from gluon_cnn.course import diagrams
from gluon_cnn.course.diagrams import draw_graph, draw_network, draw_one_by_one, draw_receptive_field
from gluon_cnn.course.equality import compare_blocks, compare_functions
from gluon_cnn.course.parameters import restored
from gluon_cnn.course.progress_bar import progress
from gluon_cnn.course.source import show_source
