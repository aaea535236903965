"""GoogLeNet: nine Inception blocks, each with four ways to look at its input. Lesson 09."""

from __future__ import annotations

from gluon_cnn._core.checks import check_bool, check_float, check_int
from gluon_cnn.networks.base import HybridBlock, Network, concatenate, run_blocks
from mxnet.gluon import nn


class Inception(HybridBlock):
    """Four paths side by side that keep height and width, concatenated over the channels.

    Parameters
    ----------
    n1_1 : int
        Path 1: channels of its 1x1 convolution.
    n2_1, n2_3 : int
        Path 2: channels of its 1x1 and of its 3x3 convolution.
    n3_1, n3_5 : int
        Path 3: channels of its 1x1 and of its 5x5 convolution.
    n4_1 : int
        Path 4: channels of the 1x1 convolution behind 3x3 max pooling.

    Raises
    ------
    TypeError, ValueError
        When an argument is no whole number of at least 1.

    Notes
    -----
    Input (N, C, H, W); output (N, n1_1 + n2_3 + n3_5 + n4_1, H, W). ReLU follows each convolution.

    References
    ----------
    Szegedy and others, Going deeper with convolutions, 2014, figure 2b; names are those of notes A.
    """

    def __init__(self, n1_1: int, n2_1: int, n2_3: int, n3_1: int, n3_5: int, n4_1: int, **kwargs) -> None:
        super().__init__(**kwargs)
        widths = {"n1_1": n1_1, "n2_1": n2_1, "n2_3": n2_3, "n3_1": n3_1, "n3_5": n3_5, "n4_1": n4_1}
        for name, channels in widths.items():
            check_int(name, channels, 1)
        self.widths = (n1_1, n2_3, n3_5, n4_1)
        with self.name_scope():
            self.path1 = nn.Conv2D(n1_1, kernel_size=1, activation="relu")
            self.path2 = nn.HybridSequential()
            self.path2.add(
                nn.Conv2D(n2_1, kernel_size=1, activation="relu"),
                nn.Conv2D(n2_3, kernel_size=3, padding=1, activation="relu"),
            )
            self.path3 = nn.HybridSequential()
            self.path3.add(
                nn.Conv2D(n3_1, kernel_size=1, activation="relu"),
                nn.Conv2D(n3_5, kernel_size=5, padding=2, activation="relu"),
            )
            self.path4 = nn.HybridSequential()
            self.path4.add(
                nn.MaxPool2D(pool_size=3, strides=1, padding=1),
                nn.Conv2D(n4_1, kernel_size=1, activation="relu"),
            )

    def hybrid_forward(self, F, x):
        return concatenate(F, [self.path1(x), self.path2(x), self.path3(x), self.path4(x)], self.widths)


class GoogLeNet(Network):
    """GoogLeNet without its two auxiliary outputs, in the form of notes A and C.

    Parameters
    ----------
    num_classes : int
        Length of the output.
    verbose : bool
        Print each block's output shape in each forward pass that is not hybridized.
    relu : bool
        Put a ReLU behind the two convolutions of block 2, as in the paper; the notes have none there.
    width : float
        Factor of the channels of all convolutions, 0.01 to 1000: 0.5 makes a network with about a quarter of the work.

    Raises
    ------
    TypeError, ValueError
        When an argument is not of its kind or out of its range, in words that say what to pass; so is an input that is
        too small, of another type or with other channels than before.

    Notes
    -----
    Input (N, C, H, W) float32; output (N, num_classes), scores before the softmax.

    References
    ----------
    Szegedy and others, Going deeper with convolutions, 2014, table 1. Notes A and C end with a pooling window of 2, the
    paper with the mean of the whole map and dropout; the paper normalizes local responses, too.
    """

    def __init__(
        self, num_classes: int, verbose: bool = False, relu: bool = False, width: float = 1.0, **kwargs
    ) -> None:
        super().__init__(**kwargs)
        num_classes, width = check_int("num_classes", num_classes, 1), check_float("width", width, 0.01, 1000)
        self.verbose = check_bool("verbose", verbose)
        activation = "relu" if check_bool("relu", relu) else None

        def scaled(*channels: int) -> list[int]:
            return [max(1, round(width * c)) for c in channels]

        def conv(channels: int, **settings) -> nn.Conv2D:
            return nn.Conv2D(*scaled(channels), **settings)

        def inception(*channels: int) -> Inception:
            return Inception(*scaled(*channels))

        with self.name_scope():
            self.blocks = nn.HybridSequential()
            for layers in (
                # (N, 3, 96, 96)
                [
                    conv(64, kernel_size=7, strides=2, padding=3, activation="relu"),  # (N, 64, 48, 48)
                    nn.MaxPool2D(pool_size=3, strides=2),  # (N, 64, 23, 23)
                ],
                [
                    conv(64, kernel_size=1, activation=activation),  # (N, 64, 23, 23)
                    conv(192, kernel_size=3, padding=1, activation=activation),  # (N, 192, 23, 23)
                    nn.MaxPool2D(pool_size=3, strides=2),  # (N, 192, 11, 11)
                ],
                [
                    inception(64, 96, 128, 16, 32, 32),  # (N, 256, 11, 11)
                    inception(128, 128, 192, 32, 96, 64),  # (N, 480, 11, 11)
                    nn.MaxPool2D(pool_size=3, strides=2),  # (N, 480, 5, 5)
                ],
                [
                    inception(192, 96, 208, 16, 48, 64),  # (N, 512, 5, 5)
                    inception(160, 112, 224, 24, 64, 64),  # (N, 512, 5, 5)
                    inception(128, 128, 256, 24, 64, 64),  # (N, 512, 5, 5)
                    inception(112, 144, 288, 32, 64, 64),  # (N, 528, 5, 5)
                    inception(256, 160, 320, 32, 128, 128),  # (N, 832, 5, 5)
                    nn.MaxPool2D(pool_size=3, strides=2),  # (N, 832, 2, 2)
                ],
                [
                    inception(256, 160, 320, 32, 128, 128),  # (N, 832, 2, 2)
                    inception(384, 192, 384, 48, 128, 128),  # (N, 1024, 2, 2)
                    nn.AvgPool2D(pool_size=2),  # (N, 1024, 1, 1)
                ],
                [nn.Flatten(), nn.Dense(num_classes)],  # (N, num_classes)
            ):
                block = nn.HybridSequential()
                block.add(*layers)
                self.blocks.add(block)

    def hybrid_forward(self, F, x):
        return run_blocks(self.blocks, x, self.verbose)
