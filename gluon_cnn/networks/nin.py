"""Network in network: a small dense network at every pixel, and no final dense layers. Lesson 08."""

from gluon_cnn._core.checked import checked
from gluon_cnn.networks.base import HybridSequential, Network, sequential
from mxnet.gluon import nn


@checked(padding="0 <= padding <= kernel_size")
def mlpconv(
    channels: int, kernel_size: int, padding: int, strides: int = 1, max_pooling: bool = True, batch_norm: bool = False
) -> HybridSequential:
    """Return a convolution and two 1x1 convolutions, each with ReLU and ``channels`` outputs, then pooling.

    ``kernel_size``, ``padding`` and ``strides`` are those of the first convolution. With ``max_pooling``, 3x3 max
    pooling with stride 2 follows. With ``batch_norm``, batch norm precedes each ReLU, unlike in the notes and the
    paper. ``mlpconv(64, 3, 0)`` maps (32, 3, 16, 16) to (32, 64, 6, 6).

    Source: Lin, Chen and Yan, Network in network, 2013.
    """
    block = HybridSequential()
    for kernel in ((kernel_size, strides, padding), (1, 1, 0), (1, 1, 0)):
        if batch_norm:
            block.add(nn.Conv2D(channels, *kernel), nn.BatchNorm(), nn.Activation("relu"))
        else:
            block.add(nn.Conv2D(channels, *kernel, activation="relu"))
    if max_pooling:
        block.add(nn.MaxPool2D(pool_size=3, strides=2))
    return block


class NiN(Network):
    """Network in network as in the notes: AlexNet's kernels and global average pooling of one feature map per class.

    With ``batch_norm``, the notes' settings train the network in a few epochs. Without it, training can lose a class:
    if the last ReLU sets its feature map to zero for every image, the class no longer gets a gradient.

    Source: Lin, Chen and Yan, Network in network, 2013.
    """

    @checked()
    def __init__(self, num_classes: int = 10, batch_norm: bool = False, **kwargs) -> None:
        super().__init__(**kwargs)
        with self.name_scope():
            self.features = sequential(
                # (N, 1, 224, 224)
                mlpconv(96, 11, 0, strides=4, batch_norm=batch_norm),  # (N, 96, 26, 26)
                mlpconv(256, 5, 2, batch_norm=batch_norm),  # (N, 256, 12, 12)
                mlpconv(384, 3, 1, batch_norm=batch_norm),  # (N, 384, 5, 5)
                nn.Dropout(0.5),
                mlpconv(num_classes, 3, 1, max_pooling=False, batch_norm=batch_norm),  # (N, num_classes, 5, 5)
            )
            self.output = sequential(
                nn.GlobalAvgPool2D(),  # (N, num_classes, 1, 1)
                nn.Flatten(),  # (N, num_classes)
            )

    def hybrid_forward(self, F, x):
        return self.output(self.features(x))
