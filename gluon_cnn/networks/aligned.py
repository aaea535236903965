"""Convolutions padded to full blocks of channels."""

from gluon_cnn._core.startup import channel_block_size
from gluon_cnn.networks.base import HybridSequential
from mxnet.gluon import nn

KEEP_ZEROS = (nn.AvgPool2D, nn.MaxPool2D)


class ChannelPadded(HybridSequential):
    """A sequence of layers whose convolutions, when hybridized, are padded with zero channels.

    oneDNN has fast code for whole blocks of 8 channels (16 with AVX-512), but slow code for LeNet's 20 and 50. A filter
    of zeros produces a feature map of zeros, which ReLU and pooling preserve and the next convolution multiplies by
    zero; before other layers it is removed. Parameters, outputs and gradients equal those of the plain layers, up to
    rounding.
    """

    def __init__(self, *layers, **kwargs) -> None:
        super().__init__(*layers, **kwargs)
        self.padding_channels = False  # true while tracing a graph for computation, false for inspection

    def hybrid_forward(self, F, x):
        if not self.padding_channels:  # layer by layer, so that hooks see each layer's own channels
            return super().hybrid_forward(F, x)
        channels = filled = 0  # of x: real and total channels; 0 before the first convolution
        for layer in self:
            if isinstance(layer, nn.Conv2D):
                x, channels, filled = _convolve(F, layer, x, channels, filled)
                continue
            if filled > channels and not isinstance(layer, KEEP_ZEROS):
                x, filled = F.slice_axis(x, axis=1, begin=0, end=channels), channels
            x = layer(x)
        return F.slice_axis(x, axis=1, begin=0, end=channels) if filled > channels else x


def _convolve(F, layer: nn.Conv2D, x, channels: int, filled: int):
    """Return the layer's zero-padded output, and its numbers of real and total channels."""
    if channels and layer.weight.shape[1] != channels:  # MXNet cannot infer it through the padding
        raise ValueError(f"{layer.name} follows {channels} channels: pass in_channels={channels}")
    settings = dict(layer._kwargs)
    own, kernel, block = settings["num_filter"], settings["kernel"], channel_block_size()
    padded_filters = settings["num_filter"] = -(-own // block) * block
    weight, bias, dtype = layer.weight.var(), layer.bias.var(), layer.weight.dtype
    if padded_filters > own:
        weight = F.concat(weight, F.zeros((padded_filters - own, 0, *kernel), dtype=dtype), dim=0)  # MXNet infers the 0
        bias = F.concat(bias, F.zeros((padded_filters - own,), dtype=dtype), dim=0)
    if filled > channels:
        weight = F.concat(weight, F.zeros((padded_filters, filled - channels, *kernel), dtype=dtype), dim=1)
    with layer.name_scope():
        x = F.Convolution(x, weight, bias, name="fwd", **settings)
    return layer.act(x) if layer.act is not None else x, own, padded_filters
