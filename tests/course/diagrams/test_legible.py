"""On a phone, the figures of the lessons are shrunk to its width: their letters must stay large enough to be read."""

import gluon_cnn as g
import pytest
from gluon_cnn.course import diagrams
from matplotlib import pyplot as plt
from mxnet import nd

PHONE, SMALLEST = 375, 8  # pixels: the width of a phone, and the height of the smallest letters
X, K = nd.arange(1, 10).reshape((3, 3)), nd.array([[0, 1], [2, 3]])


def network(net, shape):
    net.initialize()
    diagrams.draw_network(net, shape)


@pytest.mark.parametrize(
    "draw",
    [
        lambda: diagrams.draw_convolution(X, K),
        lambda: diagrams.draw_windows((5, 3), (5, 3, 1, 1), (5, 3, 2, 1)),
        lambda: diagrams.draw_receptive_field([(3, 1)], [(3, 1), (3, 1)], [(3, 2), (3, 1)]),
        lambda: diagrams.draw_channels(nd.ones((2, 3, 3)), nd.ones((2, 2, 2))),
        lambda: diagrams.draw_many_kernels(28, in_channels=3, out_channels=16, kernel_size=3, padding=1),
        lambda: diagrams.draw_pooling(nd.ones((4, 4))),
        lambda: diagrams.draw_upsampling([[1, 2], [3, 4]]),
        lambda: diagrams.draw_norm_axes(samples=3, channels=4, side=3),
        lambda: diagrams.draw_dropout(nd.ones((4, 3)), draws=2),
        lambda: diagrams.draw_one_by_one(nd.ones((3, 2, 2)), nd.ones((2, 3)), place=(0, 1)),
        lambda: diagrams.draw_graph(g.Inception(64, 96, 128, 16, 32, 32), (32, 3, 64, 64)),
        lambda: diagrams.draw_graph(g.Residual(8, same_shape=False), (4, 3, 6, 6)),
        lambda: diagrams.draw_graph(g.DenseBlock(2, 10), (4, 3, 8, 8)),
        lambda: network(g.LeNet(), (1, 1, 28, 28)),
        lambda: network(g.VGG(g.VGG11), (1, 1, 32, 32)),
        lambda: network(g.GoogLeNet(10), (1, 3, 96, 96)),
        lambda: network(g.ResNet(10), (1, 3, 96, 96)),
    ],
)
def test_letters_can_be_read_on_a_phone(draw):
    draw()
    figure = plt.gcf()
    texts = [text for text in plt.gca().texts if any(letter.isalnum() for letter in text.get_text())]
    smallest = min(text.get_fontsize() for text in texts)  # in points, 72 to an inch
    inches = max(figure.get_size_inches()[0] + 0.2, PHONE / figure.dpi)  # with the margin that Jupyter adds
    assert smallest / 72 * PHONE / inches >= SMALLEST


def test_labels_of_neighbouring_layers_do_not_touch():
    for net, shape in ((g.ResNet(10), (1, 3, 96, 96)), (g.GoogLeNet(10), (1, 3, 96, 96)), (g.NiN(10), (1, 1, 67, 67))):
        network(net, shape)
        figure = plt.gcf()
        figure.canvas.draw()
        boxes = [text.get_window_extent() for text in plt.gca().texts]
        for k, box in enumerate(boxes):
            assert not any(box.overlaps(other) for other in boxes[:k])
