"""Network in network: a small dense network at every pixel, and no dense layer at the end. Lesson 08."""

from __future__ import annotations

from gluon_cnn._core.checked import checked
from gluon_cnn.networks.base import HybridSequential, Network, sequential
from mxnet.gluon import nn


@checked(padding="0 <= padding <= kernel_size")
def mlpconv(
    channels: int,
    kernel_size: int,
    padding: int,
    strides: int = 1,
    max_pooling: bool = True,
    batch_norm: bool = False,
) -> HybridSequential:
    """Return a convolution and two 1x1 convolutions, each with ReLU, and pooling.

    Parameters
    ----------
    channels : int
        Output channels of all three convolutions.
    kernel_size, padding, strides : int
        Of the first convolution.
    max_pooling : bool
        Whether 3x3 max pooling with stride 2 follows.
    batch_norm : bool
        Whether batch norm stands between each convolution and its ReLU; neither notes nor paper have it.

    Notes
    -----
    ``mlpconv(64, 3, 0)`` takes (32, 3, 16, 16) to (32, 64, 6, 6).

    References
    ----------
    Lin, Chen and Yan, Network in network, 2013; name and arguments are those of notes A.
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
    """Network in network in the form of notes A and C: AlexNet's kernels, one feature map for each class at the end.

    Parameters
    ----------
    num_classes : int
        Length of the output.
    batch_norm : bool
        See :func:`mlpconv`. With it the notes' recipe trains the network in few epochs. Without it training can lose a
        class: one whose feature map the last ReLU cuts to zero for every image gets no gradient any more.

    Notes
    -----
    Input (N, C, H, W) float32; output (N, num_classes), scores before the softmax: the mean of each class's feature
    map.

    References
    ----------
    Lin, Chen and Yan, Network in network, 2013.
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
