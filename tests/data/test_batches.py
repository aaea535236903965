"""Batches from arrays."""

import gluon_cnn as g
import mxnet as mx
import numpy as np
import pytest
from gluon_cnn import Batches
from hypothesis import given, settings
from hypothesis import strategies as st
from mxnet import nd

PIXELS = np.random.RandomState(0).randint(0, 256, (10, 6, 8)).astype(np.uint8)
LABELS = np.arange(10)


def collected(batches):
    pairs = list(batches)
    return np.concatenate([X.asnumpy() for X, _ in pairs]), np.concatenate([y.asnumpy() for _, y in pairs])


def test_types_shapes_and_values():
    X, y = next(iter(Batches(PIXELS, LABELS, 4)))
    assert (X.shape, X.dtype, y.shape, y.dtype) == ((4, 1, 6, 8), np.float32, (4,), np.int32)
    np.testing.assert_allclose(X.asnumpy()[:, 0], PIXELS[:4] / 255, rtol=1e-6)
    assert y.asnumpy().tolist() == [0, 1, 2, 3]


@settings(max_examples=30)
@given(n=st.integers(1, 12), batch_size=st.integers(1, 15), shuffle=st.booleans())
def test_each_picture_comes_once_in_each_epoch(n, batch_size, shuffle):
    batches = Batches(np.arange(n, dtype=np.uint8)[:, None, None], np.arange(n), batch_size, shuffle=shuffle)
    for _ in range(2):
        sizes = [len(y) for _, y in batches]
        assert len(sizes) == len(batches)
        assert sizes[:-1] == [batch_size] * (len(sizes) - 1)
        X, y = collected(batches)
        assert sorted(y) == list(range(n))
        np.testing.assert_array_equal((X[:, 0, 0, 0] * 255).round(), y)  # picture and label stay together


def test_shuffled_anew_in_each_epoch_and_again_from_the_seed():
    def two_epochs(seed):
        batches = Batches(PIXELS, LABELS, 3, shuffle=True, seed=seed)
        return [collected(batches)[1].tolist() for _ in range(2)]

    orders, (first, second) = [], two_epochs(5)
    assert first != second
    assert two_epochs(5) == [first, second]
    assert two_epochs(6) != [first, second]
    for value in (1, 1, 2):  # the course's own seed
        g.seed(value)
        orders.append(two_epochs(None))
    assert orders[0] == orders[1] != orders[2]


@pytest.mark.parametrize("resize", [12, (12, 16), (3, 4), 6, (6, 8)])
def test_resizing_equals_mxnets_own(resize):
    height, width = resize if isinstance(resize, tuple) else (resize, resize)
    X, _ = collected(Batches(PIXELS, LABELS, 10, resize=resize))
    for got, original in zip(X[:, 0], PIXELS):
        picture = nd.array(original[:, :, None] / 255.0)
        expected = mx.image.imresize(picture, width, height, interp=1)[:, :, 0].asnumpy()
        np.testing.assert_allclose(got, expected, atol=1e-6)


@pytest.mark.parametrize(
    "make", [lambda a: a, np.asfortranarray, lambda a: a.transpose(0, 1, 3, 2).copy().transpose(0, 1, 3, 2)]
)
def test_colour_pictures_as_floats_in_any_memory_order(make):
    pixels = np.random.RandomState(0).rand(5, 3, 4, 6)
    X, _ = collected(Batches(make(pixels), np.zeros(5, int), 2))
    np.testing.assert_allclose(X, pixels, rtol=1e-6)


def test_the_arrays_given_are_not_changed_by_the_batches():
    pixels = PIXELS.copy()
    for X, y in Batches(pixels, LABELS, 3):
        X[:] = -1
        y[:] = -1
    assert np.array_equal(pixels, PIXELS)
    assert LABELS.tolist() == list(range(10))
    batches = Batches(PIXELS, LABELS, 3)
    next(iter(batches))  # an epoch may be left early
    assert collected(batches)[1].tolist() == LABELS.tolist()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (dict(images=PIXELS[0]), ValueError, r"images must have shape .* got \(6, 8\)"),
        (dict(images=np.zeros((10, 8, 8, 3))), ValueError, r"\(10, 8, 8, 3\): pass .transpose\(0, 3, 1, 2\)"),
        (dict(classes="abc"), ValueError, "labels must be numbers from 0 to 2, for the classes a, b, c; got 0 to 9"),
        (dict(files=["a/1.png"]), ValueError, "files must have one entry for each image; got 1 for 10 images"),
        (dict(images=PIXELS.astype(int)), TypeError, "images must be uint8"),
        (dict(labels=LABELS[:9]), ValueError, "labels must be 10 integers"),
        (dict(labels=LABELS / 2), ValueError, "labels must be 10 integers"),
        (dict(images=PIXELS[:0], labels=LABELS[:0]), ValueError, "images is empty"),
        (dict(batch_size=0), ValueError, "batch_size must be at least 1; got 0"),
        (dict(batch_size=2.5), TypeError, "batch_size must be an integer; got 2.5"),
        (dict(resize=-1), ValueError, "resize must be at least 1"),
        (dict(resize=(1, 2, 3)), ValueError, "resize must be one number or"),
        (dict(resize="96"), TypeError, "resize must be an integer; got '96'"),
    ],
)
def test_arguments_that_do_not_fit_are_named(arguments, error, message):
    with pytest.raises(error, match=message):
        Batches(**{"images": PIXELS, "labels": LABELS, "batch_size": 2, **arguments})
