"""Drawn figures say what the network says."""

import gluon_cnn as g
from gluon_cnn.diagrams import draw_network
from matplotlib import pyplot as plt


def texts():
    return [text.get_text() for text in plt.gca().texts]


def test_a_network_is_drawn_from_itself():
    net = g.LeNet(num_classes=7)
    net.initialize()
    draw_network(net, (1, 3, 32, 40))
    drawn = texts()
    for label in ("3×32×40", "20×28×36", "50×6×8", "2,400", "128", "7"):
        assert label in drawn
    assert "Conv\n20\n5×5\nrelu" in drawn
    assert drawn.count("MaxPool\n2×2\nstride 2") == 2
    parameters = 20 * (3 * 25 + 1) + 50 * (20 * 9 + 1) + 128 * (2400 + 1) + 7 * (128 + 1)
    assert plt.gca().get_title() == f"LeNet: 4 layers with weights, {parameters:,} parameters"


def test_a_title_of_ones_own():
    net = g.LeNet()
    net.initialize()
    draw_network(net, (1, 1, 28, 28), title="Mine")
    assert plt.gca().get_title() == "Mine"
