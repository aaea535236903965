"""The course's networks by name. Each row registers a network for the command line, lesson 14 and the tests."""

import importlib
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class NetworkEntry:
    """A network of the course; its module and MXNet are imported only when it is called."""

    module: str
    constructor: str
    note: str = ""
    settings: dict[str, Any] = field(default_factory=dict)

    def __call__(self, **settings: Any) -> Any:
        module = importlib.import_module(f"gluon_cnn.networks.{self.module}")
        return getattr(module, self.constructor)(**self.settings, **settings)


NETWORKS = {
    "lenet": NetworkEntry("lenet", "LeNet"),
    "alexnet": NetworkEntry("alexnet", "AlexNet"),
    "vgg": NetworkEntry("vgg", "vgg11", "11 layers"),
    "nin": NetworkEntry("nin", "NiN"),
    "nin_bn": NetworkEntry("nin", "NiN", "batch norm", {"batch_norm": True}),
    "googlenet": NetworkEntry("googlenet", "GoogLeNet"),
    "resnet": NetworkEntry("resnet", "ResNet", "18 layers"),
    "densenet": NetworkEntry("densenet", "DenseNet"),
}

# Pretrained networks, of which only the output layer is trained.
PRETRAINED = {"efficientnet-lite0": NetworkEntry("efficientnet", "EfficientNetLite0")}


def describe_networks() -> str:
    """List the names, with notes, in one line."""
    return ", ".join(f"{name} ({network.note})" if network.note else name for name, network in NETWORKS.items())
