"""Transfer learning from ImageNet to the classes of a folder of photos. Lesson 13."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from gluon_cnn._core.checks import check_float, check_int
from gluon_cnn._core.contexts import contexts_of
from gluon_cnn._core.seeding import seed
from gluon_cnn._core.startup import progress_disabled
from gluon_cnn.data import description
from gluon_cnn.data.batches import Batches
from gluon_cnn.data.datasets import load_data
from gluon_cnn.experiments.run import Run
from gluon_cnn.experiments.settings import Settings
from gluon_cnn.networks.efficientnet import MEAN, PIXELS, SCALE, EfficientNetLite0, efficientnet_lite0
from gluon_cnn.training.loop import train
from mxnet import gluon, init
from tqdm.auto import tqdm


def transfer(
    folder: str | Path,
    *,
    resize: int = PIXELS,
    validation: float = 0.2,
    num_epochs: int = 100,
    patience: int = 20,
    batch_size: int = 32,
    learning_rate: float = 0.001,
    random_seed: int = 0,
    broken: str = "refuse",
    verbose: bool = True,
) -> Run:
    """Train a new output layer on the frozen features of a pretrained EfficientNet-Lite0.

    The features are computed once per image; 200 photos take about ten seconds on two cores. The output layer uses
    Xavier initialization and is trained with Adam; the result has the weights of the epoch with the best validation
    accuracy.

    Parameters
    ----------
    folder, validation, batch_size, broken
        See :func:`gluon_cnn.load_data`. Grey images are read as colour images.
    resize : int
        Side length in pixels, a multiple of 32. The pretrained weights work best at 224; 96 is five times as fast.
    num_epochs, patience
        See :func:`gluon_cnn.train`.
    learning_rate : float
        Learning rate of Adam.
    random_seed : int
        Determines the initial weights, the order of the images and the validation split.
    verbose : bool
        Whether to print messages and show progress.

    Returns
    -------
    Run
        The network and its history, as in :func:`gluon_cnn.experiments.experiment.experiment`.
    """
    if check_int("resize", resize, 32) % 32:
        raise ValueError(f"resize must be a multiple of 32, as the network halves images five times; got {resize}")
    if not 0 < check_float("validation", validation, 0) < 1:
        raise ValueError(f"validation must be a share of the training images between 0 and 1; got {validation}")
    settings = Settings(
        "efficientnet-lite0",
        os.path.realpath(folder),
        (resize, resize),
        batch_size,
        num_epochs,
        optimizer="adam",
        learning_rate=learning_rate,
        random_seed=random_seed,
        broken=broken,
        validation=validation,
        patience=patience,
        normalize=[[MEAN] * 3, [SCALE] * 3],
    )
    seed(random_seed)
    parts = load_data(
        folder,
        batch_size,
        resize,
        broken=broken,
        validation=validation,
        validation_seed=random_seed,
        normalize=settings.normalize,
    )
    train_data, validation_data, test_data = parts
    if verbose:
        trained, validated, tested = (f"{len(part.labels):,}" for part in parts)
        print(f"{trained} images to train on, {validated} for validation, {tested} held out for testing")
    net = efficientnet_lite0(pretrained=True, num_classes=len(train_data.classes))
    net.output.initialize(init.Xavier(), force_reinit=True)
    net.hybridize(static_alloc=True)
    features = [features_of(net, part, verbose) for part in parts]
    loss = gluon.loss.SoftmaxCrossEntropyLoss()
    trainer = gluon.Trainer(net.output.collect_params(), "adam", {"learning_rate": learning_rate})
    history = train(
        *(features[0], features[2], net.output, loss, trainer, contexts_of(net), num_epochs, verbose),
        validation_data=features[1],
        patience=patience,
    )
    about = description.describe(train_data, test_data, validation_data)
    return Run(net, history, vars(settings), train_data.classes, test_data.image_shape, about)


def features_of(net: EfficientNetLite0, batches: Batches, verbose: bool = True) -> Batches:
    """Compute the input of the output layer for each image, (N, 1, 1, 1280), in batches."""
    found, labels = [], []
    bar = tqdm(batches, "computing features", unit="batch", leave=False, disable=not verbose or progress_disabled())
    for X, y in bar:
        found.append(net.features(X).asnumpy())
        labels.append(y.asnumpy())
    rows = np.concatenate(found)[:, None, None]
    return Batches(
        rows, np.concatenate(labels), batches.batch_size, None, batches.shuffle, batches.seed, batches.classes
    )
