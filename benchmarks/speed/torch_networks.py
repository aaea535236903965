"""The course's networks in PyTorch: the same layers in the same order, so that weights can be copied in order."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F


def conv(in_channels: int, channels: int, kernel_size: int, relu: bool = True, **settings) -> nn.Sequential:
    """A convolution, with ReLU if asked for."""
    layers: list[nn.Module] = [nn.Conv2d(in_channels, channels, kernel_size, **settings)]
    return nn.Sequential(*layers, *([nn.ReLU(inplace=True)] if relu else []))


def dense(units: int, relu: bool = True) -> nn.Sequential:
    return nn.Sequential(nn.LazyLinear(units), *([nn.ReLU(inplace=True)] if relu else []))


def lenet() -> nn.Module:
    return nn.Sequential(
        conv(1, 20, 5),
        nn.MaxPool2d(2),
        conv(20, 50, 3),
        nn.MaxPool2d(2),
        nn.Flatten(),
        dense(128),
        dense(10, relu=False),
    )


def alexnet() -> nn.Module:
    return nn.Sequential(
        *(conv(1, 96, 11, stride=4), nn.MaxPool2d(3, 2)),
        *(conv(96, 256, 5, padding=2), nn.MaxPool2d(3, 2)),
        *(conv(256, 384, 3, padding=1), conv(384, 384, 3, padding=1), conv(384, 256, 3, padding=1), nn.MaxPool2d(3, 2)),
        *(nn.Flatten(), dense(4096), nn.Dropout(0.5), dense(4096), nn.Dropout(0.5), dense(10, relu=False)),
    )


def vgg() -> nn.Module:
    layers: list[nn.Module] = []
    before = 1
    for num_convs, channels in ((1, 64), (1, 128), (2, 256), (2, 512), (2, 512)):
        for _ in range(num_convs):
            layers.append(conv(before, channels, 3, padding=1))
            before = channels
        layers.append(nn.MaxPool2d(2))
    head = (nn.Flatten(), dense(4096), nn.Dropout(0.5), dense(4096), nn.Dropout(0.5), dense(10, relu=False))
    return nn.Sequential(*layers, *head)


def mlpconv(before: int, channels: int, kernel_size: int, padding: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        conv(before, channels, kernel_size, stride=stride, padding=padding),
        conv(channels, channels, 1),
        conv(channels, channels, 1),
    )


def nin() -> nn.Module:
    return nn.Sequential(
        *(mlpconv(1, 96, 11, 0, stride=4), nn.MaxPool2d(3, 2)),
        *(mlpconv(96, 256, 5, 2), nn.MaxPool2d(3, 2)),
        *(mlpconv(256, 384, 3, 1), nn.MaxPool2d(3, 2), nn.Dropout(0.5)),
        *(mlpconv(384, 10, 3, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
    )


class Inception(nn.Module):
    def __init__(self, before: int, n1_1: int, n2_1: int, n2_3: int, n3_1: int, n3_5: int, n4_1: int) -> None:
        super().__init__()
        self.path1 = conv(before, n1_1, 1)
        self.path2 = nn.Sequential(conv(before, n2_1, 1), conv(n2_1, n2_3, 3, padding=1))
        self.path3 = nn.Sequential(conv(before, n3_1, 1), conv(n3_1, n3_5, 5, padding=2))
        self.path4 = nn.Sequential(nn.MaxPool2d(3, 1, 1), conv(before, n4_1, 1))

    def forward(self, x):
        return torch.cat([self.path1(x), self.path2(x), self.path3(x), self.path4(x)], dim=1)


def googlenet() -> nn.Module:
    return nn.Sequential(
        *(conv(1, 64, 7, stride=2, padding=3), nn.MaxPool2d(3, 2)),
        *(conv(64, 64, 1, relu=False), conv(64, 192, 3, relu=False, padding=1), nn.MaxPool2d(3, 2)),
        *(Inception(192, 64, 96, 128, 16, 32, 32), Inception(256, 128, 128, 192, 32, 96, 64), nn.MaxPool2d(3, 2)),
        *(Inception(480, 192, 96, 208, 16, 48, 64), Inception(512, 160, 112, 224, 24, 64, 64)),
        *(Inception(512, 128, 128, 256, 24, 64, 64), Inception(512, 112, 144, 288, 32, 64, 64)),
        *(Inception(528, 256, 160, 320, 32, 128, 128), nn.MaxPool2d(3, 2)),
        *(Inception(832, 256, 160, 320, 32, 128, 128), Inception(832, 384, 192, 384, 48, 128, 128), nn.AvgPool2d(2)),
        *(nn.Flatten(), nn.LazyLinear(10)),
    )


class Residual(nn.Module):
    def __init__(self, before: int, channels: int) -> None:
        super().__init__()
        stride = 1 if before == channels else 2
        self.conv1 = nn.Conv2d(before, channels, 3, stride, 1)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1)
        self.bn2 = nn.BatchNorm2d(channels)
        self.shortcut = nn.Identity() if before == channels else nn.Conv2d(before, channels, 1, stride)

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(out)) + self.shortcut(x))


def resnet() -> nn.Module:
    return nn.Sequential(
        *(nn.Conv2d(1, 64, 7, 2), nn.MaxPool2d(3, 2), Residual(64, 64), Residual(64, 64)),
        *(Residual(64, 128), Residual(128, 128), Residual(128, 256), Residual(256, 256)),
        *(Residual(256, 512), Residual(512, 512), nn.AvgPool2d(3), nn.Flatten(), nn.LazyLinear(10)),
    )


def conv_block(before: int, channels: int) -> nn.Sequential:
    return nn.Sequential(nn.BatchNorm2d(before), nn.ReLU(inplace=True), nn.Conv2d(before, channels, 3, padding=1))


class DenseBlock(nn.Module):
    def __init__(self, before: int, layers: int, growth_rate: int) -> None:
        super().__init__()
        self.net = nn.ModuleList(conv_block(before + i * growth_rate, growth_rate) for i in range(layers))

    def forward(self, x):
        for layer in self.net:
            x = torch.cat([x, layer(x)], dim=1)
        return x


def densenet(growth_rate: int = 32) -> nn.Module:
    channels = 64
    layers: list[nn.Module] = [
        nn.Conv2d(1, channels, 7, 2, 3),
        nn.BatchNorm2d(channels),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(3, 2, 1),
    ]
    for i, count in enumerate((6, 12, 24, 16)):
        layers.append(DenseBlock(channels, count, growth_rate))
        channels += count * growth_rate
        if i < 3:
            layers += [
                nn.BatchNorm2d(channels),
                nn.ReLU(inplace=True),
                nn.Conv2d(channels, channels // 2, 1),
                nn.AvgPool2d(2),
            ]
            channels //= 2
    return nn.Sequential(
        *layers,
        nn.BatchNorm2d(channels),
        nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(channels, 10),
    )


NETWORKS = {
    "lenet": lenet,
    "alexnet": alexnet,
    "vgg": vgg,
    "nin": nin,
    "googlenet": googlenet,
    "resnet": resnet,
    "densenet": densenet,
}
