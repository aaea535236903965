"""ResNet: blocks that add their input to their output. Lesson 10."""

from gluon_cnn._core.checked import checked
from gluon_cnn.networks.base import HybridBlock, Network, run_blocks, sequential
from mxnet.gluon import nn


class Residual(HybridBlock):
    """Two 3x3 convolutions with batch norm whose output is added to the input.

    Without ``same_shape``, the first convolution has stride 2, as does a 1x1 convolution in the shortcut: from
    (N, C, H, W) to (N, channels, ceil(H / 2), ceil(W / 2)).

    Source: He, Zhang, Ren and Sun, Deep residual learning for image recognition, 2015, figure 2. In the notes,
    the second convolution also has stride 2, by mistake.
    """

    @checked()
    def __init__(self, channels: int, same_shape: bool = True, **kwargs) -> None:
        super().__init__(**kwargs)
        self.in_channels = channels if same_shape else 0  # 0 accepts any number
        with self.name_scope():
            self.conv1 = nn.Conv2D(channels, kernel_size=3, padding=1, strides=1 if same_shape else 2)
            self.bn1 = nn.BatchNorm()
            self.conv2 = nn.Conv2D(channels, kernel_size=3, padding=1)
            self.bn2 = nn.BatchNorm()
            self.shortcut = None if same_shape else nn.Conv2D(channels, kernel_size=1, strides=2)

    def hybrid_forward(self, F, x):
        # F.relu is equivalent but leaves oneDNN's memory layout, which is 5% slower on a CPU
        out = F.Activation(self.bn1(self.conv1(x)), "relu")
        out = self.bn2(self.conv2(out))
        return F.Activation(out + (x if self.shortcut is None else self.shortcut(x)), "relu")

    def advice(self, shape):
        return ": pass same_shape=False to change channels" if len(shape) == 4 else super().advice(shape)


class ResBlk(HybridBlock):
    """The notes' second residual block: stride 1, a shortcut with batch norm, no ReLU after the sum.

    From (N, ch_in, H, W) to (N, ch_out, H, W); the shortcut has a 1x1 convolution only when the channels differ.
    """

    @checked()
    def __init__(self, ch_in: int, ch_out: int, **kwargs) -> None:
        super().__init__(**kwargs)
        with self.name_scope():
            self.conv1 = nn.Conv2D(ch_out, kernel_size=3, padding=1, in_channels=ch_in)
            self.bn1 = nn.BatchNorm()
            self.conv2 = nn.Conv2D(ch_out, kernel_size=3, padding=1)
            self.bn2 = nn.BatchNorm()
            self.shortcut = nn.HybridSequential()  # the identity if empty
            if ch_in != ch_out:
                self.shortcut.add(nn.Conv2D(ch_out, kernel_size=1, in_channels=ch_in), nn.BatchNorm())

    def hybrid_forward(self, F, x):
        out = F.Activation(self.bn1(self.conv1(x)), "relu")
        return self.bn2(self.conv2(out)) + self.shortcut(x)


class ResNet(Network):
    """ResNet with 18 layers, as in the notes; convolutions in shortcuts do not count.

    ``init_channels`` is the number of output channels of the first convolution, which is doubled three times.
    ``verbose`` prints each block's output shape in forward passes that are not hybridized.

    Source: He and others, 2015, table 1. The notes omit padding, batch norm and ReLU of the first convolution and the
    padding of the pooling after it, and end with 3x3 average pooling.
    """

    @checked()
    def __init__(self, num_classes: int, verbose: bool = False, init_channels: int = 64, **kwargs) -> None:
        super().__init__(**kwargs)
        self.verbose, c = verbose, init_channels
        with self.name_scope():
            self.blocks = sequential(
                # (N, 3, 96, 96)
                sequential(nn.Conv2D(c, kernel_size=7, strides=2)),  # (N, 64, 45, 45)
                sequential(
                    nn.MaxPool2D(pool_size=3, strides=2),  # (N, 64, 22, 22)
                    Residual(c),
                    Residual(c),
                ),
                sequential(Residual(2 * c, same_shape=False), Residual(2 * c)),  # (N, 128, 11, 11)
                sequential(Residual(4 * c, same_shape=False), Residual(4 * c)),  # (N, 256, 6, 6)
                sequential(Residual(8 * c, same_shape=False), Residual(8 * c)),  # (N, 512, 3, 3)
                sequential(
                    nn.AvgPool2D(pool_size=3),  # (N, 512, 1, 1)
                    nn.Flatten(),
                    nn.Dense(num_classes),  # (N, num_classes)
                ),
            )

    def hybrid_forward(self, F, x):
        return run_blocks(self.blocks, x, self.verbose)
