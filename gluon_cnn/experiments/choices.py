"""Choices by name: networks, initializers, optimizers."""

from __future__ import annotations

import functools
import importlib
import inspect
import os
import sys
from collections.abc import Callable, Iterable
from typing import Any

import mxnet as mx
from gluon_cnn.networks.base import Network
from gluon_cnn.networks.registry import NETWORKS
from mxnet import gluon, init, lr_scheduler

DEFAULT_IMAGE_SIZE = 28  # of Fashion-MNIST's images, in pixels

INITIALIZERS: dict[str, Callable[[], init.Initializer]] = {
    "xavier": init.Xavier,  # the notes'; keeps the size of values through layers without an activation
    "he": functools.partial(init.MSRAPrelu, "in", 0),  # variance 2 / inputs: twice as much, as a ReLU takes away half
}

SCHEDULES = ("constant", "cosine", "step")

EXCLUDED_OPTIMIZERS = {  # MXNet's optimizers that are not offered, and why
    "adamax": "it divides by zero for weights that have not had a gradient yet",
    "groupadagrad": "it accepts only matrices, and kernels and biases are not matrices",
    "ccsgd": "it is an old name for sgd",
    "test": "it ascends the gradient",
}


def optimizers() -> list[str]:
    """Return the names of the available optimizers, including those that the user has registered with MXNet."""
    return [name for name in mx.optimizer.Optimizer.opt_registry if name not in EXCLUDED_OPTIMIZERS]


def check_optimizer(name: Any) -> None:
    if not isinstance(name, str):
        raise TypeError(f"optimizer must be a name, such as 'sgd'; got {name!r}")
    if reason := EXCLUDED_OPTIMIZERS.get(name.lower()):
        raise ValueError(
            f"the optimizer {name!r} of MXNet {mx.__version__} is not offered, as {reason}: choose one of "
            f"{', '.join(optimizers())}"
        )
    choose("optimizer", name.lower(), dict.fromkeys(optimizers()))


def learning_rates(schedule: str, rate: float, epochs: int, warmup: int, steps: int) -> lr_scheduler.LRScheduler | None:
    """Return a schedule for epochs of the given number of steps; None for a constant rate."""
    total, rising = epochs * steps, {"base_lr": rate, "warmup_steps": warmup * steps}
    if schedule == "cosine":
        return lr_scheduler.CosineScheduler(total, **rising)
    if schedule == "step":
        return lr_scheduler.MultiFactorScheduler([max(1, total // 2), max(2, total * 3 // 4)], 0.1, **rising)
    return lr_scheduler.FactorScheduler(total + 1, 1, **rising) if warmup else None


def make_network(make: Callable[..., gluon.Block], num_classes: int) -> gluon.Block:
    """Call a network's constructor; raise ValueError if it is not one."""
    try:
        inspect.signature(make).bind(num_classes=num_classes)
    except TypeError as error:
        raise ValueError(
            f"network must be a function that can be called with num_classes=; got {make!r}: {error}"
        ) from None
    net = make(num_classes=num_classes)
    if not isinstance(net, gluon.Block):
        raise ValueError(f"network must return a Gluon network; got {net!r}")
    return net


def min_image_size(make: Callable[..., gluon.Block]) -> int:
    """Return the smallest side length, in pixels, that a network of the course accepts; 1 for other networks."""
    net = make_network(make, 1)
    return net.smallest_size() if isinstance(net, Network) else 1


def find_network(name: str, more: Iterable[str] = ()) -> Callable[..., gluon.Block]:
    """Return a network's constructor: one of the course's by its name, or yours by ``module:function``.

    Modules are looked for in the working directory, too. The error for an unknown name also lists ``more``.
    """
    module, colon, function = name.partition(":")
    if not colon:
        return choose("network", name, {**NETWORKS, **dict.fromkeys(more)})
    try:
        if os.getcwd() not in sys.path:
            sys.path.insert(0, os.getcwd())
        return getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"the network {name} was not found: {error}") from error


def choose(what: str, name: str, choices: dict[str, Any]) -> Any:
    """Look up a name; the error for an unknown one lists the choices."""
    if name not in choices:
        own = ", or your own module:function" if what == "network" else ""
        raise ValueError(f"there is no {what} {name!r}; choose one of {', '.join(choices)}{own}")
    return choices[name]
