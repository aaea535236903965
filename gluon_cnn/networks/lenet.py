"""LeNet: two convolutions, each followed by pooling, and two dense layers. Lesson 05."""

from gluon_cnn._core.checked import checked
from gluon_cnn.networks.aligned import ChannelPadded
from gluon_cnn.networks.base import Network
from mxnet.gluon import nn


class LeNet(Network):
    """LeNet as in the notes, with 20 and 50 filters, ReLU and max pooling.

    Images have at least 12x12 pixels; for grey images of 28x28, the network has 170,988 parameters.

    Source: LeCun, Bottou, Bengio and Haffner, Gradient-based learning applied to document recognition, 1998, section
    II.B. The paper's LeNet-5 has 6 and 16 filters, sigmoidal activations and trainable subsampling.
    """

    @checked()
    def __init__(self, num_classes: int = 10, **kwargs) -> None:
        super().__init__(**kwargs)
        with self.name_scope():
            self.features = ChannelPadded(  # a HybridSequential that computes faster on a CPU
                # (N, 1, 28, 28)
                nn.Conv2D(channels=20, kernel_size=5, activation="relu"),  # (N, 20, 24, 24)
                nn.MaxPool2D(pool_size=2, strides=2),  # (N, 20, 12, 12)
                nn.Conv2D(channels=50, kernel_size=3, activation="relu", in_channels=20),  # (N, 50, 10, 10)
                nn.MaxPool2D(pool_size=2, strides=2),  # (N, 50, 5, 5)
                nn.Flatten(),  # (N, 1250)
                nn.Dense(128, activation="relu"),  # (N, 128)
            )
            self.output = nn.Dense(num_classes)  # (N, num_classes)

    def hybrid_forward(self, F, x):
        return self.output(self.features(x))
