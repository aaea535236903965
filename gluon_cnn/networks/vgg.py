"""VGG: blocks of 3x3 convolutions that double the channels and halve height and width. Lesson 07."""

from collections.abc import Sequence

from gluon_cnn._core.checked import checked
from gluon_cnn.networks.base import HybridSequential, Network, sequential
from mxnet.gluon import nn

VGG11 = ((1, 64), (1, 128), (2, 256), (2, 512), (2, 512))  # configuration A of the paper
VGG_NOTES = ((2, 64), (2, 128), (2, 256), (2, 512), (2, 512))  # of the notes; the paper's configuration B, VGG-13


@checked()
def vgg_block(num_convs: int, channels: int) -> HybridSequential:
    """Return ``num_convs`` size-preserving 3x3 convolutions with ReLU, followed by 2x2 max pooling.

    From (N, C, H, W) to (N, channels, H // 2, W // 2). Source: Simonyan and Zisserman, 2014, section 2.1.
    """
    convs = [nn.Conv2D(channels, kernel_size=3, padding=1, activation="relu") for _ in range(num_convs)]
    return HybridSequential(*convs, nn.MaxPool2D(pool_size=2, strides=2))


class VGG(Network):
    """VGG with an architecture given as a sequence of (num_convs, channels), one pair per block.

    Examples are :data:`VGG11` and :data:`VGG_NOTES`; ``dense_units`` is the number of outputs of each hidden dense
    layer.

    Source: Simonyan and Zisserman, Very deep convolutional networks for large-scale image recognition, 2014, table 1.
    """

    @checked()
    def __init__(
        self, architecture: Sequence[tuple[int, int]], num_classes: int = 10, dense_units: int = 4096, **kwargs
    ) -> None:
        super().__init__(**kwargs)
        with self.name_scope():
            self.features = sequential(
                # (N, 1, 224, 224); with VGG11:
                # (N, 64, 112, 112), (N, 128, 56, 56), (N, 256, 28, 28), (N, 512, 14, 14), (N, 512, 7, 7)
                *(vgg_block(num_convs, channels) for num_convs, channels in architecture),
                nn.Flatten(),  # (N, 25088)
                nn.Dense(dense_units, activation="relu"),  # (N, 4096)
                nn.Dropout(0.5),
                nn.Dense(dense_units, activation="relu"),  # (N, 4096)
                nn.Dropout(0.5),
            )
            self.output = nn.Dense(num_classes)  # (N, num_classes)

    def hybrid_forward(self, F, x):
        return self.output(self.features(x))


def vgg11(num_classes: int = 10, **settings) -> VGG:
    """Return the paper's 11-layer network, configuration A."""
    return VGG(VGG11, num_classes, **settings)
