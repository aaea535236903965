"""Networks outside of MXNet: ONNX Runtime and MXNet's own symbol agree with the network."""

import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import gluon_cnn as g
import mxnet as mx
import numpy as np
import pytest
from gluon_cnn.cli import main as cli
from gluon_cnn.deploy import export
from gluon_cnn.experiments import experiment
from gluon_cnn.networks.registry import NETWORKS
from mxnet import autograd, gluon, init, nd
from mxnet.gluon import nn

from tests.networks.small import ROWS, small
from tests.test_wrong_input import refused

LAYERS = {
    "BatchNorm": (lambda: g.BatchNorm(), (2, 3, 8, 8)),
    "BatchNorm of vectors": (lambda: g.BatchNorm(), (2, 3)),
    "average pooling that counts padding": (lambda: nn.AvgPool2D(3, 2, 1), (2, 3, 9, 10)),
    "average pooling that does not": (lambda: nn.AvgPool2D(3, 2, 1, count_include_pad=False), (2, 3, 9, 10)),
    "max pooling, ceil": (lambda: nn.MaxPool2D(3, 2, ceil_mode=True), (2, 3, 10, 10)),
    "average pooling, ceil": (lambda: nn.AvgPool2D(3, 2, ceil_mode=True), (2, 3, 10, 10)),
    "average pooling, ceil with padding": (lambda: nn.AvgPool2D(3, 2, 1, ceil_mode=True), (2, 3, 10, 10)),
    "global average pooling": (lambda: nn.GlobalAvgPool2D(), (2, 3, 8, 8)),
    "dropout": (lambda: nn.Dropout(0.5), (2, 3, 8, 8)),
}
CASES = {name: (partial(small, name), (2, 1, ROWS[name].side, ROWS[name].side)) for name in NETWORKS}
CASES |= LAYERS
every_case = pytest.mark.parametrize("name", CASES)


@pytest.fixture
def onnxruntime():
    pytest.importorskip("onnx")
    return pytest.importorskip("onnxruntime")


def made(name):
    """Return a trained network, none of whose parameters has its initial value, and its input shape."""
    make, shape = CASES[name]
    net = make()
    net.initialize(init.Xavier())
    net.hybridize(static_alloc=True)
    X = nd.random.normal(shape=shape)
    net(X)
    for p in net.collect_params().values():
        if p.name.endswith(("gamma", "var")):
            p.set_data(nd.random.uniform(0.5, 1.5, p.shape))
        elif p.name.endswith(("beta", "mean", "bias")):
            p.set_data(nd.random.uniform(0, 0.3, p.shape))  # NiN ends with ReLU, and should not answer with zeros
    learned = [p for p in net.collect_params().values() if p.grad_req != "null"]
    if learned:
        before = [p.data().copy() for p in learned]
        trainer = gluon.Trainer(learned, "adam")  # its first steps move every weight by about as much
        for _ in range(3):
            with autograd.record():
                loss = (net(X) - 1) ** 2
            loss.backward()
            trainer.step(len(X))
        nd.waitall()  # who reads weights while mxnet still computes may crash, see docs/errata.md
        for p, values in zip(learned, before):
            assert np.isfinite(p.data().asnumpy()).all()
            # a bias in front of batch norm does not matter
            assert p.name.endswith("bias") or (p.data() != values).asnumpy().any(), p.name
    return net, shape


def agree(ours, theirs):
    assert ours.shape == theirs.shape
    assert ours.any()
    np.testing.assert_allclose(theirs, ours, rtol=0, atol=1e-5 * np.abs(ours).max())


@every_case
def test_onnx_runtime_agrees(name, onnxruntime, tmp_path):
    import onnx

    version = tuple(map(int, onnxruntime.__version__.split(".")[:2]))
    if name.startswith("average pooling, ceil") and version < (1, 24):
        pytest.skip("ONNX Runtime up to 1.23, the last for Python 3.10, averages what is left over wrongly")
    net, shape = made(name)
    before = {p.name: p.data().asnumpy() for p in net.collect_params().values()}
    path = g.export_onnx(net, tmp_path / "network.onnx", shape)
    assert path == tmp_path / "network.onnx"
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", 13)]
    assert model.ir_version == 7  # of that opset; ONNX Runtime 1.19 refuses what onnx 1.18 would write
    assert [value.name for value in model.graph.input] == ["data"]
    session = onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    for pictures in (1, 2, 5):
        X = nd.random.normal(shape=(pictures, *shape[1:]))
        (theirs,) = session.run(["scores"], {"data": X.asnumpy()})
        agree(net(X).asnumpy(), theirs)
    for p in net.collect_params().values():
        np.testing.assert_array_equal(p.data().asnumpy(), before[p.name])


@pytest.mark.filterwarnings("ignore:.*Cannot decide type:UserWarning")  # mxnet's own, of the symbol's input
@every_case
def test_the_symbol_agrees(name, tmp_path):
    net, shape = made(name)
    files = g.export_symbol(net, tmp_path / "network", shape)
    assert [path.name for path in files] == ["network-symbol.json", "network-0000.params"]
    again = gluon.SymbolBlock.imports(str(files[0]), ["data"], str(files[1]) if net.collect_params() else None)
    X = nd.random.normal(shape=(3, *shape[1:]))
    agree(net(X).asnumpy(), again(X).asnumpy())


def lost(plain, part):
    """Return a converter that writes parameters of one kind with their initial values."""

    def converter(*arguments):
        symbol, parameters = plain(*arguments)
        start = nd.ones_like if part in ("gamma", "running_var") else nd.zeros_like
        return symbol, {k: start(value) if k.endswith(part) else value for k, value in parameters.items()}

    return converter


STATISTICS = [("BatchNorm", part) for part in ("gamma", "beta", "running_mean", "running_var")]


@pytest.mark.filterwarnings("ignore:.*Cannot decide type:UserWarning")
@pytest.mark.parametrize(("name", "part"), [*STATISTICS, ("lenet", "bias")])
def test_a_converter_that_loses_parameters_is_noticed(name, part, onnxruntime, tmp_path, monkeypatch):
    net, shape = made(name)
    monkeypatch.setattr(export, "_trace", lost(export._trace, part))
    files = g.export_symbol(net, tmp_path / "network", shape)
    X = nd.random.normal(shape=shape)
    with pytest.raises(AssertionError):
        agree(net(X).asnumpy(), gluon.SymbolBlock.imports(str(files[0]), ["data"], str(files[1]))(X).asnumpy())
    with pytest.raises(ValueError, match="ONNX: .*ONNX Runtime .* computes different scores"):
        g.export_onnx(net, tmp_path / "network.onnx", shape)


def test_what_cannot_go_out(onnxruntime, tmp_path):
    """Besides the rows of tests/test_wrong_input.py."""
    path, (net, shape) = tmp_path / "network.onnx", made("lenet")
    with pytest.raises(ValueError, match="LeNet"):
        g.export_onnx(net, path, (1, 1, 5, 5))
    half = made("lenet")[0]
    half.cast("float64")
    with pytest.raises(ValueError, match="LeNet computes with float64; only float32"):
        g.export_onnx(half, path, shape)
    plain = nn.Conv2D(3, 3, in_channels=2)
    plain.initialize()
    with pytest.raises(ValueError, match=r"Conv2D does not take an input of shape \(1, 1, 28, 28\)") as caught:
        g.export_onnx(plain, path, (1, 1, 28, 28))
    refused(caught.value)
    assert not path.exists()
    with pytest.raises(OSError, match="could not be written"):
        g.export_onnx(net, tmp_path, shape)


class Two(nn.HybridBlock):
    def hybrid_forward(self, F, x):
        return x, 2 * x


NOT_FOR_ONNX = {  # (network, shape of its input, what the error says)
    "no such operator": (lambda: nn.HybridLambda(lambda F, x: F.gammaln(x)), (1, 4), "gammaln"),
    "written wrongly": (
        lambda: nn.HybridLambda(lambda F, x: F.LRN(x, nsize=3)),
        (2, 4, 6, 6),
        "computes different scores",
    ),
    "means": (lambda: nn.HybridLambda(lambda F, x: F.mean(x, axis=(2, 3))), (2, 3, 4, 4), "ReduceMean"),
    "layer norm": (lambda: nn.LayerNorm(in_channels=4), (2, 4), "ReduceMean"),
    "channels last": (lambda: nn.BatchNorm(-1, in_channels=4), (2, 5, 5, 4), "axis"),
    "dropout in prediction": (lambda: nn.HybridLambda(lambda F, x: F.Dropout(x, mode="always")), (2, 4), "Dropout"),
    "adaptive pooling": (
        lambda: nn.HybridLambda(lambda F, x: F.contrib.AdaptiveAvgPooling2D(x, output_size=2)),
        (2, 3, 8, 8),
        "AdaptiveAvgPooling2D",
    ),
    "one size of a batch": (lambda: nn.HybridLambda(lambda F, x: F.reshape(x, (2, 4))), (2, 4), ""),
    "two outputs": (Two, (2, 4), "several outputs"),
    **{
        str(value): (
            lambda value=value: nn.Dense(2, in_units=4, weight_initializer=init.Constant(value)),
            (2, 4),
            "weight contains NaN or infinity",
        )
        for value in (np.nan, np.inf)
    },
}


@pytest.mark.parametrize(("net", "shape", "words"), NOT_FOR_ONNX.values(), ids=NOT_FOR_ONNX)
def test_what_cannot_be_written_as_onnx(net, shape, words, onnxruntime, tmp_path):
    net = net()
    net.initialize()
    with pytest.raises(ValueError, match=f"{type(net).__name__} cannot be written as ONNX: .*{words}") as caught:
        g.export_onnx(net, tmp_path / "network.onnx", shape)
    refused(caught.value)
    assert not list(tmp_path.iterdir())


def test_two_outputs_are_no_symbol(tmp_path):
    with pytest.raises(ValueError, match="Two cannot be written as a symbol: it has several outputs, not one"):
        g.export_symbol(Two(), tmp_path / "two", (2, 4))


def test_without_onnx_runtime_nothing_is_compared(tmp_path, monkeypatch):
    pytest.importorskip("onnx")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    net, shape = made("lenet")
    assert g.export_onnx(net, tmp_path / "network.onnx", shape).exists()


def test_without_onnx_it_says_what_to_install(monkeypatch, tmp_path):
    net, shape = made("lenet")
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match="pip install onnx onnxruntime"):
        g.export_onnx(net, tmp_path / "network.onnx", shape)


FULL_DISK = """
import resource, sys
sys.path.insert(0, sys.argv[2])
import gluon_cnn as g
from mxnet import nd
net = g.LeNet()
net.initialize()
net(nd.zeros((1, 1, 28, 28)))
files = g.export_symbol(net, sys.argv[1], (1, 1, 28, 28))
before = [path.read_bytes() for path in files]
net.output.bias.set_data(nd.ones(10))
for left in (0, 1, 5000, 100_000):
    size = len(before[1]) - left
    resource.setrlimit(resource.RLIMIT_FSIZE, (size if left else 0, resource.RLIM_INFINITY))
    try:
        g.export_symbol(net, sys.argv[1], (1, 1, 28, 28))
    except OSError as error:
        print(error)
    assert [path.read_bytes() for path in files] == before
"""


def test_a_full_disk_leaves_what_was_there(tmp_path):
    command = [sys.executable, "-c", FULL_DISK, str(tmp_path / "lenet"), str(Path(__file__).parents[2])]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    first, *others = done.stdout.splitlines()
    assert "lenet-symbol.json could not be written: File too large" in first
    assert len(others) == 3
    assert all("lenet-0000.params could not be written: File too large" in line for line in others)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lenet-0000.params", "lenet-symbol.json"]


@pytest.mark.parametrize("which", [0, 1])
def test_neither_file_is_replaced_when_the_other_cannot_be(which, tmp_path):
    net, shape = made("lenet")
    files = g.export_symbol(net, tmp_path / "lenet", shape)
    before = [path.read_bytes() for path in files]
    (tmp_path / f"{files[which].name}.{os.getpid()}.part").mkdir()  # nothing can be written beside its name
    with pytest.raises(OSError, match="Is a directory"):
        g.export_symbol(made("lenet")[0], tmp_path / "lenet", shape)
    assert [path.read_bytes() for path in files] == before


def test_by_command(onnxruntime, tmp_path, monkeypatch, capsys, refused_command):
    monkeypatch.chdir(tmp_path)
    net = g.LeNet()
    net.initialize()
    X = nd.random.normal(shape=(2, 1, 28, 28))
    expected = net(X).asnumpy()
    net.save_parameters("lenet.params")
    assert cli.main(["export", "lenet", "lenet.params"]) == 0
    assert capsys.readouterr().out == "Saved to lenet.onnx\n"
    (theirs,) = onnxruntime.InferenceSession("lenet.onnx").run(None, {"data": X.asnumpy()})
    agree(expected, theirs)
    assert cli.main(["export", "lenet", "lenet.params", "--format", "symbol", "--output", "out"]) == 0
    assert capsys.readouterr().out == "Saved to out-symbol.json and out-0000.params\n"
    experiment.experiment("lenet", batch_size=2000, ctx=mx.cpu(), verbose=False).save("runs/first")
    assert cli.main(["export"]) == 0
    assert "Saved to first.onnx" in capsys.readouterr().out
    stored = onnxruntime.InferenceSession("first.onnx").get_modelmeta().custom_metadata_map
    assert json.loads(stored["classes"]) == g.fashion_mnist_labels(range(10))
    assert [json.loads(stored[name]) for name in ("input_shape", "divisor", "mean", "std")] == [
        [1, 28, 28],
        255,
        [0],
        [1],
    ]
    for arguments, message in [
        (["lenet"], "pass the file of lenet's parameters, too"),
        (["lenet", "nothing.params"], "there is no file nothing.params"),
        (["nin", "lenet.params"], "lenet.params does not fit NiN: the file lacks features.0.0.weight"),
        (
            ["lenet", "lenet.params", "--classes", "3"],
            "lenet.params does not fit LeNet: output.weight is float32 (3, ?), in the",
        ),
        (["lenet", "lenet.onnx"], "lenet.onnx is an ONNX model, not MXNet parameters: pass"),
        (["lenet5", "lenet.params"], "there is no network 'lenet5'"),
    ]:
        refused_command(f"gluon-cnn export: {message}", "export", *arguments)
