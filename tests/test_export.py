"""Networks outside of MXNet: ONNX Runtime and MXNet's own symbol agree with the network."""

import gluon_cnn as g
import mxnet as mx
import numpy as np
import pytest
from gluon_cnn import cli, experiment
from mxnet import gluon, init, nd
from mxnet.gluon import nn

from tests.networks.test_all_networks import NETWORKS, trained

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
CASES = {
    **{
        name: (lambda make=make: make(num_classes=3), (2, 1, side, side))
        for name, (make, _, side, _) in NETWORKS.items()
    },
    **LAYERS,
}
every_case = pytest.mark.parametrize("name", CASES)


@pytest.fixture
def onnxruntime():
    pytest.importorskip("onnx")
    return pytest.importorskip("onnxruntime")


def made(name, is_trained):
    make, shape = CASES[name]
    net = make()
    net.initialize(init.Xavier())
    net.hybridize(static_alloc=True)
    X = nd.random.normal(shape=shape)
    net(X)
    if is_trained and net.collect_params():
        trained(net, X)
    return net, shape


def agree(ours, theirs):
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(theirs, ours, rtol=0, atol=1e-5 * np.abs(ours).max())


@pytest.mark.parametrize("is_trained", [False, True], ids=["random", "trained"])
@every_case
def test_onnx_runtime_agrees(name, is_trained, onnxruntime, tmp_path):
    import onnx

    version = tuple(map(int, onnxruntime.__version__.split(".")[:2]))
    if name.startswith("average pooling, ceil") and version < (1, 24):
        pytest.skip("ONNX Runtime up to 1.23, the last for Python 3.10, averages what is left over wrongly")
    net, shape = made(name, is_trained)
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
    net, shape = made(name, is_trained=True)
    files = g.export_symbol(net, tmp_path / "network", shape)
    assert [path.name for path in files] == ["network-symbol.json", "network-0000.params"]
    again = gluon.SymbolBlock.imports(str(files[0]), ["data"], str(files[1]) if net.collect_params() else None)
    X = nd.random.normal(shape=(3, *shape[1:]))
    agree(net(X).asnumpy(), again(X).asnumpy())


def test_a_trained_run_goes_out(onnxruntime, tmp_path):
    run = experiment.experiment("lenet", num_epochs=1, batch_size=500, ctx=mx.cpu(), verbose=False)
    path = g.export_onnx(run.net, tmp_path / "lenet.onnx", (1, *run.input_shape))
    session = onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    X, _ = next(iter(run.test_pictures()))
    agree(run.net(X).asnumpy(), session.run(None, {"data": X.asnumpy()})[0])


def test_what_cannot_go_out(onnxruntime, tmp_path):
    path = tmp_path / "network.onnx"
    with pytest.raises(TypeError, match="net must be a HybridBlock; got Block"):
        g.export_onnx(gluon.Block(), path, (1, 1, 28, 28))
    with pytest.raises(ValueError, match="LeNet has no weights yet: train it or load its parameters first"):
        g.export_onnx(g.LeNet(), path, (1, 1, 28, 28))
    net, shape = made("LeNet", False)
    with pytest.raises(ValueError, match="LeNet"):
        g.export_onnx(net, path, (1, 1, 5, 5))
    with pytest.raises(ValueError, match="input_shape"):
        g.export_onnx(net, path, (0, 1, 28, 28))
    half = made("LeNet", False)[0]
    half.cast("float64")
    with pytest.raises(ValueError, match="LeNet"):
        g.export_onnx(half, path, shape)
    plain = nn.Conv2D(3, 3, in_channels=2)
    plain.initialize()
    with pytest.raises(ValueError, match=r"Conv2D does not take an input of shape \(1, 1, 28, 28\)") as caught:
        g.export_onnx(plain, path, (1, 1, 28, 28))
    assert len(str(caught.value)) < 400
    assert not path.exists()
    with pytest.raises(OSError, match="could not be written"):
        g.export_onnx(net, tmp_path, shape)


def test_an_operator_that_onnx_does_not_have(onnxruntime, tmp_path):
    net = nn.HybridLambda(lambda F, x: F.gammaln(x))
    with pytest.raises(ValueError, match="HybridLambda cannot be written as ONNX: .*gammaln"):
        g.export_onnx(net, tmp_path / "network.onnx", (1, 4))


def test_by_command(onnxruntime, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    net = g.LeNet()
    net.initialize()
    X = nd.random.normal(shape=(2, 1, 28, 28))
    expected = net(X).asnumpy()
    net.save_parameters("lenet.params")
    assert cli.main(["export", "lenet", "lenet.params"]) == 0
    assert capsys.readouterr().out == "Written: lenet.onnx\n"
    (theirs,) = onnxruntime.InferenceSession("lenet.onnx").run(None, {"data": X.asnumpy()})
    agree(expected, theirs)
    assert cli.main(["export", "lenet", "lenet.params", "--format", "symbol", "--output", "out"]) == 0
    assert capsys.readouterr().out == "Written: out-symbol.json and out-0000.params\n"
    experiment.experiment("lenet", batch_size=2000, ctx=mx.cpu(), verbose=False).save("runs/first")
    assert cli.main(["export"]) == 0
    assert "Written: first.onnx" in capsys.readouterr().out
    for arguments, message in [
        (["lenet"], "name the file of lenet's parameters, too"),
        (["lenet", "nothing.params"], "there is no file nothing.params"),
        (["nin", "lenet.params"], "lenet.params is of another network, or damaged"),
        (["lenet", "lenet.params", "--classes", "3"], "lenet.params is of another network, or damaged"),
        (["lenet", "lenet.onnx"], "lenet.onnx is of another network, or damaged"),
        (["lenet5", "lenet.params"], "there is no network 'lenet5'"),
    ]:
        assert cli.main(["export", *arguments]) == 1
        assert f"gluon-cnn export: {message}" in capsys.readouterr().err


def test_without_onnx_it_says_what_to_install(monkeypatch, tmp_path):
    net, shape = made("LeNet", False)
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    with pytest.raises(ImportError, match=r'pip install "onnx>=1.15,<1.19"'):
        g.export_onnx(net, tmp_path / "network.onnx", shape)
