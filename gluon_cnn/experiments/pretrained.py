"""Photos, classified by a network that was trained on ImageNet."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path

import numpy as np
from gluon_cnn.data.batches import scale
from gluon_cnn.data.images import read_picture
from gluon_cnn.networks.efficientnet import PIXELS, EfficientNetLite0, efficientnet_lite0, normalize
from gluon_cnn.training.prediction import probabilities
from mxnet import nd


@cache
def pretrained_network() -> EfficientNetLite0:
    """Return the pretrained network, ready to predict; the same one each time."""
    net = efficientnet_lite0(pretrained=True)
    net.hybridize(static_alloc=True, static_shape=True)
    return net


def predict_photos(files: Iterable[str | Path]) -> np.ndarray:
    """Return the probabilities of ImageNet's 1,000 classes for photos, shape (photos, 1000).

    Raises
    ------
    OSError
        If a file is missing or is not an image.
    """
    images = [nd.array(scale(read_picture(file, (PIXELS, PIXELS))[None])) for file in files]
    return np.concatenate([probabilities(pretrained_network(), normalize(X)).asnumpy() for X in images])
