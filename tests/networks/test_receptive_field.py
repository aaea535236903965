"""The receptive field of a stack of layers and of a network is what a gradient reaches."""

import gluon_cnn as g
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mxnet import autograd, nd
from mxnet.gluon import nn
from mxnet.gluon.contrib.nn import HybridConcurrent


@given(st.lists(st.tuples(st.integers(1, 4), st.integers(1, 3)), max_size=4))
def test_the_receptive_field_is_what_a_gradient_reaches(layers):
    field = g.receptive_field(layers)
    size = field + 20
    x = nd.ones((1, 1, 1, size))
    x.attach_grad()
    with autograd.record():
        y = x
        for kernel, stride in layers:
            ones = nd.ones((1, 1, 1, kernel))
            y = nd.Convolution(y, ones, no_bias=True, kernel=(1, kernel), stride=(1, stride), num_filter=1)
        y = y[0, 0, 0, 0]
    y.backward()
    # with stride > kernel some pixels in between are skipped, so count from the first to the last one reached
    reached = np.flatnonzero(x.grad.asnumpy())
    assert reached[-1] - reached[0] + 1 == field


STAGE = [(3, 2), (3, 1), (3, 1), (3, 1)]  # two residual blocks, the first with a stride


@pytest.mark.parametrize(
    ("net", "longest_path"),
    [
        (g.LeNet(), [(5, 1), (2, 2), (3, 1), (2, 2)]),
        (g.AlexNet(), [(11, 4), (3, 2), (5, 1), (3, 2), *[(3, 1)] * 3, (3, 2)]),
        (g.VGG(g.VGG11), [(3, 1), (2, 2)] * 2 + [(3, 1), (3, 1), (2, 2)] * 3),
        (g.NiN(), [(11, 4), (3, 2), (5, 1), (3, 2), (3, 1), (3, 2), (3, 1)]),
        (
            g.GoogLeNet(10),
            [(7, 2), (3, 2), (3, 1), (3, 2), *[(5, 1)] * 2, (3, 2), *[(5, 1)] * 5, (3, 2), *[(5, 1)] * 2, (2, 2)],
        ),
        (g.ResNet(10), [(7, 2), (3, 2), *[(3, 1)] * 4, *STAGE * 3, (3, 3)]),
        (
            g.DenseNet(block_layers=(2, 3)),
            [(7, 2), (3, 2), *[(3, 1)] * 2, (2, 2), *[(3, 1)] * 3],
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_receptive_field_of_a_network_is_that_of_its_longest_path(net, longest_path):
    assert g.receptive_field(net) == g.receptive_field(longest_path)


def test_the_receptive_field_of_paths_that_meet_is_what_a_gradient_reaches():
    def conv(kernel, stride=1, dilation=1):
        padding = dilation * (kernel - 1) // 2
        return nn.Conv2D(2, kernel, stride, padding, dilation, weight_initializer="ones")

    paths, net = HybridConcurrent(axis=1), nn.HybridSequential()
    paths.add(conv(1), conv(3, dilation=2), nn.AvgPool2D(3, strides=1, padding=1))
    net.add(conv(3, stride=2), paths, conv(3))
    net.initialize()
    x = nd.ones((1, 1, 41, 41))
    x.attach_grad()
    with autograd.record():
        y = net(x)[0, 0, 10, 10]
    y.backward()
    reached = np.flatnonzero(x.grad.asnumpy().sum(axis=(0, 1, 2)))
    assert g.receptive_field(net) == reached[-1] - reached[0] + 1 == 3 + 2 * 4 + 2 * 2
