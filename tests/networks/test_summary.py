"""The table of a network's layers."""

import gluon_cnn as g
import numpy as np
import pytest
from mxnet import autograd, nd
from mxnet.gluon import nn


def count(net):
    return sum(int(np.prod(p.shape)) for p in net.collect_params().values())


def lenet():
    net = g.LeNet()
    net.initialize()
    return net


def test_lenet_as_counted_by_hand():
    net = lenet()
    table = g.summary(net, (2, 1, 28, 28))
    # FLOPs: products and sums of each output value, and its bias; two images
    assert [(layer.output_shape, layer.parameters, layer.flops) for layer in table.layers] == [
        ((2, 20, 24, 24), 20 * (5 * 5 + 1), 2 * 20 * 24 * 24 * (2 * 25 + 1)),
        ((2, 20, 12, 12), 0, 0),
        ((2, 50, 10, 10), 50 * (20 * 3 * 3 + 1), 2 * 50 * 10 * 10 * (2 * 180 + 1)),
        ((2, 50, 5, 5), 0, 0),
        ((2, 1250), 0, 0),
        ((2, 128), 128 * (50 * 5 * 5 + 1), 2 * 128 * (2 * 1250 + 1)),
        ((2, 10), 10 * (128 + 1), 2 * 10 * (2 * 128 + 1)),
    ]
    assert table.parameters == count(net) == 170_988


def test_groups_no_bias_transposed_and_one_dimension():
    net = nn.HybridSequential()
    net.add(
        nn.Conv2D(8, 3, groups=4, use_bias=False),
        nn.Conv2DTranspose(2, 4, strides=2, use_bias=False),
        nn.BatchNorm(),
        nn.GlobalAvgPool2D(),
        nn.Dense(3, use_bias=False),
    )
    net.initialize()
    table = g.summary(net, (1, 4, 6, 6))
    assert [layer.flops for layer in table.layers] == [
        2 * (8 * 4 * 4) * (1 * 3 * 3),
        2 * (8 * 4 * 4) * (2 * 4 * 4),
        0,
        0,
        2 * 3 * 2,
    ]
    assert table.layers[2].parameters == 4 * 2  # gamma, beta and the two moving statistics
    assert table.parameters == count(net)


def test_a_block_of_ones_own_with_an_activation_of_another_kind():
    class Scaled(nn.HybridBlock):
        def __init__(self):
            super().__init__()
            self.act = nn.LeakyReLU(0.1)
            self.scale = self.params.get("scale", shape=(1, 4))

        def hybrid_forward(self, F, x, scale):
            return self.act(F.broadcast_mul(x, scale))

    net = Scaled()
    net.initialize()
    (layer,) = g.summary(net, (1, 4)).layers
    assert (layer.kind, layer.parameters) == ("Scaled", 4)


def test_a_shared_parameter_counts_once():
    first = nn.Dense(4, in_units=4)
    net = nn.Sequential()
    net.add(first, nn.Dense(4, in_units=4, params=first.params))
    net.initialize()
    assert [layer.parameters for layer in g.summary(net, (1, 4)).layers] == [20, 0]


@pytest.mark.parametrize("hybridized", [False, True])
def test_nothing_stays_behind(hybridized):
    net = lenet()
    X = nd.random.uniform(shape=(2, 1, 28, 28))
    net(X)
    if hybridized:
        net.hybridize(static_alloc=True, static_shape=True)
    before, kept, blocks = net(X).asnumpy(), [], []
    handle = net.features[0].register_forward_hook(lambda *_: kept.append(autograd.is_recording()))
    first = repr(g.summary(net, (2, 1, 28, 28)))
    with autograd.record():
        assert repr(g.summary(net, (2, 1, 28, 28))) == first
        assert autograd.is_recording()
    handle.detach()
    assert kept == [False] * len(kept)
    net.apply(blocks.append)
    assert not any(block._forward_hooks or block._forward_pre_hooks for block in blocks)
    assert all(block._active == hybridized for block in blocks)
    assert all(p.grad_req == "write" for p in net.collect_params().values())
    np.testing.assert_array_equal(net(X).asnumpy(), before)


def test_printed_it_is_a_table():
    net = lenet()
    lines = str(g.summary(net, (1, 1, 28, 28))).splitlines()
    assert lines[0].split() == ["layer", "output", "shape", "parameters", "FLOPs"]
    assert " ".join(lines[2].split()) == "features.0 Conv2D 20, 5x5, relu (1, 20, 24, 24) 520 587,520"
    assert " ".join(lines[-1].split()) == "LeNet input (1, 1, 28, 28) 170,988 2,715,218"
    assert len(set(map(len, lines))) == 1


def test_rows_of_blocks_add_up_to_their_layers():
    net = g.GoogLeNet(10)
    net.initialize()
    net.hybridize()
    table, blocks = (g.summary(net, (2, 1, 93, 93), blocks=wanted) for wanted in (False, True))
    assert (blocks.parameters, blocks.flops) == (table.parameters, table.flops)
    inceptions = [row for row in blocks.layers if row.inner]
    assert [row.kind for row in inceptions] == ["Inception"] * 9
    assert inceptions[0].details == ("6 convolutions",)
    assert inceptions[0].output_shape == (2, 256, 11, 11)
    inner = [row for row in table.layers if row.name.startswith(f"{inceptions[0].name}.")]
    assert len(inner) == 7
    assert inceptions[0].parameters == sum(row.parameters for row in inner)
    assert inceptions[0].flops == sum(row.flops for row in inner)
    assert len(blocks.layers) == len(table.layers) - 9 * 7 + 9
    plain = g.VGG(((1, 4),), dense_units=5)
    plain.initialize()
    assert g.summary(plain, (1, 1, 8, 8), blocks=True) == g.summary(plain, (1, 1, 8, 8))
