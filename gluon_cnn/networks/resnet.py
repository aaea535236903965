"""ResNet: blocks that add their input to their output. Lesson 10."""

from __future__ import annotations

from gluon_cnn._core.checks import check_bool, check_int
from gluon_cnn.networks.base import HybridBlock, Network, run_blocks
from mxnet import nd
from mxnet.gluon import nn


class Residual(HybridBlock):
    """Two 3x3 convolutions with batch norm whose result is added to the input.

    Parameters
    ----------
    channels : int
        Output channels.
    same_shape : bool
        Whether the output has the input's shape. If not, the first convolution has stride 2, and so has a 1x1
        convolution that brings the input to the same shape.

    Raises
    ------
    ValueError
        When ``same_shape`` is True and an input has other channels.

    Notes
    -----
    Input (N, C, H, W); output (N, channels, H, W), or (N, channels, ceil(H / 2), ceil(W / 2)).

    References
    ----------
    He, Zhang, Ren and Sun, Deep residual learning for image recognition, 2015, figure 2; names are those of notes A,
    whose second convolution has the stride, too, by mistake.
    """

    def __init__(self, channels: int, same_shape: bool = True, **kwargs) -> None:
        super().__init__(**kwargs)
        self.channels, self.same_shape = check_int("channels", channels, 1), check_bool("same_shape", same_shape)
        with self.name_scope():
            self.conv1 = nn.Conv2D(channels, kernel_size=3, padding=1, strides=1 if same_shape else 2)
            self.bn1 = nn.BatchNorm()
            self.conv2 = nn.Conv2D(channels, kernel_size=3, padding=1)
            self.bn2 = nn.BatchNorm()
            self.shortcut = None if same_shape else nn.Conv2D(channels, kernel_size=1, strides=2)

    def forward(self, x, *args):
        if isinstance(x, nd.NDArray) and x.ndim == 4 and self.same_shape and x.shape[1] != self.channels:
            raise ValueError(
                f"Residual({self.channels}) got {x.shape[1]} input channels: pass same_shape=False to change channels"
            )
        return super().forward(x, *args)

    def hybrid_forward(self, F, x):
        # F.relu is the same function, but leaves the memory layout of the convolutions: 5% slower on a CPU
        out = F.Activation(self.bn1(self.conv1(x)), "relu")
        out = self.bn2(self.conv2(out))
        return F.Activation(out + (x if self.shortcut is None else self.shortcut(x)), "relu")


class ResBlk(HybridBlock):
    """The residual block of notes B: stride 1, a shortcut with batch norm, no ReLU after the sum.

    Parameters
    ----------
    ch_in, ch_out : int
        Input and output channels; the shortcut has a 1x1 convolution with batch norm only when they differ.

    Raises
    ------
    ValueError
        When an input has other channels than ``ch_in``.

    Notes
    -----
    Input (N, ch_in, H, W); output (N, ch_out, H, W).
    """

    def __init__(self, ch_in: int, ch_out: int, **kwargs) -> None:
        super().__init__(**kwargs)
        self.ch_in, ch_out = check_int("ch_in", ch_in, 1), check_int("ch_out", ch_out, 1)
        with self.name_scope():
            self.conv1 = nn.Conv2D(ch_out, kernel_size=3, padding=1, in_channels=ch_in)
            self.bn1 = nn.BatchNorm()
            self.conv2 = nn.Conv2D(ch_out, kernel_size=3, padding=1)
            self.bn2 = nn.BatchNorm()
            self.shortcut = nn.HybridSequential()  # empty, it passes its input on
            if ch_in != ch_out:
                self.shortcut.add(nn.Conv2D(ch_out, kernel_size=1, in_channels=ch_in), nn.BatchNorm())

    def forward(self, x, *args):
        if isinstance(x, nd.NDArray) and x.ndim == 4 and x.shape[1] != self.ch_in:
            raise ValueError(f"ResBlk was made for {self.ch_in} input channels; got {x.shape[1]}, shape {x.shape}")
        return super().forward(x, *args)

    def hybrid_forward(self, F, x):
        out = F.Activation(self.bn1(self.conv1(x)), "relu")
        return self.bn2(self.conv2(out)) + self.shortcut(x)


class ResNet(Network):
    """ResNet with 18 layers in the form of notes A and C.

    Parameters
    ----------
    num_classes : int
        Length of the output.
    verbose : bool
        Print each block's output shape in each forward pass that is not hybridized.
    init_channels : int
        Output channels of the first convolution; they double three times.

    Raises
    ------
    TypeError, ValueError
        When an argument is not of its kind or out of its range, in words that say what to pass; so is an input that is
        too small, of another type or with other channels than before.

    Notes
    -----
    Input (N, C, H, W) float32; output (N, num_classes), scores before the softmax. 18 counts convolutions and the dense
    layer, not those in the shortcuts.

    References
    ----------
    He, Zhang, Ren and Sun, Deep residual learning for image recognition, 2015, table 1. The notes leave out padding,
    batch norm and ReLU of the first convolution and the padding of the pooling behind it, and average 3x3 at the end.
    """

    def __init__(self, num_classes: int, verbose: bool = False, init_channels: int = 64, **kwargs) -> None:
        super().__init__(**kwargs)
        num_classes, c = check_int("num_classes", num_classes, 1), check_int("init_channels", init_channels, 1)
        self.verbose = check_bool("verbose", verbose)
        with self.name_scope():
            self.blocks = nn.HybridSequential()
            for layers in (
                # (N, 3, 96, 96)
                [nn.Conv2D(c, kernel_size=7, strides=2)],  # (N, 64, 45, 45)
                [
                    nn.MaxPool2D(pool_size=3, strides=2),  # (N, 64, 22, 22)
                    Residual(c),
                    Residual(c),
                ],
                [Residual(2 * c, same_shape=False), Residual(2 * c)],  # (N, 128, 11, 11)
                [Residual(4 * c, same_shape=False), Residual(4 * c)],  # (N, 256, 6, 6)
                [Residual(8 * c, same_shape=False), Residual(8 * c)],  # (N, 512, 3, 3)
                [
                    nn.AvgPool2D(pool_size=3),  # (N, 512, 1, 1)
                    nn.Flatten(),
                    nn.Dense(num_classes),  # (N, num_classes)
                ],
            ):
                block = nn.HybridSequential()
                block.add(*layers)
                self.blocks.add(block)

    def hybrid_forward(self, F, x):
        return run_blocks(self.blocks, x, self.verbose)
