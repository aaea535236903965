"""Each figure of the notes in claims.yaml comes out, and their functions are called as they call them."""

import ast
import contextlib
import inspect
import io
from pathlib import Path

import gluon_cnn as g
import numpy as np
import pytest
import yaml
from gluon_cnn.layers.normalization import RGB_MEAN, RGB_STD
from mxnet import autograd, gluon, nd
from mxnet.gluon import nn

CLAIMS = yaml.safe_load((Path(__file__).parent / "claims.yaml").read_text())
SIGNATURES = (Path(__file__).parent / "signatures.txt").read_text().splitlines()

HAND = nd.array([[1, 2], [3, 6], [5, 10]])
TWELVE = nd.arange(1, 13).reshape((4, 3))
POINTS = np.linspace(-8, 8, 161)


def shapes(layers, shape):
    """Return the shape behind each layer of a stack."""
    X, found = nd.ones(shape), []
    for layer in layers if isinstance(layers, list) else [layers]:
        layer.initialize()
        X = layer(X)
        found.append(X.shape)
    return found


def printed_shapes(net, shape):
    """Return the shapes that a network prints of its blocks."""
    net.initialize()
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        net(nd.zeros(shape))
    return [list(ast.literal_eval(line.split(": ")[1])) for line in printed.getvalue().splitlines()]


def weighted_layers(net, shape):
    """Count convolutions and dense layers."""
    net.initialize()
    return sum(layer.kind in ("Conv2D", "Dense") for layer in g.summary(net, shape).layers)


def weight_shape(layer, shape):
    shapes(layer, shape)
    return layer.weight.shape


def edge_response():
    """A picture with an edge between columns 29 and 30, looked at through the kernel [1, 0, -1]."""
    X = nd.zeros((50, 50))
    X[:, :30] = 1
    return g.corr2d(X, nd.array([[1, 0, -1]])).asnumpy()


def sigmoid_gradient():
    x = nd.array(POINTS)
    x.attach_grad()
    with autograd.record():
        y = x.sigmoid()
    y.backward()
    return x.grad.asnumpy()


def normalized(colour):
    """The mean colour of a photo that has this one colour, after the usual normalization of RGB pictures."""
    photo = nd.array(colour).reshape((3, 1, 1)).tile((1, 4, 5))
    return gluon.data.vision.transforms.Normalize(RGB_MEAN, RGB_STD)(photo).mean(axis=(1, 2))


def running_statistics():
    """One training step, forward and backward, of the package's block and of Gluon's."""
    X = nd.random.uniform(shape=(100, 16, 784, 1))
    found = []
    for block in (g.BatchNorm(), nn.BatchNorm()):
        block.initialize()
        with autograd.record():
            y = block(X)
        y.backward()
        found.append([block.running_mean.data().asnumpy(), block.running_var.data().asnumpy()])
    return np.stack(found, axis=1)


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim["id"])
def test_claim(claim):
    got = eval(claim["call"])
    if "expect_equal" in claim:  # text, or lists of different lengths
        assert got == claim["expect_equal"]
        return
    got = np.asarray(got.asnumpy() if isinstance(got, nd.NDArray) else got)
    if "expect_all" in claim:
        assert got.size
        expected = np.full(got.shape, claim["expect_all"])
    else:
        expected = np.asarray(claim["expect"])
        assert got.shape == expected.shape
    np.testing.assert_allclose(got, expected, rtol=claim.get("rtol", 0), atol=claim.get("atol", 0))


def test_each_claim_has_a_name_of_its_own():
    names = [claim["id"] for claim in CLAIMS]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("signature", SIGNATURES)
def test_a_signature_of_the_notes(signature):
    """Names, order and defaults are theirs; of more parameters each has a default."""
    name, expected = signature[:-1].split("(", 1)
    found = inspect.signature(getattr(g, name))
    parameters = [p.replace(annotation=p.empty) for p in found.parameters.values() if p.kind is not p.VAR_KEYWORD]
    count = len(ast.parse(f"def f({expected}): 0").body[0].args.args)
    assert ", ".join(map(str, parameters[:count])) == expected
    assert all(p.default is not p.empty for p in parameters[count:])
