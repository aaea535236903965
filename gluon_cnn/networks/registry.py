"""The course's networks by name. Each row registers a network for the command line, lesson 14 and the tests."""

import importlib
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Named:
    """A network of the course; its module and MXNet are imported only when it is called."""

    module: str
    maker: str
    remark: str = ""
    settings: dict[str, Any] = field(default_factory=dict)

    def __call__(self, **settings: Any) -> Any:
        module = importlib.import_module(f"gluon_cnn.networks.{self.module}")
        return getattr(module, self.maker)(**self.settings, **settings)


NETWORKS = {
    "lenet": Named("lenet", "LeNet"),
    "alexnet": Named("alexnet", "AlexNet"),
    "vgg": Named("vgg", "vgg11", "11 layers"),
    "nin": Named("nin", "NiN"),
    "nin_bn": Named("nin", "NiN", "batch norm", {"batch_norm": True}),
    "googlenet": Named("googlenet", "GoogLeNet"),
    "resnet": Named("resnet", "ResNet", "18 layers"),
    "densenet": Named("densenet", "DenseNet"),
}

# Pretrained networks, of which only the output layer is trained.
PRETRAINED = {"efficientnet-lite0": Named("efficientnet", "EfficientNetLite0")}


def describe_networks() -> str:
    """List the names, with remarks, in one line."""
    return ", ".join(f"{name} ({network.remark})" if network.remark else name for name, network in NETWORKS.items())
