"""Augmentation and normalization of whole batches: each image by itself, repeatable, deterministic for tests."""

import os
import subprocess
import sys

import gluon_cnn as g
import numpy as np
import pytest
from gluon_cnn.data import transforms
from gluon_cnn.data.transforms import AUGMENTATIONS, Brightness, CenterCrop, Crop, Flip, Hue, Normalize, ResizedCrop
from mxnet import image, nd
from numpy.random import RandomState

X = RandomState(0).rand(40, 3, 16, 24).astype("float32")


def batches(transform, pixels=X, **options):
    return g.Batches(pixels, np.arange(len(pixels)) % 2, 8, seed=3, transform=transform, **options)


def test_flip_swaps_left_and_right_in_some_images():
    changed = Flip(0.5)(X.copy(), RandomState(1))
    flipped = (changed == X[..., ::-1]).all((1, 2, 3))
    assert 10 < flipped.sum() < 30
    np.testing.assert_array_equal(changed[~flipped], X[~flipped])


def test_crop_takes_another_part_of_each_image():
    positions = np.arange(16 * 24, dtype="float32").reshape(1, 1, 16, 24).repeat(200, axis=0)
    crops = Crop((10, 20))(positions, RandomState(0))
    corners = crops[:, 0, 0, 0].astype(int)
    tops, lefts = corners // 24, corners % 24
    assert (set(tops), set(lefts)) == (set(range(7)), set(range(5)))
    for crop, top, left in zip(crops, tops, lefts):
        np.testing.assert_array_equal(crop[0], positions[0, 0, top : top + 10, left : left + 20])


def test_a_crop_without_a_size_shifts_by_up_to_an_eighth():
    shifted = Crop()(np.ones((300, 1, 16, 24), "float32"), RandomState(0))
    assert shifted.shape == (300, 1, 16, 24)
    black = (shifted[:, 0] == 0).all(2).sum(1), (shifted[:, 0] == 0).all(1).sum(1)  # rows and columns
    assert [set(counts.tolist()) for counts in black] == [set(range(3)), set(range(4))]


def test_resized_crop_scales_as_mxnet_does():
    whole = ResizedCrop(area=(1, 1), ratio=(1, 1))(X, RandomState(0))
    np.testing.assert_allclose(whole, X, atol=1e-6)
    quarter = ResizedCrop(area=(0.25, 0.25), ratio=(1, 1))(X, RandomState(0))
    for made, original in zip(quarter, X):
        errors = [
            np.abs(expected(original[:, top : top + 8, left : left + 12]) - made).max()
            for top in range(9)
            for left in range(13)
        ]
        assert min(errors) < 1e-5


def expected(part):
    return image.imresize(nd.array(part.transpose(1, 2, 0)), 24, 16).asnumpy().transpose(2, 0, 1)


def test_brightness_multiplies_each_image_by_a_factor():
    factors = Brightness(0.5)(np.full((500, 1, 2, 2), 0.5, "float32"), RandomState(0))[:, 0] / 0.5
    assert (factors == factors[:, :1, :1]).all()
    assert factors.min() == pytest.approx(0.5, abs=0.01)
    assert factors.max() == pytest.approx(1.5, abs=0.01)


def test_hue_keeps_luma_and_grey():
    luma = np.tensordot(transforms.LUMA, X * 0.2 + 0.4, (0, 1))
    turned = Hue(0.5)(X * 0.2 + 0.4, RandomState(0))
    assert np.abs(turned - (X * 0.2 + 0.4)).max() > 0.05
    np.testing.assert_allclose(np.tensordot(transforms.LUMA, turned, (0, 1)), luma, atol=2e-3)
    grey = np.full((3, 3, 2, 2), 0.3, "float32")
    np.testing.assert_allclose(Hue(0.5)(grey.copy(), RandomState(0)), grey, atol=2e-3)
    np.testing.assert_array_equal(Hue(0.5)(X[:, :1], RandomState(0)), X[:, :1])


def test_normalize():
    normal = Normalize((0.1, 0.2, 0.3), (1, 2, 4))(X.copy())
    np.testing.assert_allclose(normal[:, 2], (X[:, 2] - 0.3) / 4, rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match="3 means, but the images have 1 channels"):
        batches(Normalize((0.1, 0.2, 0.3), (1, 2, 4)), X[:, :1])


def test_bytes_and_floats_are_changed_alike():
    pixels = (X * 255).astype("uint8")
    chain = [Flip(), Crop(12), Brightness(), Normalize((0.5,), (0.5,))]
    for (a, _), (b, _) in zip(batches(chain, pixels), batches(chain, pixels / np.float32(255))):
        np.testing.assert_allclose(a.asnumpy(), b.asnumpy(), atol=1e-6)


PROGRAM = """
import gluon_cnn as g
train, test = g.load_data("sample", 50, seed=7, augment=["flip", "crop", "resized-crop", "brightness", "hue"])
for _ in range(2):
    print([float(X.asnumpy().sum()) for X, _ in train][:3])
"""


def test_a_seed_repeats_the_changes_in_another_process():
    told = [
        subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, env=os.environ)
        for _ in range(2)
    ]
    assert told[0].stdout == told[1].stdout
    first, second = told[0].stdout.splitlines()
    assert first != second  # another epoch, other changes


def test_images_are_changed_anew_in_each_epoch_and_stay_what_they_are():
    data = batches([Flip(), Crop()])
    before = data.images.copy()
    epochs = [np.concatenate([X.asnumpy() for X, _ in data]) for _ in range(2)]
    assert (epochs[0] != epochs[1]).any()
    np.testing.assert_array_equal(data.images, before)


def test_other_images_get_the_deterministic_version():
    arrays = (X, np.arange(40) % 2)
    chain = [Flip(), Crop(10), "brightness", "hue"]
    train, validation, test = g.load_data(arrays, 8, validation=0.2, augment=chain, normalize=(0.5, 0.25))
    assert train.image_shape == validation.image_shape == test.image_shape == (3, 10, 10)
    assert validation.transform == test.transform == (CenterCrop(10), Normalize((0.5,), (0.25,)))
    (first, _), *_ = test
    np.testing.assert_allclose(first.asnumpy(), (test.images[:8, :, 3:13, 7:17] - 0.5) / 0.25, rtol=1e-5, atol=1e-5)


def test_normalization_by_the_training_images():
    train, test = g.load_data((X, np.arange(40) % 2), 32, normalize="train")
    (first, _), *_ = train
    np.testing.assert_allclose(first.asnumpy().mean((0, 2, 3)), 0, atol=1e-5)
    np.testing.assert_allclose(first.asnumpy().std((0, 2, 3)), 1, atol=1e-5)
    assert train.transform == test.transform


@pytest.mark.parametrize(
    ("options", "words"),
    {
        "a name": ({"augment": "turn"}, "choose from flip, crop"),
        "a number": ({"augment": [Flip(), 3]}, "no augmentation 3"),
        "normalize": ({"normalize": "cifar"}, "normalize must be 'imagenet', 'train' or (mean, std)"),
        "no deviation": ({"normalize": (0.5, 0)}, "must be positive"),
        "a large crop": ({"augment": Crop(30)}, "30x30 does not fit into images of 16x24"),
        "another type": ({"augment": lambda X, random: X.astype("float64")}, "must return float32 images"),
        "another number": ({"augment": lambda X, random: X[1:]}, "must return float32 images"),
        "a list": ({"augment": lambda X, random: list(X)}, "got list"),
        "a share": ({"validation": 1.0}, "less than 1"),
    }.values(),
)
def test_wrong_options_are_named(options, words):
    with pytest.raises(ValueError, match=words.replace("(", r"\(").replace(")", r"\)")):
        g.load_data((X, np.arange(40) % 2), 8, **options)


def test_every_name_works_on_grey_and_colour():
    for channels in (1, 3):
        train, _ = g.load_data((X[:, :channels], np.arange(40) % 2), 8, augment=AUGMENTATIONS)
        (first, _), *_ = train
        assert first.shape == (8, channels, 16, 24)
        assert 0 <= first.min().asscalar() <= first.max().asscalar() <= 1


def test_a_transform_with_two_sizes_is_refused():
    data = batches(lambda X, random: X[:, :, : 4 + len(X)])
    with pytest.raises(ValueError, match="images of one size"):
        list(data)
