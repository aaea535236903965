"""The settings of a training run, for `experiment`, the command line and the files of a run. Does not import MXNet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from types import NoneType
from typing import Any


@dataclass
class Settings:
    """The settings of a training run. The defaults are those of the notes.

    Attributes
    ----------
    network : str or callable
        One of :data:`NETWORKS`, or your own function that returns a network when called with ``num_classes=``; it is
        saved as None.
    dataset, batch_size, channels, broken
        See :func:`gluon_cnn.load_data`.
    resize : int or (int, int), optional
        Height and width of the images in pixels. Default: for arrays, their own size if the network accepts it;
        otherwise 28, or the smallest size that a network of the course accepts.
    num_epochs : int
        Passes through the training images.
    optimizer : str
        ``"sgd"``, ``"adam"`` or another of MXNet's.
    learning_rate, momentum : float
        Arguments of the optimizer; ``momentum`` only if it has one.
    initializer : str
        One of :data:`INITIALIZERS`.
    random_seed : int
        Determines the initial weights and the order of the images.
    validation : float
        Fraction of the training images held out for validation, chosen by ``random_seed``: the network ends with the
        weights of the epoch with the best validation accuracy, and the test images are evaluated once.
    patience : int, optional
        With ``validation``: stop when the validation accuracy has not improved for this many epochs.
    augment : sequence of str
        Random changes to the training images, see :func:`gluon_cnn.load_data`.
    normalize : str or (mean, std), optional
        See :func:`gluon_cnn.load_data`; files contain the numbers instead of a name.
    weight_decay : float
        Weight decay of the optimizer.
    schedule : str
        Schedule of the learning rate: ``"constant"``; ``"cosine"``, down to 0 along a half cosine; ``"step"``,
        divided by ten after half of the steps and again after three quarters.
    warmup : int
        Number of epochs over which the learning rate rises from 0 to ``learning_rate``, before the schedule begins.
    balance : bool
        Weight each image's loss by the inverse of its class's share, so that rare classes count as much as common ones.
    seconds : float, optional
        Training time instead of ``num_epochs``; the history then has a single entry.
    """

    network: Any
    dataset: Any = "sample"
    resize: int | tuple[int, int] | None = None
    batch_size: int = 64
    num_epochs: int = 1
    optimizer: str = "sgd"
    learning_rate: float = 0.01
    momentum: float = 0.0
    initializer: str = "xavier"
    random_seed: int = 0
    channels: int = 3
    broken: str = "refuse"
    seconds: float | None = None
    validation: float = 0.0
    patience: int | None = None
    augment: Sequence[str] = ()
    normalize: Any = None
    weight_decay: float = 0.0
    schedule: str = "constant"
    warmup: int = 0
    balance: bool = False

    @classmethod
    def from_stored(cls, stored: Mapping[str, Any]) -> Settings:
        """Return the settings of a training run from a file; raise ValueError if they are invalid."""
        # files of version 0.1.0 lack the later settings
        found: dict[str, Any] = {field.name: stored.get(field.name, field.default) for field in fields(cls)}
        for field in fields(cls):
            value, kind = found[field.name], STORED.get(field.name, type(field.default))
            if not isinstance(value, kind) or isinstance(value, bool) != (kind is bool):
                raise ValueError(f"{field.name} is {value!r}")
        return cls(**found)


NUMBER = (int, float)
STORED: dict[str, Any] = {  # types in a file, if they differ from the default's type
    "network": str,
    "resize": (int, list, NoneType),
    "learning_rate": NUMBER,
    "momentum": NUMBER,
    "seconds": (*NUMBER, NoneType),
    "validation": NUMBER,
    "patience": (int, NoneType),
    "augment": (list, tuple),
    "normalize": (list, NoneType),
    "weight_decay": NUMBER,
}
