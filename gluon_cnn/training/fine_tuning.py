"""Fine-tuning: reusing features learned on a large data set for a small one. Lesson 13."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import mxnet as mx
from gluon_cnn._core.checks import check_bool, check_float, check_initialized, check_int, check_weights
from gluon_cnn._core.contexts import as_contexts, contexts_of
from gluon_cnn.layers.normalization import BatchNorm
from gluon_cnn.networks.loading import load_weights
from gluon_cnn.training.history import History
from gluon_cnn.training.loop import train
from mxnet import gluon, init, lr_scheduler, nd
from mxnet.gluon import nn
from mxnet.gluon.model_zoo import model_store, vision


def finetune(
    net: gluon.Block,
    train_data: Iterable,
    test_data: Iterable,
    num_classes: int,
    num_epochs: int = 5,
    learning_rate: float = 0.01,
    output_lr_mult: float = 10.0,
    momentum: float = 0.9,
    frozen: bool = False,
    schedule: lr_scheduler.LRScheduler | None = None,
    ctx: mx.Context | Sequence[mx.Context] | None = None,
    verbose: bool = True,
    validation_data: Iterable | None = None,
    patience: int | None = None,
) -> History:
    """Replace the output layer of a trained network and train it on other classes.

    Each call creates a new output layer; to continue training the same one, use :func:`gluon_cnn.train`.

    Parameters
    ----------
    net : Block
        The trained network, modified in place. Its last layer with weights, dense or convolutional, is the output
        layer.
    train_data, test_data : iterable of (X, y)
        Batches as for :func:`gluon_cnn.train`, with the number of channels that the network was trained on.
    num_classes : int
        Number of new classes.
    num_epochs : int
        Passes through ``train_data``.
    learning_rate, momentum : float
        Learning rate and momentum of stochastic gradient descent.
    output_lr_mult : float
        Learning rate multiplier of the new layer, which starts from random weights.
    frozen : bool
        Whether to train only the new layer, see :func:`freeze`; otherwise all layers are unfrozen and trained.
    schedule : LRScheduler, optional
        Learning rate schedule by number of batches, such as ``gluoncv.utils.LRScheduler``; replaces ``learning_rate``.
    ctx : Context or list of Context, optional
        Where to compute. Default: the contexts of the network's parameters.
    verbose, validation_data, patience
        See :func:`gluon_cnn.train`.

    Returns
    -------
    History
        As returned by :func:`gluon_cnn.train`.

    References
    ----------
    Notes D; Girshick, Donahue, Darrell and Malik, Rich feature hierarchies for accurate object detection, 2014.
    """
    check_initialized(net)
    rate, mult = check_float("learning_rate", learning_rate, 0), check_float("output_lr_mult", output_lr_mult, 0)
    momentum, num_epochs = check_float("momentum", momentum, 0, 1), check_int("num_epochs", num_epochs, 1)
    classes = getattr(train_data, "classes", ())
    if len(classes) > check_int("num_classes", num_classes, 1):
        # the loss would silently clip larger labels to the last class
        raise ValueError(f"train_data has {len(classes)} classes, {', '.join(classes)}; num_classes is {num_classes}")
    if ctx is not None:
        net.collect_params().reset_ctx(as_contexts(ctx))
    freeze(net, check_bool("frozen", frozen))
    output = new_output(net, num_classes)
    output.collect_params().setattr("lr_mult", mult)
    net.hybridize(static_alloc=True)
    rates = {"learning_rate": rate} if schedule is None else {"lr_scheduler": schedule}
    trainer = gluon.Trainer(net.collect_params(), "sgd", {"momentum": momentum, **rates})
    loss = gluon.loss.SoftmaxCrossEntropyLoss()
    loss.hybridize(static_alloc=True)
    settings = (loss, trainer, contexts_of(net), num_epochs, verbose)
    return train(train_data, test_data, net, *settings, validation_data=validation_data, patience=patience)


def new_output(net: gluon.Block, num_classes: int) -> gluon.Block:
    """Replace the network's output layer with one for ``num_classes`` classes, with Xavier initialization.

    Parameters
    ----------
    net : Block
        A network with weights, modified in place; the other layers are unchanged.
    num_classes : int
        Number of new classes.

    Returns
    -------
    Block
        The new layer, dense or convolutional like the old one.
    """
    num_classes = check_int("num_classes", num_classes, 1)
    places = list(_layers_with_weights(net))
    parent, _, old = places[-1] if places else (net, "", None)
    if not isinstance(old, (nn.Dense, nn.Conv2D)):
        raise ValueError(
            f"{type(net).__name__} ends with {type(old).__name__}, neither a dense layer nor a convolution: build "
            "a new network and give it the old one's features"
        )
    check_weights(net)
    activation = old.act._act_type if old.act is not None else None
    common = {"activation": activation, "use_bias": old.bias is not None}
    with parent.name_scope():
        if isinstance(old, nn.Dense):
            new = nn.Dense(num_classes, flatten=old._flatten, in_units=old.weight.shape[1], **common)
        else:
            window = [old._kwargs[name] for name in ("kernel", "stride", "pad", "dilate", "num_group")]
            in_channels = old.weight.shape[1] * window[-1]
            new = nn.Conv2D(num_classes, *window, in_channels=in_channels, **common)
    new.initialize(init.Xavier(), ctx=old.weight.list_ctx())
    new.cast(old.weight.dtype)
    for place, key, layer in places:  # a block may register it under two names
        if layer is old and getattr(place, key, None) is old:
            setattr(place, key, new)
        elif layer is old:
            place._children[key] = new  # in a sequence
    net.apply(_forget_graph)
    return new


def freeze(block: gluon.Block, frozen: bool = True) -> None:
    """Freeze a block, so that training changes neither its weights nor its batch norm's moving averages.

    Parameters
    ----------
    block : Block
        A layer or a network; dropout remains active. If it is part of a hybridized network, hybridize that again.
    frozen : bool
        Whether to freeze or unfreeze the block.

    Notes
    -----
    ``grad_req = "null"`` alone is not enough: in training, batch norm would still normalize with the batch statistics
    and update its moving averages.
    """
    layers: list[gluon.Block] = []
    block.apply(layers.append)
    if frozen and any(isinstance(layer, BatchNorm) for layer in layers):
        raise ValueError(
            "gluon_cnn.BatchNorm always uses batch statistics: build the network with nn.BatchNorm to freeze it"
        )
    for layer in layers:
        if "use_global_stats" in getattr(layer, "_kwargs", {}):  # Gluon's batch norms
            layer._kwargs["use_global_stats"] = frozen
    for parameter in block.collect_params().values():
        if parameter._differentiable:
            parameter.grad_req = "null" if frozen else "write"
    block.apply(_forget_graph)


def zoo_network(
    name: str = "resnet18_v2",
    download: bool = False,
    root: str | Path | None = None,
    ctx: mx.Context | None = None,
    file: str | Path | None = None,
    **settings,
) -> gluon.HybridBlock:
    """Return a network of Gluon's model zoo, with pretrained weights if available, and print which weights it has.

    Parameters
    ----------
    name : str
        Such as ``"resnet18_v2"``, with normalized input (N, 3, 224, 224) and output (N, 1000).
    download : bool
        Whether to download the weights (tens of megabytes) if they are not on disk.
    root : str or Path, optional
        Folder with the weights. Default: MXNet's, ``~/.mxnet/models``.
    ctx : Context, optional
        Where to compute. Default: the CPU.
    file : str or Path, optional
        Parameter file, as distributed by GluonCV or written by ``save_parameters``, instead of the zoo's.
    **settings
        Passed to the zoo, such as ``classes=2``; pretrained weights require 1000 classes.
    """
    folder = Path(os.path.expanduser(root or Path(mx.base.data_dir()) / "models"))
    ctx = ctx or mx.cpu()
    if name not in model_store._model_sha1:
        raise ValueError(f"the zoo has no network {name!r}; choose one of {', '.join(sorted(model_store._model_sha1))}")
    if file is not None:
        net = vision.get_model(name, ctx=ctx, **settings)
        load_weights(net, file, ctx)
        print(f"{name}: weights from {file}")
        return net
    file = f"{name}-{model_store.short_hash(name)}.params"
    found = (folder / file).exists()
    is_whole = found and gluon.utils.check_sha1(str(folder / file), model_store._model_sha1[name])
    if download and not is_whole:
        try:
            model_store.get_model_file(name, root=str(folder))
        except Exception as error:
            raise OSError(f"the weights of {name} could not be downloaded ({type(error).__name__}): {error}") from error
    if download or is_whole:
        net = vision.get_model(name, pretrained=True, root=str(folder), ctx=ctx, **settings)
        print(f"{name}: weights trained on ImageNet, from {file}")
        return net
    net = vision.get_model(name, ctx=ctx, **settings)
    net.initialize(init.Xavier(), ctx=ctx)
    side = 299 if name == "inceptionv3" else 224  # of ImageNet's images
    net(nd.zeros((1, 3, side, side), ctx=ctx))  # initializes the weights
    state = "is damaged" if found else "is not on disk"
    print(f"{name}: random weights; {file} {state} (download=True downloads it, if its host responds)")
    return net


def _forget_graph(block: gluon.Block) -> None:
    """Make a hybridized block retrace its graph."""
    if isinstance(block, gluon.HybridBlock):
        block._clear_cached_op()


def _layers_with_weights(block: gluon.Block) -> Iterator[tuple[gluon.Block, str, gluon.Block]]:
    """Yield (parent, key, layer) for each layer with its own parameters, in definition order."""
    for key, child in block._children.items():
        if child._reg_params:
            yield block, key, child
        yield from _layers_with_weights(child)
