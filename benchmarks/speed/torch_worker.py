"""The same network in PyTorch, eager or with the channels last in memory."""

from __future__ import annotations

import io
import json
import sys
import time
from collections.abc import Callable

from worker import serve  # first: it keeps standard output free

SETTINGS = json.loads(sys.argv[1])

import numpy as np  # noqa: E402
import torch  # noqa: E402
from torch_networks import NETWORKS  # noqa: E402

torch.set_num_threads(SETTINGS["threads"])
state: dict = {}


def make(network: str, side: int, batch_size: int, weights: str) -> None:
    """Make the network with the weights in that file, and its batch."""
    file = np.load(weights)
    X, y = torch.tensor(file["X"]), torch.tensor(file["y"].astype(np.int64))
    net = NETWORKS[network]().eval()
    with torch.no_grad():
        net(X)  # gives layers that were left open their shape
        mine = [value for name, value in net.state_dict().items() if not name.endswith("num_batches_tracked")]
        theirs = [file[name] for name in file.files if name.startswith("arr_")]
        if [tuple(a.shape) for a in mine] != [a.shape for a in theirs]:
            raise ValueError(f"{network}: the layers' shapes differ")
        for a, b in zip(mine, theirs):
            a.copy_(torch.tensor(b))
    if SETTINGS.get("channels_last"):
        net, X = net.to(memory_format=torch.channels_last), X.to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    state.update(net=net, X=X, y=y, optimizer=optimizer, loss=torch.nn.CrossEntropyLoss())
    if SETTINGS.get("onnx"):
        state["net"] = in_onnxruntime(net, X)


def in_onnxruntime(net: torch.nn.Module, X: torch.Tensor) -> Callable[[torch.Tensor], torch.Tensor]:
    """Return the network as ONNX Runtime computes it."""
    import onnxruntime

    file = io.BytesIO()
    torch.onnx.export(net, (X,), file, dynamo=False)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = SETTINGS["threads"]
    session = onnxruntime.InferenceSession(file.getvalue(), options, providers=["CPUExecutionProvider"])
    (name,) = (argument.name for argument in session.get_inputs())
    return lambda X: torch.from_numpy(session.run(None, {name: X.numpy()})[0])


def outputs(file: str) -> None:
    """Write what the network predicts for the batch."""
    with torch.no_grad():
        np.save(file, state["net"](state["X"]).numpy())


def train(steps: int) -> float:
    """Return images a second."""
    net, X, y, loss, optimizer = (state[name] for name in ("net", "X", "y", "loss", "optimizer"))
    net.train()
    start, total = time.perf_counter(), 0.0
    for _ in range(steps):
        optimizer.zero_grad(set_to_none=True)
        output = net(X)
        value = loss(output, y)
        value.backward()
        optimizer.step()
        total += value.item() + (output.detach().argmax(dim=1) == y).sum().item()
    seconds = time.perf_counter() - start
    net.eval()
    return len(y) * steps / seconds


def predict(steps: int) -> float:
    """Return images a second."""
    net, X = state["net"], state["X"]
    with torch.inference_mode():
        start = time.perf_counter()
        for _ in range(steps):
            net(X)
        return len(X) * steps / (time.perf_counter() - start)


serve({"make": make, "outputs": outputs, "train": train, "predict": predict})
