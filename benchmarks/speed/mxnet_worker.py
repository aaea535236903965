"""A network of the course, trained as `gluon_cnn.train` does it."""

from __future__ import annotations

import ctypes
import json
import sys
import time

from gluon_cnn._core import startup
from worker import serve  # first: it keeps standard output free

SETTINGS = json.loads(sys.argv[1])

import gluon_cnn as g  # noqa: E402
import mxnet as mx  # noqa: E402
import numpy as np  # noqa: E402
from gluon_cnn.deploy.fusion import fused  # noqa: E402
from gluon_cnn.deploy.int8 import quantize  # noqa: E402
from gluon_cnn.networks.registry import NETWORKS  # noqa: E402
from mxnet import autograd, gluon, init, nd  # noqa: E402

if SETTINGS.get("callers_team"):  # as MXNet leaves it
    ctypes.CDLL("libgomp.so.1").omp_set_num_threads(startup.available_cores())
state: dict = {}


def make(network: str, side: int, batch_size: int, weights: str) -> dict:
    """Make the network and a batch; write the weights in the order of the layers. Return the work for an image."""
    g.seed(0)
    if "block" in SETTINGS:
        startup.channel_block_size = lambda: SETTINGS["block"]
    net = NETWORKS[network](num_classes=10)
    net.initialize(init.Xavier())
    X = nd.random.uniform(shape=(batch_size, 1, side, side))
    y = nd.random.randint(0, 10, shape=(batch_size,))
    net(X[:1]).wait_to_read()  # mxnet may still be rearranging the weights that this reads
    if weights:
        arrays = [p.data().asnumpy() for p in net.collect_params().values()]
        np.savez(weights, *arrays, X=X.asnumpy(), y=y.asnumpy())
    flops = g.summary(net, (1, *X.shape[1:])).flops
    loss = gluon.loss.SoftmaxCrossEntropyLoss()
    trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.01})
    if SETTINGS.get("int8"):
        net = quantize(net, [(X, y)])
    elif SETTINGS.get("fused"):  # as `Run.predict`
        net = fused(net, X)
    elif SETTINGS.get("hybridize", True):
        net.hybridize(static_alloc=True)  # as in `gluon_cnn.experiments.experiment`
        loss.hybridize(static_alloc=True)
    if SETTINGS.get("callers_team"):
        nd.ones((1000, 1000)).asnumpy()  # a copy large enough for a team
    state.update(net=net, X=X, y=y, trainer=trainer, loss=loss)
    return {"flops": flops}


def outputs(file: str) -> None:
    """Write what the network predicts for the batch."""
    np.save(file, state["net"](state["X"]).asnumpy())


def train(steps: int) -> float:
    """Return images a second."""
    batches = [(state["X"], state["y"])] * steps
    if SETTINGS.get("loop") == "notes":
        return len(state["y"]) * steps / notes_loop(batches)
    names = ("net", "loss", "trainer")
    history = g.train(batches, batches[:1], *(state[name] for name in names), mx.cpu(), 1, verbose=False)
    return history.images_per_second[0]


def notes_loop(batches: list) -> float:
    """Train as the notes print it: a value is read after each batch."""
    net, loss, trainer = state["net"], state["loss"], state["trainer"]
    start, total = time.perf_counter(), 0.0
    for X, y in batches:
        with autograd.record():
            output = net(X)
            value = loss(output, y)
        value.backward()
        trainer.step(len(y))
        total += value.mean().asscalar() + (output.argmax(axis=1) == y.astype("float32")).mean().asscalar()
    return time.perf_counter() - start


def predict(steps: int) -> float:
    """Return images a second."""
    net, X = state["net"], state["X"]
    start = time.perf_counter()
    for _ in range(steps):
        net(X).wait_to_read()
    return len(X) * steps / (time.perf_counter() - start)


def sgemm(size: int = 1024, times: int = 20) -> float:
    """Return the rate of a product of two square matrices, in GFLOP/s."""
    a, b = nd.random.uniform(shape=(2, size, size))
    nd.dot(a, b).wait_to_read()
    start = time.perf_counter()
    for _ in range(times):
        nd.dot(a, b).wait_to_read()
    return 2 * size**3 * times / (time.perf_counter() - start) / 1e9


serve({"make": make, "outputs": outputs, "train": train, "predict": predict, "sgemm": sgemm})
