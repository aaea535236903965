"""Transfer learning from ImageNet to the classes of a folder of photos. Lesson 13."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from gluon_cnn._core.checks import check_pair, check_weights
from gluon_cnn._core.contexts import contexts_of
from gluon_cnn._core.seeding import seed
from gluon_cnn._core.startup import progress_disabled
from gluon_cnn.data import description
from gluon_cnn.data.batches import Batches
from gluon_cnn.deploy.fusion import fused
from gluon_cnn.experiments.choices import INITIALIZERS, find_network, make_network
from gluon_cnn.experiments.experiment import (
    Preparation,
    announce,
    check_settings,
    load_parts,
    make_trainer,
    settings_to_store,
)
from gluon_cnn.experiments.run import Run
from gluon_cnn.experiments.settings import Settings
from gluon_cnn.networks.efficientnet import MEAN, PIXELS, SCALE, efficientnet_lite0
from mxnet import gluon
from tqdm.auto import tqdm

EFFICIENTNET = "efficientnet-lite0"
DEFAULTS: dict[str, Any] = {"resize": PIXELS, "batch_size": 32, "num_epochs": 50, "learning_rate": 0.001}
DEFAULTS |= {"optimizer": "adam", "schedule": "cosine"}


def transfer(folder: str | Path, network: Any = EFFICIENTNET, *, verbose: bool = True, **settings: Any) -> Run:
    """Train a new output layer on the frozen features of a pretrained network.

    The features are computed once per image; 200 photos take about five seconds on two cores.

    Parameters
    ----------
    folder : str or Path
        One subfolder of photos per class, see :func:`gluon_cnn.load_data`. Grey images are read as colour images.
    network : str or callable
        ``"efficientnet-lite0"``, which takes images whose sides are multiples of 32 pixels, or your own function, as in
        :class:`gluon_cnn.experiments.settings.Settings`. It returns a network with trained weights and, like those of
        Gluon's model zoo, with ``features`` and ``output``, and gets images normalized like ImageNet's.
    verbose : bool
        Whether to print messages and show progress.
    **settings
        See :class:`gluon_cnn.experiments.settings.Settings`, except ``augment`` and ``seconds``. The defaults are
        ``resize=224``, ``batch_size=32``, and 50 epochs of Adam with a learning rate from 0.001 to 0 along a half
        cosine.

    Returns
    -------
    Run
        The network and its history, as in :func:`gluon_cnn.experiments.experiment.experiment`.
    """
    normalize: Any = "imagenet"
    make = find_network(network, [EFFICIENTNET]) if isinstance(network, str) and network != EFFICIENTNET else network
    if network == EFFICIENTNET:
        normalize = [[MEAN] * 3, [SCALE] * 3]
        make = partial(efficientnet_lite0, pretrained=True)
    chosen = check_settings(Settings(network, folder, **{"normalize": normalize, **DEFAULTS, **settings}))
    if chosen.augment or chosen.seconds is not None:
        raise ValueError("the features are computed only once: leave out augment and seconds")
    if network == EFFICIENTNET and any(side % 32 for side in check_pair("resize", chosen.resize)):
        got = settings["resize"]
        raise ValueError(f"resize must be a multiple of 32, as the network halves images five times; got {got}")
    seed(chosen.random_seed)
    train_data, *validation_data, test_data = parts = load_parts(chosen)
    if verbose:
        announce(train_data, test_data, *validation_data)
    net = make_network(make, len(train_data.classes))
    if not all(isinstance(getattr(net, name, None), gluon.Block) for name in ("features", "output")):
        raise ValueError(f"the network must have features and output, as in Gluon's zoo; got {type(net).__name__}")
    check_weights(net.features)
    net.output.initialize(INITIALIZERS[chosen.initializer](), force_reinit=True)
    net.hybridize(static_alloc=True)
    stored = settings_to_store(chosen, train_data)
    X, _ = next(iter(test_data))
    features = fused(net.features, X[:2])
    rows, *validation_rows, test_rows = (extract_features(features, part, verbose) for part in parts)
    trainer = make_trainer(net.output, chosen, len(rows))
    prepared = Preparation(net.output, trainer, rows, test_rows, contexts_of(net), stored, *validation_rows)
    history = prepared.train(verbose).history
    about = description.describe(train_data, test_data, *validation_data)
    return Run(net, history, vars(stored), train_data.classes, test_data.image_shape, about)


def extract_features(features: gluon.Block, batches: Batches, verbose: bool = True) -> Batches:
    """Compute the input of the output layer for each image, (N, 1, 1, features) if it is flat, in batches."""
    found, labels = [], []
    bar = tqdm(batches, "computing features", unit="batch", leave=False, disable=not verbose or progress_disabled())
    for X, y in bar:
        found.append(features(X).asnumpy())
        labels.append(y.asnumpy())
    rows = np.concatenate(found)
    return Batches(
        rows[:, None, None] if rows.ndim == 2 else rows,
        np.concatenate(labels),
        batches.batch_size,
        None,
        batches.shuffle,
        batches.seed,
        batches.classes,
    )
