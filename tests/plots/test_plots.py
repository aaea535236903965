"""Figures: what they show, checked on the drawn objects; how they look has to be looked at."""

import contextlib

import gluon_cnn as g
import numpy as np
import pytest
from gluon_cnn import History, apply, show_images, summary
from gluon_cnn.course import parameters
from gluon_cnn.course.diagrams.network import draw_network
from gluon_cnn.plots import network, plot_confusion, plot_range_test, show_mistakes
from gluon_cnn.training.prediction import predict_batches
from matplotlib import pyplot as plt
from mxnet import nd
from mxnet.gluon import nn

GREY = np.random.RandomState(0).rand(5, 6)
COLOUR = np.random.RandomState(0).rand(5, 6, 3)


def shown():
    return [ax.images[0].get_array() if ax.images else None for ax in plt.gcf().axes]


def titles():
    return [ax.get_title() for ax in plt.gcf().axes]


@pytest.mark.parametrize(
    ("picture", "expected"),
    [
        (GREY, GREY),
        (GREY[None], GREY),
        (GREY[:, :, None], GREY),
        (COLOUR, COLOUR),
        (COLOUR.transpose(2, 0, 1), COLOUR),
        (nd.array(GREY[None], dtype="float64"), GREY),
        ((COLOUR * 255).astype(np.uint8), (COLOUR * 255).astype(np.uint8)),
        (np.ones((3, 9, 3)), np.ones((3, 9, 3))),  # could be either: height first wins
    ],
)
def test_all_forms_of_pictures(picture, expected):
    show_images([picture], 1, 1)
    np.testing.assert_array_equal(shown()[0], expected)


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (1, 4), (4, 1), (2, 3)])
def test_grids_of_any_form_with_titles(rows, columns):
    show_images(nd.array(np.stack([GREY] * 4))[:, None], rows, columns, titles=["a", "b"])
    assert len(plt.gcf().axes) == rows * columns
    assert sum(picture is not None for picture in shown()) == min(4, rows * columns)
    assert titles()[:2] == ["a", "b"][: rows * columns]


def test_black_stays_black_and_bytes_are_bytes():
    show_images([np.full((2, 2), 0.5), np.full((2, 2), 5, np.uint8)], 1, 2)
    assert [ax.images[0].get_clim() for ax in plt.gcf().axes] == [(0, 1), (0, 255)]


def test_pictures_and_grids_that_are_none_are_refused():
    with pytest.raises(ValueError, match=r"an image has shape .* got \(4,\)"):
        show_images([np.zeros(4)], 1, 1)
    with pytest.raises(ValueError, match="must be at least 1; got 0 and 2"):
        show_images([GREY], 0, 2)


def test_plotting_leaves_the_users_settings_alone():
    before = dict(plt.rcParams)
    show_images([GREY], 1, 1)
    assert dict(plt.rcParams) == before


def test_confusion_counts_and_names_the_most_common_mistake():
    plot_confusion([0, 0, 1, 2, 2, 2], [0, 1, 1, 0, 0, 2], ["cat", "dog", "fox"])
    ax = plt.gca()
    np.testing.assert_array_equal(ax.images[0].get_array(), [[1, 1, 0], [0, 1, 0], [2, 0, 1]])
    assert ax.get_title() == "Most common: fox taken for cat"
    assert ax.get_ylabel() == "true class"
    plot_confusion([0, 1], [0, 1], ["cat", "dog"])
    assert plt.gca().get_title() == "No mistakes"
    plot_confusion(nd.array([0, 1]), nd.array([1, 1]), ["cat", "dog"])
    assert plt.gca().get_title() == "Most common: cat taken for dog"
    assert plt.gca().get_ylabel() == "true class (1 images each)"
    plot_confusion([0, 0, 1], [0, 0, 0], ["cat", "dog", "fox"])  # no fox, and none predicted
    np.testing.assert_array_equal(plt.gca().images[0].get_array(), [[2, 0, 0], [1, 0, 0], [0, 0, 0]])
    assert [label.get_text() for label in plt.gca().get_yticklabels()] == ["cat", "dog", "fox"]
    assert plt.gca().get_title() == "Most common: dog taken for cat"
    plot_confusion([0, 1, 2, 2], [1, 1, 0, 2], ["cat", "dog", "fox"])
    assert plt.gca().get_title() == "Most common: cat taken for dog and fox taken for cat"
    with pytest.raises(ValueError, match="classes 0 to 1; got class 2"):
        plot_confusion([0, 1], [0, 2], ["cat", "dog"])
    with pytest.raises(ValueError, match="differ in length: 2 and 1"):
        plot_confusion([0, 1], [0], ["cat", "dog"])


@pytest.mark.parametrize("as_they_are", [np.asarray, nd.array, list], ids=["NumPy", "NDArray", "list"])
def test_confusion_of_probabilities_takes_the_likeliest_class(as_they_are):  # 13b (Text_Classification#8)
    probabilities = np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.3, 0.4, 0.3], [0.6, 0.1, 0.3]], np.float32)
    names = ["cat", "dog", "fox"]
    for labels in (np.array([0, 1, 1, 2]), np.eye(3, dtype=np.float32)[[0, 1, 1, 2]]):
        plot_confusion(as_they_are(labels), as_they_are(probabilities), names)
        np.testing.assert_array_equal(plt.gca().images[0].get_array(), [[1, 0, 0], [0, 2, 0], [1, 0, 0]])


@pytest.mark.parametrize(
    "predictions", [[0.2, 0.9], [[0], [1]], [[0.2, 0.3, 0.5], [0.1, 0.1, 0.8]], [np.nan, 1], ["cat", "dog"]]
)
def test_what_is_neither_classes_nor_probabilities_is_named(predictions):
    with pytest.raises(ValueError, match="predictions must be class numbers, or rows of 2 probabilities or scores"):
        plot_confusion([0, 1], predictions, ["cat", "dog"])


HISTORY = History([1.0], [0.5], [0.5], [1], [1.0], [1.0])
DRAW = {
    "show_images": lambda: show_images([GREY], 1, 1),
    "apply": lambda: apply(nd.array(COLOUR), lambda img: img, 1),
    "plot_confusion": lambda: plot_confusion([0, 1], [0, 0], ["cat", "dog"]),
    "plot_history": lambda: HISTORY.plot(),
    "plot_range_test": lambda: plot_range_test([0.1, 1], [2, 1], 0.1),
    "plot_shares": lambda: network.plot_shares(summary(small(), (1, 8)), "Mine"),
    "show_filters": lambda: network.show_filters(nd.ones((2, 1, 3, 3)), 1, 2),
    "show_maps": lambda: network.show_feature_maps(nd.ones((2, 3, 3)), GREY),
    "show_mistakes": lambda: show_mistakes(
        [(nd.ones((1, 1, 4, 4)), None)], nd.array([0]), np.array([[0.1, 0.9]]), ["cat", "dog"]
    ),
    "draw_network": lambda: draw_network(small(), (1, 1, 4, 4)),
}


def small():
    net = nn.HybridSequential()
    net.add(nn.Dense(5))
    net.initialize()
    return net


@pytest.mark.parametrize("draw", DRAW.values(), ids=DRAW)
def test_no_figure_of_ours_stays_open_and_no_other_is_closed(draw, monkeypatch):  # 30b (matplotlib PR#1919)
    plt.ioff()
    shown = []
    monkeypatch.setattr(plt, "show", lambda: shown.append(plt.get_fignums()))
    mine = plt.figure()
    for _ in range(3):
        draw()
        assert plt.get_fignums() == [mine.number]
    assert [len(open_ones) for open_ones in shown] == [2, 2, 2]  # shown once each, and open then
    plt.ion()
    draw()
    assert len(plt.get_fignums()) == 2  # its window may still be looked at


def test_a_figure_that_cannot_be_written_is_closed(tmp_path):
    for name, words in (("", "is a folder: name a file in it"), ("missing/curves.png", "."), ("curves.unknown", ".")):
        with pytest.raises((OSError, ValueError), match=words):
            HISTORY.plot(tmp_path / name)
    HISTORY.plot(tmp_path / "curves.png")
    assert plt.get_fignums() == []


def test_shares_of_weights_and_work():
    net = nn.HybridSequential()
    net.add(nn.Conv2D(4, 3, padding=1), nn.MaxPool2D(2), nn.Dense(5))
    net.initialize()
    table = summary(net, (1, 1, 8, 8))
    network.plot_shares(table, "Mine")
    heights = [bar.get_height() for bar in plt.gca().patches]
    weights, work = [40, 325], [64 * 4 * 19, 5 * 129]
    np.testing.assert_allclose(heights, [*np.divide(weights, 365), *np.divide(work, sum(work))])
    assert [label.get_text() for label in plt.gca().get_xticklabels()] == ["Conv 4", "Dense 5"]


@pytest.fixture
def data():
    """Seven pictures of two pixels; the first pixel's share is the probability of class 0 in the network below."""
    images = np.random.RandomState(0).rand(7, 1, 1, 2).astype(np.float32)
    return g.Batches(images, np.array([0, 1, 0, 1, 0, 1, 0]), 3)


@pytest.fixture
def net():
    net = nn.Dense(2)
    net.initialize()
    net(nd.zeros((1, 2)))
    net.weight.set_data(nd.array([[4, 0], [0, 4]]))
    return net


def test_probabilities_in_the_order_of_the_data(data, net):
    labels, probabilities = predict_batches(data, net)
    pixels = data.images.reshape(7, 2).astype(np.float64)
    expected = np.exp(4 * pixels) / np.exp(4 * pixels).sum(axis=1, keepdims=True)
    np.testing.assert_array_equal(labels, data.labels)
    np.testing.assert_allclose(probabilities, expected, rtol=1e-5)
    right = (probabilities.argmax(axis=1) == labels).mean()
    assert right == pytest.approx(g.evaluate_accuracy(data, net))
    with pytest.raises(ValueError, match="no batch"):
        predict_batches([], net)


def test_filters_keep_their_signs_and_zero_is_grey():
    network.show_filters(nd.array([[[[-2, 0], [1, 2]]], [[[0, 0], [0, 0.1]]]]), 1, 2)
    np.testing.assert_allclose(shown(), [[[0, 0.5], [0.75, 1]], [[0.5, 0.5], [0.5, 1]]])
    for channels in (1, 3):  # a kernel of 3x3 is not taken for three colours
        weights = np.random.RandomState(0).uniform(-1, 1, (1, channels, 3, 3))
        network.show_filters(nd.array(weights), 1, 1)
        expected = 0.5 + 0.5 * weights[0].transpose(1, 2, 0) / np.abs(weights).max()
        np.testing.assert_allclose(shown()[0], expected[:, :, 0] if channels == 1 else expected, rtol=1e-5)


def test_the_strongest_maps_come_first_and_a_dead_one_is_black():
    maps = nd.array([[[0, 0]], [[1, 4]], [[2, -1]]])
    network.show_feature_maps(maps, nd.ones((1, 1, 2)), title="bag")
    assert titles() == ["bag", "map 1", "map 2", "map 0"]
    np.testing.assert_allclose(shown()[1:], [[[0.25, 1]], [[1, 0]], [[0, 0]]])


def test_the_surest_mistakes_with_both_names(data, capsys, tmp_path):
    probabilities = np.array([[0.2, 0.8], [0.1, 0.9], [0.4, 0.6], [0.9, 0.1], [1, 0], [0, 1], [1, 0]])
    show_mistakes(data, data.labels, probabilities, ["bag", "coat"], count=2)
    assert titles() == ["coat\nas bag, 90%", "bag\nas coat, 80%"]
    np.testing.assert_array_equal(shown(), data.images[[3, 0], 0])
    show_mistakes([], data.labels, probabilities, ["bag", "coat"], 2, images=1 - data.images, file=tmp_path / "x.png")
    assert plt.imread(tmp_path / "x.png").shape[0] > 100
    assert "No mistakes" not in capsys.readouterr().out
    show_mistakes(data, data.labels, np.eye(2)[data.labels], ["bag", "coat"])
    assert capsys.readouterr().out == "No mistakes\n"


def test_parameters_are_put_back_whatever_happens(net):
    before = net.weight.data().asnumpy()
    with parameters.restored([net.weight]):
        net.weight.set_data(nd.zeros((2, 2)))
        assert not net.weight.data().asnumpy().any()
    np.testing.assert_array_equal(net.weight.data().asnumpy(), before)
    with contextlib.suppress(KeyError), parameters.restored(net.collect_params().values()):
        net.weight.set_data(nd.zeros((2, 2)))
        raise KeyError
    np.testing.assert_array_equal(net.weight.data().asnumpy(), before)
