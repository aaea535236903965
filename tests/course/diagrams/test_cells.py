"""The drawn figures of lessons 01-04 show the numbers that the package computes; how they look has to be looked at."""

import gluon_cnn as g
import numpy as np
import pytest
from gluon_cnn.course import diagrams
from gluon_cnn.course.diagrams.cells import FRAME, INPUT, OUTPUT, PADDING, TINTS
from matplotlib import pyplot as plt
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle
from mxnet import nd

X, K = nd.arange(1, 10).reshape((3, 3)), nd.array([[0, 1], [2, 3]])


def texts():
    return [text.get_text() for text in plt.gca().texts]


def cells(fill, side=1):
    squares = [patch for patch in plt.gca().patches if isinstance(patch, Rectangle) and patch.get_width() == side]
    return [square for square in squares if to_hex(square.get_facecolor()) == fill.lower()]


def frames():
    red = [p for p in plt.gca().patches if to_hex(p.get_edgecolor()) == FRAME.lower()]
    return [(p.get_x(), p.get_y(), p.get_width(), p.get_height()) for p in red]


def test_a_sliding_window_with_the_sum_at_each_place():
    diagrams.draw_convolution(X, K)
    drawn = texts()
    for total in ("0·1 + 1·2 + 2·4 + 3·5 = 25", "0·5 + 1·6 + 2·8 + 3·9 = 49"):
        assert total in drawn
    assert [drawn.count(value) for value in ("25", "31", "43", "49")] == [4, 3, 2, 1]
    assert len(cells(INPUT)) == 4 * 9
    assert len(cells(OUTPUT)) == 4 * 4


def test_bias_stride_and_padding_are_drawn_as_they_are_computed():
    diagrams.draw_convolution(X, K, bias=1, stride=2, padding=((1, 0), (0, 1)), places=9)
    Y = g.corr2d(X, K, 1, 2, ((1, 0), (0, 1))).asnumpy()
    totals = [text for text in texts() if " = " in text]
    assert [float(text.split(" = ")[1]) for text in totals] == Y.ravel().tolist()
    assert [eval(text.split(" = ")[0].replace("·", "*")) for text in totals] == Y.ravel().tolist()
    assert len(cells(PADDING)) == 4 * 7


@pytest.mark.parametrize("setting", [(5, 3), (5, 3, 2, 1), (6, 3, 2), ((4, 7), (2, 3), (1, 2), ((0, 1), (2, 0)))])
def test_the_places_of_a_window(setting):
    diagrams.draw_windows(setting)
    size, kernel, stride, padding = (*setting, *(1, 0)[len(setting) - 2 :])
    pair = g.conv_output_size(size if isinstance(size, tuple) else (size, size), kernel, stride, padding)
    assert texts()[0].endswith(f"→ {pair[0]}×{pair[1]}")
    assert len(cells(OUTPUT)) == pair[0] * pair[1] == len(plt.gca().lines)


def test_pixels_that_no_window_reaches_are_hatched():
    diagrams.draw_windows((6, 3, 2))
    assert sum(p.get_hatch() is not None for p in plt.gca().patches) == 36 - 25
    diagrams.draw_windows((5, 3, 2))
    assert not any(p.get_hatch() for p in plt.gca().patches)


@pytest.mark.parametrize("stack", [[(3, 1)], [(3, 1), (3, 1)], [(3, 2), (3, 1)], [(5, 1), (2, 2), (3, 1)]])
def test_the_receptive_field_that_is_framed(stack):
    diagrams.draw_receptive_field(stack)
    ((x, _, width, _),) = frames()
    assert width == g.receptive_field(stack)
    assert f"{width} pixels" in texts()[-1]
    top = min(cells(OUTPUT), key=lambda cell: cell.get_y())
    assert top.get_x() + 0.5 == x + width / 2  # the one output value sits over the middle of what it sees


def test_channels_are_summed():
    X, K = nd.arange(18).reshape((2, 3, 3)), nd.arange(8).reshape((2, 2, 2))
    diagrams.draw_channels(X, K)
    for value in g.corr2d_multi_in_out(X, K.expand_dims(0)).asnumpy().ravel():
        assert f"{value:.3g}" in texts()


def test_many_kernels_name_their_shapes():
    diagrams.draw_many_kernels(28, in_channels=3, out_channels=16, kernel_size=3, padding=1)
    assert {"input\n3×28×28", "16 kernels of 3×3×3", "output\n16×28×28", "⋮"} <= set(texts())
    diagrams.draw_many_kernels(8, in_channels=1, out_channels=2, kernel_size=5, padding=0)
    assert {"input\n1×8×8", "2 kernels of 1×5×5", "output\n2×4×4"} <= set(texts())
    assert "⋮" not in texts()


def test_pooling_colours_each_window_like_its_result():
    picture = np.arange(20).reshape(4, 5) % 7
    diagrams.draw_pooling(picture)
    drawn = texts()
    for mode in ("max", "avg"):
        for value in g.pool2d(nd.array(picture), 2, mode).asnumpy().ravel():
            assert f"{value:.3g}" in drawn
    assert [len(cells(tint)) for tint in TINTS[:4]] == [6] * 4  # four pixels, a maximum and a mean
    assert len(cells("#FFFFFF")) == 4  # the column that no window reaches


def test_upsampling_copies():
    diagrams.draw_upsampling([[1, 2], [3, 4]], times=3)
    assert [texts().count(str(value)) for value in (1, 2, 3, 4)] == [10] * 4


def test_axes_of_batch_norm_and_layer_norm():
    diagrams.draw_norm_axes(samples=2, channels=3, side=2)
    batch_only, both = cells(TINTS[2]), cells(TINTS[0])
    assert (len(batch_only), len(both)) == (2, 2 + 3)
    batch_only, both = cells(TINTS[2], 0.5), cells(TINTS[0], 0.5)
    assert (len(batch_only), len(both)) == (2 * 4, (2 + 3) * 4)
    with pytest.raises(ValueError, match="1 to 6; got 3 and 7"):
        diagrams.draw_norm_axes(samples=3, channels=7)


def test_dropped_cells_are_crossed_and_empty_the_same_in_both_forms():
    X = nd.arange(1, 13).reshape((4, 3))
    g.seed(3)
    diagrams.draw_dropout(X, 0.5, draws=2)
    corners = [(line.get_xdata()[0], line.get_ydata()[0]) for line in plt.gca().lines[::2]]  # two lines a cross
    upper, lower = ([(x, y % 5.4) for x, y in corners if (y > 7) == low] for low in (False, True))
    np.testing.assert_allclose(upper, lower)
    assert 0 < len(upper) < 2 * X.size
    # a table is 3.9 cells from the next
    dropped = [12 * (int(x / 3.9) - 1) + 3 * round(y - 1.9) + round(x - 0.2 - 3.9 * int(x / 3.9)) for x, y in upper]
    tables = np.tile(X.asnumpy().ravel(), 2)
    kept = np.delete(np.arange(24), dropped)
    expected = [*tables[kept] * 2, *tables[kept], *np.tile(X.asnumpy().ravel(), 3), *(X.asnumpy().ravel() / 2)]
    assert sorted(float(text) for text in texts() if text[0].isdigit()) == sorted(expected)


def test_a_1x1_convolution_as_a_dense_layer():
    X, K = nd.arange(12).reshape((3, 2, 2)), nd.array([[1, 0, -1], [1, 2, 1]])
    diagrams.draw_one_by_one(X, K, place=(0, 1))
    Y = nd.dot(K, X.reshape((3, 4))).asnumpy()
    numbers = [float(text) for text in texts() if text.lstrip("-").isdigit()]
    expected = [X.asnumpy(), K.asnumpy(), Y, X[:, 0, 1].asnumpy(), Y[:, 1]]
    assert sorted(numbers) == sorted(np.concatenate([values.ravel() for values in expected]))
    assert len(frames()) == 3 + 2 + 2
