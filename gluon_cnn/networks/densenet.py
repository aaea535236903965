"""DenseNet: blocks in which each layer takes the outputs of all preceding layers. Lesson 11."""

from collections.abc import Sequence

from gluon_cnn._core.checked import checked
from gluon_cnn.networks.aligned import ChannelPadded
from gluon_cnn.networks.base import HybridBlock, HybridSequential, Network, concatenate, sequential
from mxnet.gluon import nn


@checked()
def conv_block(channels: int) -> HybridSequential:
    """Return batch norm, ReLU and a 3x3 convolution that keeps the size: from (N, C, H, W) to (N, channels, H, W).

    Source: Huang, Liu, van der Maaten and Weinberger, Densely connected convolutional networks, 2016, section 3.
    """
    return HybridSequential(
        nn.BatchNorm(),
        nn.Activation("relu"),
        nn.Conv2D(channels, kernel_size=3, padding=1),
    )


class DenseBlock(HybridBlock):
    """Convolution blocks, each applied to the concatenation of the input and all preceding outputs.

    From (N, C, H, W) to (N, C + layers * growth_rate, H, W). Source: Huang and others, 2016, figure 1.
    """

    @checked()
    def __init__(self, layers: int, growth_rate: int, **kwargs) -> None:
        super().__init__(**kwargs)
        self.growth_rate = growth_rate
        with self.name_scope():
            self.net = sequential(*(conv_block(growth_rate) for _ in range(layers)))

    def hybrid_forward(self, F, x):
        for layer in self.net:
            x = concatenate(F, [x, layer(x)], [self.growth_rate])
        return x


@checked()
def transition_block(channels: int) -> HybridSequential:
    """Return batch norm, ReLU, a 1x1 convolution and pooling: from (N, C, H, W) to (N, channels, H // 2, W // 2)."""
    return ChannelPadded(  # a HybridSequential that computes faster on a CPU
        nn.BatchNorm(),
        nn.Activation("relu"),
        nn.Conv2D(channels, kernel_size=1),
        nn.AvgPool2D(pool_size=2, strides=2),
    )


class DenseNet(Network):
    """DenseNet with plain 3x3 layers, without the paper's bottlenecks, as in the notes.

    ``block_layers`` are the numbers of layers in the dense blocks; a transition between two blocks halves channels,
    height and width. The default is that of the paper's DenseNet-121, which has two convolutions per layer; here it
    gives 63 layers with weights. The notes end with pooling of size 1, which fits only images of 32x32; here the whole
    feature map is averaged, which is equivalent for that size.

    Source: Huang and others, 2016, table 1.
    """

    @checked()
    def __init__(
        self,
        num_classes: int = 10,
        init_channels: int = 64,
        growth_rate: int = 32,
        block_layers: Sequence[int] = (6, 12, 24, 16),
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        channels = init_channels
        with self.name_scope():
            self.features = sequential(
                # (N, 1, 32, 32)
                nn.Conv2D(channels, kernel_size=7, strides=2, padding=3),  # (N, 64, 16, 16)
                nn.BatchNorm(),
                nn.Activation("relu"),
                nn.MaxPool2D(pool_size=3, strides=2, padding=1),  # (N, 64, 8, 8)
            )
            for i, layers in enumerate(block_layers):
                self.features.add(DenseBlock(layers, growth_rate))  # (N, 256, 8, 8), ...
                channels += layers * growth_rate
                if i != len(block_layers) - 1:
                    channels //= 2
                    self.features.add(transition_block(channels))  # (N, 128, 4, 4), ...
            self.features.add(
                nn.BatchNorm(),
                nn.Activation("relu"),
                nn.GlobalAvgPool2D(),  # (N, 1024, 1, 1)
                nn.Flatten(),
            )
            self.output = nn.Dense(num_classes)  # (N, num_classes)

    def hybrid_forward(self, F, x):
        return self.output(self.features(x))
