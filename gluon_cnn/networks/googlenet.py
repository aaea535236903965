"""GoogLeNet: nine Inception blocks, each with four parallel paths. Lesson 09."""

from gluon_cnn._core.checked import checked
from gluon_cnn.networks.base import HybridBlock, Network, concatenate, run_blocks, sequential
from mxnet.gluon import nn


class Inception(HybridBlock):
    """Four parallel paths that preserve height and width, concatenated along the channels.

    The arguments are the output channels of the paths' convolutions: ``n2_1`` and ``n2_3`` are those of path 2's 1x1
    and 3x3 convolutions; path 4 is 3x3 max pooling and a 1x1 convolution. ReLU follows each convolution. From (N, C,
    H, W) to (N, n1_1 + n2_3 + n3_5 + n4_1, H, W).

    Source: Szegedy and others, Going deeper with convolutions, 2014, figure 2b.
    """

    @checked()
    def __init__(self, n1_1: int, n2_1: int, n2_3: int, n3_1: int, n3_5: int, n4_1: int, **kwargs) -> None:
        super().__init__(**kwargs)
        self.widths = (n1_1, n2_3, n3_5, n4_1)
        with self.name_scope():
            self.path1 = nn.Conv2D(n1_1, kernel_size=1, activation="relu")
            self.path2 = sequential(
                nn.Conv2D(n2_1, kernel_size=1, activation="relu"),
                nn.Conv2D(n2_3, kernel_size=3, padding=1, activation="relu"),
            )
            self.path3 = sequential(
                nn.Conv2D(n3_1, kernel_size=1, activation="relu"),
                nn.Conv2D(n3_5, kernel_size=5, padding=2, activation="relu"),
            )
            self.path4 = sequential(
                nn.MaxPool2D(pool_size=3, strides=1, padding=1),
                nn.Conv2D(n4_1, kernel_size=1, activation="relu"),
            )

    def hybrid_forward(self, F, x):
        return concatenate(F, [self.path1(x), self.path2(x), self.path3(x), self.path4(x)], self.widths)


class GoogLeNet(Network):
    """GoogLeNet without its two auxiliary outputs, as in the notes.

    ``relu`` adds a ReLU after the two convolutions of block 2, as in the paper; the notes omit it. ``width``, from 0.01
    to 1000, multiplies the channels of all convolutions: 0.5 reduces the computation to about a quarter. ``verbose``
    prints each block's output shape in forward passes that are not hybridized.

    Source: Szegedy and others, 2014, table 1. The notes end with 2x2 pooling, the paper with global average pooling
    and dropout; the paper also uses local response normalization.
    """

    @checked(width="0.01 <= width <= 1000")
    def __init__(
        self, num_classes: int, verbose: bool = False, relu: bool = False, width: float = 1.0, **kwargs
    ) -> None:
        super().__init__(**kwargs)
        self.verbose = verbose
        activation = "relu" if relu else None

        def scaled(channels: int) -> int:
            return max(1, round(width * channels))

        def conv(channels: int, **settings) -> nn.Conv2D:
            return nn.Conv2D(scaled(channels), **settings)

        def inception(*channels: int) -> Inception:
            return Inception(*map(scaled, channels))

        with self.name_scope():
            self.blocks = sequential(
                # (N, 3, 96, 96)
                sequential(
                    conv(64, kernel_size=7, strides=2, padding=3, activation="relu"),  # (N, 64, 48, 48)
                    nn.MaxPool2D(pool_size=3, strides=2),  # (N, 64, 23, 23)
                ),
                sequential(
                    conv(64, kernel_size=1, activation=activation),  # (N, 64, 23, 23)
                    conv(192, kernel_size=3, padding=1, activation=activation),  # (N, 192, 23, 23)
                    nn.MaxPool2D(pool_size=3, strides=2),  # (N, 192, 11, 11)
                ),
                sequential(
                    inception(64, 96, 128, 16, 32, 32),  # (N, 256, 11, 11)
                    inception(128, 128, 192, 32, 96, 64),  # (N, 480, 11, 11)
                    nn.MaxPool2D(pool_size=3, strides=2),  # (N, 480, 5, 5)
                ),
                sequential(
                    inception(192, 96, 208, 16, 48, 64),  # (N, 512, 5, 5)
                    inception(160, 112, 224, 24, 64, 64),  # (N, 512, 5, 5)
                    inception(128, 128, 256, 24, 64, 64),  # (N, 512, 5, 5)
                    inception(112, 144, 288, 32, 64, 64),  # (N, 528, 5, 5)
                    inception(256, 160, 320, 32, 128, 128),  # (N, 832, 5, 5)
                    nn.MaxPool2D(pool_size=3, strides=2),  # (N, 832, 2, 2)
                ),
                sequential(
                    inception(256, 160, 320, 32, 128, 128),  # (N, 832, 2, 2)
                    inception(384, 192, 384, 48, 128, 128),  # (N, 1024, 2, 2)
                    nn.AvgPool2D(pool_size=2),  # (N, 1024, 1, 1)
                ),
                sequential(nn.Flatten(), nn.Dense(num_classes)),  # (N, num_classes)
            )

    def hybrid_forward(self, F, x):
        return run_blocks(self.blocks, x, self.verbose)
