"""Checks of a training step and the handling of several contexts, separate from the training loop."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from gluon_cnn._core.errors import translate_mxnet_errors
from mxnet import autograd, gluon, nd


def check_arguments(net: gluon.Block, loss: Any, trainer: Any, **data: Any) -> None:
    """Refuse a trainer of another network, a loss that is not callable, and data that is not iterable."""
    if not isinstance(trainer, gluon.Trainer):
        raise TypeError(
            f"trainer must be a gluon.Trainer; got {trainer!r}: pass gluon.Trainer(net.collect_params(), ...)"
        )
    if not {id(p) for p in trainer._params} & {id(p) for p in net.collect_params().values()}:
        raise ValueError(
            f"trainer has no parameter of {type(net).__name__}: pass gluon.Trainer(net.collect_params(), ...)"
        )
    if not callable(loss) or isinstance(loss, type):
        raise TypeError(f"loss must be a Gluon loss or a function; got {loss!r}")
    for name, batches in data.items():
        if not isinstance(batches, Iterable):
            raise TypeError(f"{name} must be batches (X, y), such as Batches; got {batches!r}")


def image_losses(loss: gluon.loss.Loss, output: nd.NDArray, y: nd.NDArray) -> nd.NDArray:
    """Return one loss per image. The trainer divides by the batch size, so the losses must not be averaged here."""
    with translate_mxnet_errors(f"{loss} does not take scores {output.shape} and labels {y.shape}"):
        values = loss(output, y)
    if not isinstance(values, nd.NDArray):
        raise TypeError(f"loss must return an NDArray; got {type(values).__name__}")
    if values.shape != (len(y),):
        raise ValueError(f"loss must return one value per image; got {values.shape} for {len(y)} images")
    return values


def backward(losses: list[nd.NDArray], trainer: gluon.Trainer) -> None:
    """Compute the gradients on all contexts; contexts without images contribute zero."""
    with translate_mxnet_errors("the loss has no gradient: pass weights whose grad_req is not 'null'"):
        autograd.backward(losses)
    used = [values.context for values in losses]
    for parameter in trainer._params if len(used) < len(trainer._contexts) else ():
        if parameter.grad_req == "write":
            for data, gradient in zip(parameter.list_data(), parameter.list_grad()):
                if data.context not in used:
                    gradient[:] = 0  # left over from an earlier batch
                    data._fresh_grad = True  # otherwise the trainer raises an error
