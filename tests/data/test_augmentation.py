"""Augmentation: what goes in stays, what comes out is clipped, repeatable, and of one size."""

import gluon_cnn as g
import mxnet as mx
import numpy as np
import pytest
from matplotlib import pyplot as plt
from mxnet import nd
from mxnet.gluon import nn


def photo():
    return nd.array(np.random.RandomState(0).randint(0, 256, (300, 451, 3)), dtype="uint8")


AUGMENTERS = {  # those of the lesson
    "flip": (mx.image.HorizontalFlipAug(0.5), (300, 451)),
    "crop": (mx.image.RandomCropAug((200, 200)), (200, 200)),
    "sized crop": (mx.image.RandomSizedCropAug((200, 200), (0.1, 1), (0.5, 2)), (200, 200)),
    "brightness": (mx.image.BrightnessJitterAug(0.5), (300, 451)),
    "hue": (mx.image.HueJitterAug(0.5), (300, 451)),
}


@pytest.mark.parametrize("name", AUGMENTERS)
def test_apply_shows_what_it_returns(name):
    aug, size = AUGMENTERS[name]
    img = photo()
    before = img.asnumpy()
    pictures = g.apply(img, aug).asnumpy()
    assert pictures.shape == (9, *size, 3)
    assert pictures.dtype == np.float32
    assert pictures.min() >= 0
    assert pictures.max() <= 1
    shown = [np.asarray(ax.images[0].get_array()) for ax in plt.gcf().axes]
    np.testing.assert_array_equal(shown, pictures)
    np.testing.assert_array_equal(img.asnumpy(), before)
    g.seed(0)
    again = g.apply(img, aug).asnumpy()
    g.seed(0)
    np.testing.assert_array_equal(g.apply(img, aug).asnumpy(), again)
    assert len({picture.tobytes() for picture in pictures}) > 1


def test_changed_bytes_start_again_and_floats_are_clipped():
    """What the lesson shows: twice as bright, byte by byte and as floats."""
    double = lambda img: img * 2
    bright = nd.full((2, 2, 3), 200, dtype="uint8")
    assert double(bright)[0, 0, 0].asscalar() == 400 - 256
    assert g.apply(bright, double, n=1)[0, 0, 0, 0].asscalar() == 1
    unchanged = g.apply(photo(), lambda img: img, n=2).asnumpy()
    np.testing.assert_allclose(unchanged, np.stack([photo().asnumpy() / 255] * 4), rtol=1e-6)


def test_a_list_is_applied_in_order_and_leaves_the_picture():
    img = nd.arange(24).reshape((2, 4, 3))
    brighter = mx.image.BrightnessJitterAug(0.5)  # changes the array that it gets
    result = g.apply_aug_list(img, [brighter, lambda img: img - 1, lambda img: img[:, ::-1]])
    np.testing.assert_array_equal(img.asnumpy().ravel(), np.arange(24))
    flipped = result.asnumpy()[:, ::-1] + 1
    factor = flipped[1, 3, 2] / 23
    assert 0.5 <= factor <= 1.5
    np.testing.assert_allclose(flipped, factor * img.asnumpy(), rtol=1e-4)
    assert g.apply_aug_list(photo(), []).dtype == np.float32


def test_five_crops_are_the_corners_and_the_centre():
    """A network that answers with each crop's mean: the crops' places can be read from the answers."""
    seen = []

    class Net(nn.HybridBlock):
        def forward(self, X):
            seen.append(X.asnumpy())
            return nd.concat(X.mean(axis=(1, 2, 3)).expand_dims(1), nd.zeros((len(X), 1)), dim=1)

    img = nd.random.uniform(shape=(5, 8, 3))
    pixels = img.asnumpy()
    probabilities = g.five_crop_predict(Net(), img, (2, 4)).asnumpy()
    crops = [pixels[:2, :4], pixels[:2, 4:], pixels[3:, :4], pixels[3:, 4:], pixels[1:3, 2:6]]
    np.testing.assert_array_equal(seen[0], np.stack(crops).transpose(0, 3, 1, 2))
    sigmoids = [1 / (1 + np.exp(-crop.mean())) for crop in crops]
    np.testing.assert_allclose(probabilities, [np.mean(sigmoids), 1 - np.mean(sigmoids)], rtol=1e-5)


def test_five_crops_of_a_picture_of_their_size_are_the_plain_prediction():
    net = g.LeNet()
    net.initialize(mx.init.Xavier())
    img = nd.random.uniform(shape=(28, 28, 1))
    plain = net(img.transpose((2, 0, 1)).expand_dims(0)).softmax()[0]
    for ctx in (None, mx.cpu()):
        np.testing.assert_allclose(g.five_crop_predict(net, img, 28, ctx).asnumpy(), plain.asnumpy(), rtol=1e-5)


sizes = iter([2, 3, 2, 3])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: g.apply(nd.zeros((4, 4, 3)), lambda img: img[: next(sizes)], n=2),
            ValueError,
            "different sizes, such as .2, 4, 3. and .3, 4, 3.: end with a crop",
        ),
        (lambda: g.apply(np.zeros((4, 4, 3)), print), TypeError, r"img must be an NDArray; got ndarray: pass nd.array"),
        (lambda: g.apply(nd.zeros((4, 4)), print), ValueError, r"img must have shape \(height, width, 1 or 3\)"),
        (lambda: g.apply(nd.zeros((4, 4, 3)), print, n=0), ValueError, "n must be at least 1; got 0"),
        (lambda: g.apply_aug_list(nd.zeros((3, 4, 5)), []), ValueError, r"got \(3, 4, 5\)"),
        (lambda: g.five_crop_predict(None, photo(), 8), TypeError, r"pass img.astype\('float32'\)"),
        (
            lambda: g.five_crop_predict(None, nd.zeros((8, 9, 3)), 9),
            ValueError,
            "crops of 9x9 do not fit into an image of 8x9: enlarge it first",
        ),
    ],
)
def test_wrong_arguments_are_named(call, error, message):
    with pytest.raises(error, match=message):
        call()
