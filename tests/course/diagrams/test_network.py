"""Drawn figures say what the network says."""

import gluon_cnn as g
from gluon_cnn.course.diagrams import draw_network
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


def test_a_deep_network_goes_on_in_further_rows():
    net = g.AlexNet(num_classes=5, dense_units=30)
    net.initialize()
    draw_network(net, (1, 1, 67, 67))
    drawn = texts()
    assert [drawn.count(label) for label in ("96×15×15", "384×3×3", "256×1×1", "30", "5")] == [1, 2, 1, 2, 1]
    places = {
        round(text.get_position()[1], 6) for text in plt.gca().texts if text.get_text().startswith(("Conv", "Dense"))
    }
    assert len(places) == 3  # the heights of the rows
    assert plt.gcf().get_size_inches()[0] <= 7


def test_blocks_are_one_step_each():
    net = g.DenseNet(num_classes=6, growth_rate=4, init_channels=8, block_layers=(2, 3))
    net.initialize()
    draw_network(net, (1, 1, 32, 32))
    drawn = texts()
    assert [text for text in drawn if text.startswith("DenseBlock")] == [
        "DenseBlock\n2 convolutions",
        "DenseBlock\n3 convolutions",
    ]
    assert [drawn.count(label) for label in ("8×16×16", "16×8×8", "8×4×4", "20×4×4", "20×1×1")] == [1, 1, 1, 1, 1]
    legend = plt.gca().get_legend()
    assert [text.get_text() for text in legend.get_texts()] == ["input", "convolution", "pooling", "block", "dense"]
    assert not any("BatchNorm" in text or "Activation" in text for text in drawn)
    assert plt.gca().get_title().startswith("DenseNet: 8 layers with weights, ")
