"""Dropout's two modes and single layers against PaddlePaddle's. `make parity` runs this where Paddle is installed."""

import os
from pathlib import Path

import numpy as np
import pytest

paddle = pytest.importorskip("paddle")
nn = paddle.nn

FOLDER = Path(os.environ.get("GLUON_CNN_PARITY", "build/parity"))
MODES = ("upscale_in_train", "downscale_in_infer")
P = 0.3


def archive(name):
    return np.load(FOLDER / f"{name}.npz")


@pytest.mark.parametrize("mode", MODES)
def test_dropout_in_prediction(mode):
    file = archive("dropout")
    theirs = nn.functional.dropout(paddle.to_tensor(file["X"]), P, training=False, mode=mode).numpy()
    np.testing.assert_allclose(file[f"{mode}, prediction"], theirs, rtol=1e-6)


@pytest.mark.parametrize("mode", MODES)
def test_dropout_in_training(mode):
    """Each drops others: what is left has the same size, and about as much is left."""
    file = archive("dropout")
    X, ours = file["X"], file[f"{mode}, training"]
    paddle.seed(1)
    theirs = nn.functional.dropout(paddle.to_tensor(X), P, training=True, mode=mode).numpy()
    for output in (ours, theirs):
        assert abs((output == 0).mean() - P) < 0.02
    both = (ours != 0) & (theirs != 0)
    np.testing.assert_allclose(ours[both], theirs[both], rtol=1e-6)


LAYERS = {
    "convolution": lambda: nn.Conv2D(3, 6, 3, padding=1),
    "convolution with stride": lambda: nn.Conv2D(3, 6, 5, stride=2, padding=2),
    "convolution, dilated": lambda: nn.Conv2D(3, 6, 3, dilation=2),
    "convolution of 1x1": lambda: nn.Conv2D(3, 6, 1),
    "max pooling": lambda: nn.MaxPool2D(3, 2),
    "max pooling with padding": lambda: nn.MaxPool2D(3, 2, 1),
    "max pooling, ceil": lambda: nn.MaxPool2D(3, 2, ceil_mode=True),
    "average pooling": lambda: nn.AvgPool2D(2),
    "average pooling with padding": lambda: nn.AvgPool2D(3, 2, 1, exclusive=False),
    "average pooling, padding not counted": lambda: nn.AvgPool2D(3, 2, 1, exclusive=True),
    "batch norm": lambda: nn.BatchNorm2D(3),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layers(name):
    file, layer = archive(name), LAYERS[name]()
    values = layer.parameters()  # of batch norm the running statistics, too, which take no gradient
    trainable = [value for value in values if not value.stop_gradient]
    for i, value in enumerate(values):
        value.set_value(file[f"before {i:03}"])
    X = paddle.to_tensor(file["X"], stop_gradient=False)
    layer.eval()
    np.testing.assert_allclose(file["predicted"], layer(X).numpy(), rtol=1e-4, atol=1e-5)
    layer.train()
    optimizer = paddle.optimizer.Momentum(0.001, 0.9, trainable) if trainable else None
    for step in range(3):
        X.clear_gradient()
        output = layer(X)
        (output * paddle.to_tensor(file["weighting"])).sum().backward()
        if step == 0:
            np.testing.assert_allclose(file["trained"], output.numpy(), rtol=1e-4, atol=1e-5)
            np.testing.assert_allclose(file["gradient"], X.grad.numpy(), rtol=1e-4, atol=1e-5)
            for i, value in enumerate(trainable):
                np.testing.assert_allclose(file[f"gradient {i:03}"], value.grad.numpy(), rtol=1e-4, atol=1e-5)
        if optimizer:
            optimizer.step()
            optimizer.clear_grad()
    for i, value in enumerate(values):  # Paddle's running variance divides by n, too
        np.testing.assert_allclose(file[f"after {i:03}"], value.numpy(), rtol=1e-4, atol=1e-5)
