"""A block's figure is made from its own graph."""

import gluon_cnn as g
import pytest
from gluon_cnn.course.diagrams import draw_graph
from gluon_cnn.course.diagrams.graph import BOX_HEIGHT, BOX_WIDTH
from gluon_cnn.plots.style import COLORS
from matplotlib import pyplot as plt
from matplotlib.colors import to_hex
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch


def texts():
    return [text.get_text() for text in plt.gca().texts]


def boxes():
    return [patch for patch in plt.gca().patches if isinstance(patch, FancyBboxPatch)]


def arcs():
    arrows = [patch for patch in plt.gca().patches if isinstance(patch, FancyArrowPatch)]
    return [patch for patch in arrows if to_hex(patch.get_edgecolor()) == COLORS["blue"].lower()]


def test_inception_has_four_paths():
    draw_graph(g.Inception(64, 96, 128, 16, 32, 32), (1, 192, 11, 11))
    drawn = texts()
    assert [drawn.count(f"Conv {k}×{k}\nReLU") for k in (1, 3, 5)] == [4, 1, 1]
    for label in ("192×11×11", "64×11×11", "96×11×11", "128×11×11", "16×11×11", "256×11×11", "concat", "Max pool\n3×3"):
        assert label in drawn
    assert len({box.get_x() for box in boxes() if box.get_y() == sorted({box.get_y() for box in boxes()})[1]}) == 4
    assert not arcs()


def test_a_residual_block_goes_around_its_convolutions():
    draw_graph(g.Residual(64), (1, 64, 22, 22))
    assert len(arcs()) == 1
    assert texts()[::2] == ["input", "Conv 3×3", "Batch norm\nReLU", "Conv 3×3", "Batch norm", "+\nReLU"]
    draw_graph(g.Residual(128, same_shape=False), (1, 64, 22, 22))
    assert not arcs()
    assert {"Conv 3×3\nstride 2", "Conv 1×1\nstride 2"} <= set(texts())
    assert texts().count("128×11×11") == 6


def test_a_dense_block_keeps_what_it_has():
    draw_graph(g.DenseBlock(3, 10), (2, 3, 8, 8))
    assert len(arcs()) == 3
    grown = [after for label, after in zip(texts(), texts()[1:]) if label == "concat"]
    assert grown == ["13×8×8", "23×8×8", "33×8×8"]


def test_boxes_do_not_overlap():
    for block in (g.Inception(1, 2, 3, 4, 5, 6), g.ResBlk(3, 8), g.NiN(10).output, g.mlpconv(8, 3, 0)):
        draw_graph(block, (1, 3, 9, 9))
        places = [(box.get_x(), box.get_y()) for box in boxes()]
        for i, (x, y) in enumerate(places):
            assert not any(abs(x - a) < BOX_WIDTH and abs(y - b) < BOX_HEIGHT for a, b in places[:i])


def test_an_input_that_does_not_fit():
    with pytest.raises(ValueError, match=r"an input of shape \(1, 3, 2, 2\) does not fit HybridSequential"):
        draw_graph(g.mlpconv(8, 5, 0), (1, 3, 2, 2))
