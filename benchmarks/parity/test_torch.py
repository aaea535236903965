"""The course's layers, blocks and networks against PyTorch's, with the same weights. `make parity` runs this."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).parent.parent / "speed"))
import torch_networks as networks

FOLDER = Path(os.environ.get("GLUON_CNN_PARITY", "build/parity"))
STEPS, LEARNING_RATE, MOMENTUM = 3, 0.001, 0.9
TOLERANCE = {"float32": 1e-4, "float64": 1e-5}  # of the largest number; mxnet keeps rates and eps in 32 bits anyway
BATCH_NORM_MOMENTUM = 0.9  # Gluon's: the share of the old; PyTorch's is that of the new


class ResBlk(nn.Module):
    def __init__(self, before: int, channels: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(before, channels, 3, padding=1), nn.BatchNorm2d(channels)
        self.conv2, self.bn2 = nn.Conv2d(channels, channels, 3, padding=1), nn.BatchNorm2d(channels)
        self.shortcut = nn.Sequential(nn.Conv2d(before, channels, 1), nn.BatchNorm2d(channels))

    def forward(self, x):
        out = torch.relu(self.bn1(self.conv1(x)))
        return self.bn2(self.conv2(out)) + self.shortcut(x)


CASES = {
    "convolution": lambda: nn.Conv2d(3, 6, 3, padding=1),
    "convolution with stride": lambda: nn.Conv2d(3, 6, 5, stride=2, padding=2),
    "convolution, dilated": lambda: nn.Conv2d(3, 6, 3, dilation=2),
    "convolution of 1x1": lambda: nn.Conv2d(3, 6, 1),
    "dense": lambda: nn.Linear(5, 7),
    "dense, of maps": lambda: nn.Sequential(nn.Flatten(), nn.Linear(12, 7)),
    "max pooling": lambda: nn.MaxPool2d(3, 2),
    "max pooling with padding": lambda: nn.MaxPool2d(3, 2, 1),
    "max pooling, ceil": lambda: nn.MaxPool2d(3, 2, ceil_mode=True),
    "average pooling": lambda: nn.AvgPool2d(2),
    "average pooling with padding": lambda: nn.AvgPool2d(3, 2, 1),
    "average pooling, padding not counted": lambda: nn.AvgPool2d(3, 2, 1, count_include_pad=False),
    "global average pooling": lambda: nn.AdaptiveAvgPool2d(1),
    "relu": nn.ReLU,
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "batch norm, Gluon's": lambda: nn.BatchNorm2d(3),
    "batch norm": lambda: nn.BatchNorm2d(3),
    "batch norm of vectors": lambda: nn.BatchNorm1d(3),
    "Inception": lambda: networks.Inception(3, 4, 3, 6, 2, 5, 4),
    "Residual": lambda: networks.Residual(8, 8),
    "Residual, other shape": lambda: networks.Residual(8, 16),
    "ResBlk": lambda: ResBlk(4, 8),
    "DenseBlock": lambda: networks.DenseBlock(3, 3, 4),
    "conv_block": lambda: networks.conv_block(3, 5),
    "transition_block": lambda: nn.Sequential(nn.BatchNorm2d(3), nn.ReLU(), nn.Conv2d(3, 5, 1), nn.AvgPool2d(2)),
    "mlpconv": lambda: nn.Sequential(networks.mlpconv(3, 6, 3, 0), nn.MaxPool2d(3, 2)),
    "vgg_block": lambda: nn.Sequential(
        networks.conv(3, 6, 3, padding=1), networks.conv(6, 6, 3, padding=1), nn.MaxPool2d(2)
    ),
    **networks.NETWORKS,
}


def close(ours, theirs, tolerance, largest=0.0):
    """Assert that both agree to a share of the largest number, at least of a hundredth of ``largest``."""
    theirs = theirs.detach().numpy()
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=tolerance * max(np.abs(theirs).max(), largest / 100, 1e-3))


@pytest.fixture(scope="module", params=CASES)
def pair(request):
    """Return a case's arrays, PyTorch's module with the same weights, and how exact they have to agree."""
    file = np.load(FOLDER / f"{request.param}.npz")
    X = torch.tensor(file["X"])
    torch.set_default_dtype(X.dtype)
    module = CASES[request.param]().eval()
    torch.set_default_dtype(torch.float32)
    with torch.no_grad():
        module(X)  # gives layers that were left open their shape
        mine = values(module)
        theirs = [file[name] for name in file.files if name.startswith("before ")]
        assert [tuple(a.shape) for a in mine] == [a.shape for a in theirs]
        for a, b in zip(mine, theirs):
            a.copy_(torch.tensor(b))
    for part in module.modules():
        if isinstance(part, nn.Dropout):
            part.p = 0.0
    return file, module, TOLERANCE[str(file["X"].dtype)]


def values(module):
    """Return parameters and running statistics in the order of the layers."""
    return [value for name, value in module.state_dict().items() if not name.endswith("num_batches_tracked")]


def test_outputs_gradients_and_three_steps(pair):
    file, module, tolerance = pair
    X = torch.tensor(file["X"])
    close(file["predicted"], module.eval()(X), tolerance)

    counts = {}  # numbers that each batch norm averages over
    for part in module.modules():
        if isinstance(part, (nn.BatchNorm1d, nn.BatchNorm2d)):
            part.register_forward_hook(lambda part, inputs, _: counts.update({part: inputs[0][:, 0].numel()}))
    module.train()
    X.requires_grad_()
    parameters = list(module.parameters())
    place = {value.data_ptr(): i for i, value in enumerate(values(module))}
    optimizer = torch.optim.SGD(parameters, LEARNING_RATE, MOMENTUM) if parameters else None
    for step in range(STEPS):
        if optimizer:
            optimizer.zero_grad()
        output = module(X)
        (output * torch.tensor(file["weighting"])).sum().backward()
        if step == 0:
            close(file["trained"], output, tolerance)
            close(file["gradient"], X.grad, tolerance)
            # a bias in front of batch norm has the gradient 0, but for rounding of much larger numbers
            largest = max((p.grad.abs().max().item() for p in parameters), default=0.0)
            for p in parameters:
                close(file[f"gradient {place[p.data_ptr()]:03}"], p.grad, tolerance, largest)
        if optimizer:
            optimizer.step()

    numbers = {part.running_var.data_ptr(): count for part, count in counts.items()}
    for i, theirs in enumerate(values(module)):
        before, ours, n = file[f"before {i:03}"], file[f"after {i:03}"], numbers.get(theirs.data_ptr())
        if n:
            # PyTorch divides a batch's variance by n - 1, Gluon and the course by n; what was there before counts alike
            kept = BATCH_NORM_MOMENTUM**STEPS * before
            ours = kept + (ours - kept) * n / (n - 1)
        close(ours, theirs, tolerance)


def test_running_statistics_of_notes_b():
    """Uniform numbers have the mean 1/2 and the variance 1/12; a tenth of both counts after one batch."""
    file, layer = np.load(FOLDER / "running statistics.npz"), nn.BatchNorm1d(16)
    layer(torch.tensor(file["X"]))
    theirs = np.stack([layer.running_mean.numpy(), layer.running_var.numpy()])
    np.testing.assert_allclose(theirs, [[0.05] * 16, [0.9083] * 16], atol=5e-4)
    np.testing.assert_allclose(file["ours"], theirs, atol=1e-6)  # of 78,400 numbers: n or n - 1 is no matter
