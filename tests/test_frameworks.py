"""What docs/frameworks.md says of Gluon, and `make parity` cannot show."""

import re
import runpy
from pathlib import Path

import gluon_cnn  # noqa: F401 (before mxnet)
import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd, gluon, nd
from mxnet.gluon import nn


def test_recording_is_training():
    X, layer = nd.ones((50, 50)), nn.Dropout(0.5)
    np.testing.assert_array_equal(layer(X).asnumpy(), X.asnumpy())
    with autograd.record():
        assert set(np.unique(layer(X).asnumpy())) == {0, 2}


def test_gradients_are_written_anew():
    x = nd.array([3.0])
    x.attach_grad()
    for _ in range(2):
        with autograd.record():
            y = x * x
        y.backward()
        assert x.grad.asscalar() == 6


def test_the_trainer_divides_by_the_batch():
    net = nn.Dense(1, in_units=1, use_bias=False)
    net.initialize(mx.init.One())
    trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 1})
    with autograd.record():
        y = net(nd.ones((4, 1)))  # each of the four has the gradient 1
    y.backward()
    trainer.step(4)
    assert net.weight.data().asscalar() == 0


def test_reading_waits():
    """An error that an operator finds while it computes is raised at the first read."""
    wrong = nd.random.normal(0, -1, shape=(2,))
    with pytest.raises(mx.MXNetError):
        wrong.asnumpy()


def test_make_parity_runs_every_fragment_of_pytorch():
    """And the lessons that build something, 01 to 12, have one."""
    folder = Path(__file__).parent.parent / "benchmarks" / "parity"
    lessons = runpy.run_path(str(folder / "fragments.py"))["fragments"]()
    tests = re.findall(r"^def test_lesson_(\d\d)\(", (folder / "test_fragments.py").read_text(), re.MULTILINE)
    assert tests == sorted(lessons)
    assert {f"{number:02}" for number in range(1, 13)} <= lessons.keys()
