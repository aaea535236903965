"""Learning curves, image grids, filters, feature maps and confusion matrices in one style."""

from gluon_cnn.plots.curves import plot_history, plot_range_test
from gluon_cnn.plots.grad_cam import show_grad_cam
from gluon_cnn.plots.images import apply, as_image, show_images
from gluon_cnn.plots.network import plot_shares, show_feature_maps, show_filters
from gluon_cnn.plots.predictions import plot_confusion, show_mistakes
from gluon_cnn.plots.style import COLORS, style
