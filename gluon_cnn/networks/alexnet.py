"""AlexNet: five convolutions, the first with large kernels and strides, and three dense layers. Lesson 06."""

from gluon_cnn._core.checked import checked
from gluon_cnn.networks.base import Network, sequential
from mxnet.gluon import nn


class AlexNet(Network):
    """AlexNet in one column, without local response normalization, as in the notes.

    ``dense_units`` is the number of outputs of each hidden dense layer.

    Source: Krizhevsky, Sutskever and Hinton, ImageNet classification with deep convolutional neural networks, 2012,
    section 3.5. The paper splits the channels between two GPUs; its network has 60 million parameters.
    """

    @checked()
    def __init__(self, num_classes: int = 10, dense_units: int = 4096, **kwargs) -> None:
        super().__init__(**kwargs)
        with self.name_scope():
            self.features = sequential(
                # (N, 1, 224, 224)
                nn.Conv2D(96, kernel_size=11, strides=4, activation="relu"),  # (N, 96, 54, 54)
                nn.MaxPool2D(pool_size=3, strides=2),  # (N, 96, 26, 26)
                nn.Conv2D(256, kernel_size=5, padding=2, activation="relu"),  # (N, 256, 26, 26)
                nn.MaxPool2D(pool_size=3, strides=2),  # (N, 256, 12, 12)
                nn.Conv2D(384, kernel_size=3, padding=1, activation="relu"),  # (N, 384, 12, 12)
                nn.Conv2D(384, kernel_size=3, padding=1, activation="relu"),  # (N, 384, 12, 12)
                nn.Conv2D(256, kernel_size=3, padding=1, activation="relu"),  # (N, 256, 12, 12)
                nn.MaxPool2D(pool_size=3, strides=2),  # (N, 256, 5, 5)
                nn.Flatten(),  # (N, 6400)
                nn.Dense(dense_units, activation="relu"),  # (N, 4096)
                nn.Dropout(0.5),
                nn.Dense(dense_units, activation="relu"),  # (N, 4096)
                nn.Dropout(0.5),
            )
            self.output = nn.Dense(num_classes)  # (N, num_classes)

    def hybrid_forward(self, F, x):
        return self.output(self.features(x))
