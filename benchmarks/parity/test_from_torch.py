"""PyTorch's weights in the course's networks, by `load_torch_state`. `make parity` runs this beside MXNet."""

import os
from pathlib import Path

import gluon_cnn as g
import numpy as np
import pytest
from gluon_cnn.networks.efficientnet import efficientnet_lite0
from mxnet import nd

FOLDER = Path(os.environ.get("GLUON_CNN_PARITY", "build/parity"))
NETWORKS = {
    "lenet": g.LeNet,
    "alexnet": g.AlexNet,
    "vgg": lambda: g.VGG(g.VGG11),
    "nin": g.NiN,
    "googlenet": lambda: g.GoogLeNet(10),
    "resnet": lambda: g.ResNet(10),
    "densenet": g.DenseNet,
}


def taken_over(name, net, strict=True):
    """Return what was left out, the network's output and PyTorch's."""
    with np.load(FOLDER / f"from torch, {name}.npz") as file:
        arrays = {key: file[key] for key in file.files}
    X = nd.array(arrays["X"])
    net.initialize()
    net(X[:1])
    state = {key[len("state ") :]: value for key, value in arrays.items() if key.startswith("state ")}
    left = g.load_torch_state(net, state, strict)
    return left, net(X).asnumpy(), arrays["output"]


@pytest.mark.parametrize("name", [*NETWORKS, "torchvision vgg11"])
def test_the_same_network(name):
    left, ours, theirs = taken_over(name, NETWORKS[name.replace("torchvision vgg11", "vgg")]())
    assert left == []
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-4 * np.abs(theirs).max())


def test_resnet_lacks_four_batch_norms():
    left, _, _ = taken_over("torchvision resnet18", g.ResNet(10), strict=False)
    shortcuts = [f"layer{k}.0.downsample.1 (batch norm {n})" for k, n in ((2, 128), (3, 256), (4, 512))]
    assert left == [f"PyTorch's {name}" for name in ("bn1 (batch norm 64)", *shortcuts)]
    with pytest.raises(ValueError, match=r"no counterpart: PyTorch's bn1 \(batch norm 64\), "):
        taken_over("torchvision resnet18", g.ResNet(10))


def test_alexnet_has_other_channels():
    with pytest.raises(ValueError, match=r"no counterpart: Gluon's features.0 \(convolution 96x3x11x11\), "):
        taken_over("torchvision alexnet", g.AlexNet())


def test_the_pretrained_efficientnet_lite0():
    with np.load(FOLDER / "efficientnet-lite0.npz") as file:
        X, theirs = file["X"], file["output"]
    ours = efficientnet_lite0(pretrained=True)(nd.array(X)).asnumpy()
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5 * np.abs(theirs).max())
