"""Parameters from files, whichever of MXNet's functions wrote them; another file is named for what it is."""

import io
import json
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path

import gluon_cnn as g
import mxnet as mx
import numpy as np
import pytest
from gluon_cnn.networks.loading import load_weights
from gluon_cnn.networks.registry import NETWORKS
from mxnet import nd
from mxnet.gluon import nn

from tests.networks.small import ROWS, small


def own():
    net = nn.HybridSequential()
    for width in (4, 4, 6):  # layers made outside of a name scope are numbered through
        net.add(nn.Conv2D(width, 3, padding=1), nn.BatchNorm(), nn.Activation("relu"))
    net.add(nn.Dense(3))
    return net


class Shared(nn.HybridBlock):
    """Two layers with one weight."""

    def __init__(self):
        super().__init__()
        with self.name_scope():
            self.first = nn.Dense(4, in_units=4)
            self.second = nn.Dense(4, in_units=4, params=self.first.params)
            self.third = nn.Dense(2, in_units=4)

    def hybrid_forward(self, F, x):
        return self.third(self.second(self.first(x)))


MAKE = {
    **{name: lambda name=name: small(name) for name in NETWORKS},
    "own": own,
    "shared": Shared,
}


def shape_for(name):
    side = ROWS[name].side if name in ROWS else 28
    return (2, 4) if name == "shared" else (2, 1, side, side)


def made(name):
    net = MAKE[name]()
    net.initialize(mx.init.Uniform(0.5))
    net(nd.zeros(shape_for(name)))
    for parameter in net.collect_params().values():  # batch norm's, too, which begin alike
        parameter.set_data(nd.random.uniform(0.1, 1, parameter.shape))
    return net


def without_prefix(net, path):
    net.collect_params().save(str(path), net.prefix if net.prefix in next(iter(net.collect_params())) else "")


WAYS = {
    "save_parameters": lambda net, path: net.save_parameters(str(path)),
    "deduplicated": lambda net, path: net.save_parameters(str(path), deduplicate=True),
    "collect_params().save": lambda net, path: net.collect_params().save(str(path)),
    "collect_params().save without the prefix": without_prefix,
    "export_symbol": lambda net, path: g.export_symbol(net, path.with_name("net"), net.shape)[1].rename(path),
    "hybridize and export": lambda net, path: exported(net, path.with_name("net")).rename(path),
}


def exported(net, path):
    net.hybridize()
    net(nd.zeros(net.shape))
    net.export(str(path))
    return Path(f"{path}-0000.params")


EACH_WAY = [(name, way) for name in ("own", "shared", "resnet") for way in WAYS]


@pytest.mark.parametrize(("name", "way"), EACH_WAY + [(name, "export_symbol") for name in NETWORKS])
def test_every_way_of_writing_is_read(name, way, tmp_path):  # 28b, 43b
    net = made(name)
    net.shape = shape_for(name)
    path = tmp_path / "net.params"
    WAYS[way](net, path)
    others = [MAKE[name]() for _ in range(3)]  # layers' numbers go on
    for other in (others[0], others[2]):
        load_weights(other, path, mx.cpu())
    for place, parameter in net._collect_params_with_prefix().items():
        for other in (others[0], others[2]):
            found = other._collect_params_with_prefix()[place].data().asnumpy()
            np.testing.assert_array_equal(found, parameter.data().asnumpy(), err_msg=place)


def test_the_ninth_layer_and_the_tenth_are_in_their_order(tmp_path):
    def deep():
        net = nn.HybridSequential()
        net.add(*[nn.Dense(4, in_units=4) for _ in range(12)])
        net.initialize(mx.init.Uniform(0.5))
        return net

    nets = [deep() for _ in range(2)]
    nets[0].collect_params().save(str(tmp_path / "deep.params"))
    load_weights(nets[1], tmp_path / "deep.params", mx.cpu())
    for mine, theirs in zip(*nets):
        np.testing.assert_array_equal(mine.weight.data().asnumpy(), theirs.weight.data().asnumpy())


def lenet(tmp_path, change):
    """Return the file of a LeNet whose arrays were changed."""
    made("lenet").save_parameters(str(tmp_path / "whole.params"))
    arrays = nd.load(str(tmp_path / "whole.params"))
    change(arrays)
    nd.save(str(tmp_path / "net.params"), arrays)
    return tmp_path / "net.params"


CHANGES = {
    "lacks": (lambda d: d.pop("output.weight"), "does not fit LeNet: the file lacks output.weight"),
    "more": (lambda d: d.update({"extra.weight": nd.ones(2)}), "the file also contains extra.weight"),
    "shape": (
        lambda d: d.update({"output.weight": nd.ones((5, 500))}),
        "output.weight is float32 (3, ?), in the file float32 (5, 500)",
    ),
    "type": (
        lambda d: d.update({"output.bias": nd.ones(3, dtype="float64")}),
        "output.bias is float32 (3), in the file float64 (3)",
    ),
    "another network": (lambda d: (d.clear(), d.update(a=nd.ones(2))), "the file lacks features.0.weight"),
}


@pytest.mark.parametrize(("change", "words"), CHANGES.values(), ids=CHANGES)
def test_what_does_not_fit_is_named_and_changes_nothing(change, words, tmp_path):
    path = lenet(tmp_path, change)
    net = made("lenet")
    before = {name: p.data().asnumpy() for name, p in net.collect_params().items()}
    for each in (MAKE["lenet"](), net):
        with pytest.raises(ValueError, match="does not fit LeNet") as caught:
            load_weights(each, path, mx.cpu())
        assert words.replace("?", "128" if each is net else "?") in str(caught.value)
        assert str(caught.value).startswith(str(path))
    for name, p in net.collect_params().items():
        np.testing.assert_array_equal(p.data().asnumpy(), before[name])


def test_a_network_elsewhere_is_named(tmp_path):
    path = lenet(tmp_path, lambda d: None)
    net = MAKE["lenet"]()
    net.initialize(ctx=mx.cpu(1))
    with pytest.raises(ValueError, match=r"LeNet is on cpu\(1\); .*net.params .* cpu\(0\): pass ctx="):
        load_weights(net, path, mx.cpu())
    load_weights(net, path, [mx.cpu(1)])
    assert net.output.weight.list_ctx() == [mx.cpu(1)]


def zipped(**files):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "/").replace("_", "."), content)
    return file.getvalue()


def arrays(**kwargs):
    file = io.BytesIO()
    np.savez(file, **kwargs)
    return file.getvalue()


def array():
    file = io.BytesIO()
    np.save(file, np.ones(3))
    return file.getvalue()


FILES = {
    "text file": b"hello\nworld\n",
    "the graph of a network": json.dumps({"nodes": []}).encode(),
    "zip archive": zipped(a_txt="b"),
    "PyTorch file": zipped(archive__data_pkl="", archive__data__0="0"),
    "PyTorch file, ": b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M",
    "safetensors file": b'\x40\0\0\0\0\0\0\0{"weight":{"dtype":"F32"',
    "pickle of Python objects": pickle.dumps({"a": 1}),
    "archive of NumPy arrays": arrays(a=np.ones(3)),
    "NumPy array": array(),
    "ONNX model": b"\x08\x07\x12\x05MXNet",
    "HDF5 file, such as Keras writes": b"\x89HDF\r\n\x1a\n\0\0\0",
    "gzip file": b"\x1f\x8b\x08\0\0\0",
    "image": b"\x89PNG\r\n\x1a\n\0",
    "file of an unknown type": bytes(range(255, 100, -1)),
}
REMEDIES = {
    "the graph of a network": ": pass the .params file",
    "PyTorch file": ": read it with",
    "safetensors file": ": read it",
    "gzip file": ": unpack it first",
}


@pytest.mark.parametrize("kind", FILES)
def test_other_files_are_named_for_what_they_are(kind, tmp_path):
    path = tmp_path / "my weights.params"
    path.write_bytes(FILES[kind])
    with pytest.raises(ValueError, match=f"{path} is (an? )?{kind}") as caught:
        load_weights(g.LeNet(), path, mx.cpu())
    assert f", not MXNet parameters{REMEDIES.get(kind, '')}" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_parameters_that_are_not_whole(tmp_path):
    path = lenet(tmp_path, lambda d: None)
    raw = path.read_bytes()
    path.write_bytes(b"")
    with pytest.raises(ValueError, match="net.params is empty: pass .* save_parameters"):
        load_weights(g.LeNet(3), path, mx.cpu())
    for end in (20, 30, 100, len(raw) // 2, len(raw) - 1):
        path.write_bytes(raw[:end])
        with pytest.raises(ValueError, match=f"net.params ends too early, after {end} bytes: pass a file"):
            load_weights(g.LeNet(3), path, mx.cpu())
    path.write_bytes(raw + b"more")
    with pytest.raises(ValueError, match="net.params continues after the end of MXNet's parameters"):
        load_weights(g.LeNet(3), path, mx.cpu())
    nd.save(str(path), [nd.ones(3)])
    with pytest.raises(ValueError, match="net.params contains arrays without names"):
        load_weights(g.LeNet(3), path, mx.cpu())
    nd.save(str(path), {"a": nd.ones((2, 2)).tostype("csr")})
    with pytest.raises(ValueError, match="net.params contains an array or a name in an unknown format"):
        load_weights(g.LeNet(3), path, mx.cpu())


def test_what_is_no_file(tmp_path):
    with pytest.raises(OSError, match="cannot be read: Is a directory: pass the file in it that ends in .params"):
        load_weights(g.LeNet(), tmp_path, mx.cpu())
    with pytest.raises(FileNotFoundError, match=r"there is no file .*nothing.params"):
        load_weights(g.LeNet(), tmp_path / "nothing.params", mx.cpu())


def test_what_asserts_would_find_is_found_without_them(tmp_path):  # 28 (mxnet#10544)
    lacks, whole = lenet(tmp_path, lambda d: d.pop("output.weight")), tmp_path / "whole.params"
    made("lenet").collect_params().save(str(tmp_path / "by layer.params"))
    program = f"""
import gluon_cnn as g, mxnet as mx
from gluon_cnn.networks.loading import load_weights
assert False, "Python runs with -O"
net = g.LeNet(3)
net.initialize()
net(mx.nd.zeros({shape_for("lenet")}))
for path in ({str(whole)!r}, {str(tmp_path / "by layer.params")!r}, {str(lacks)!r}):
    load_weights(net, path, mx.cpu())
    print("read")
"""
    done = subprocess.run([sys.executable, "-O", "-c", program], capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["read", "read"]
    assert done.stderr.splitlines()[-1] == f"ValueError: {lacks} does not fit LeNet: the file lacks output.weight"
