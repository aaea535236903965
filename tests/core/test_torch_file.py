"""Files that torch.save wrote, read without PyTorch; a file that would run code is refused before it does."""

import io
import os
import pickle
import struct
import sys
import types
import zipfile
from collections import OrderedDict

import numpy as np
import pytest
from gluon_cnn._core.torch_file import MAGIC, PROTOCOL, read_torch_file

ARRAYS = {"0.weight": np.arange(12, dtype="f4").reshape(3, 4), "0.steps": np.array(7, "i8"), "1.bias": np.ones(2, "f8")}
STORAGES = {"f4": "FloatStorage", "f8": "DoubleStorage", "i8": "LongStorage"}


class Storage:
    def __init__(self, key, array):
        self.key, self.array = key, array


class Tensor:
    """Pickles as PyTorch's do: a call of _rebuild_tensor_v2 with a storage that is stored elsewhere."""

    def __init__(self, key, array, shape=None):
        self.storage, self.array, self.shape = Storage(key, array), array, shape or array.shape

    def __reduce__(self):
        strides = tuple(step // self.array.itemsize for step in self.array.strides)
        return sys.modules["torch._utils"]._rebuild_tensor_v2, (
            self.storage,
            0,
            self.shape,
            strides,
            False,
            OrderedDict(),
        )


@pytest.fixture(autouse=True)
def torch(monkeypatch):
    """Names that pickle refers to; nothing of PyTorch."""
    modules = {name: types.ModuleType(name) for name in ("torch", "torch._utils")}
    rebuild = types.FunctionType((lambda: 0).__code__, {}, "_rebuild_tensor_v2")
    rebuild.__module__, rebuild.__qualname__ = "torch._utils", "_rebuild_tensor_v2"
    modules["torch._utils"]._rebuild_tensor_v2 = rebuild
    for name in STORAGES.values():
        setattr(modules["torch"], name, type(name, (), {"__module__": "torch", "__qualname__": name}))
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    return modules["torch"]


def pickled(torch, state):
    file = io.BytesIO()

    class Pickler(pickle.Pickler):
        def persistent_id(self, item):
            if isinstance(item, Storage):
                dtype = getattr(torch, STORAGES[item.array.dtype.str[1:]])
                return "storage", dtype, item.key, "cpu", item.array.size

    Pickler(file, 2).dump(state)
    return file.getvalue()


def state(arrays=ARRAYS, **shapes):
    return OrderedDict(
        (name, Tensor(str(k), array, shapes.get(name))) for k, (name, array) in enumerate(arrays.items())
    )


def old_format(body, arrays=ARRAYS):
    parts = [pickle.dumps(part, 2) for part in (MAGIC, PROTOCOL, {})]
    values = b"".join(struct.pack("<q", array.size) + array.tobytes() for array in arrays.values())
    return b"".join([*parts, body, pickle.dumps([str(k) for k in range(len(arrays))], 2), values])


def archive(body, arrays=ARRAYS):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as out:
        out.writestr("net/data.pkl", body)
        for k, array in enumerate(arrays.values()):
            out.writestr(f"net/data/{k}", array.tobytes())
    return file.getvalue()


@pytest.mark.parametrize("form", [old_format, archive])
def test_both_formats(torch, tmp_path, form):
    (tmp_path / "net.pth").write_bytes(form(pickled(torch, state())))
    found = read_torch_file(tmp_path / "net.pth")
    assert list(found) == list(ARRAYS)
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype


class Runs:
    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


HOSTILE = {
    "a command": Runs(os.system, "touch evil"),
    "eval": Runs(eval, "open('evil', 'w')"),
    "getattr": Runs(getattr, "", "join"),
    "a class": types.SimpleNamespace(weight=1),
    "in a state_dict": {"weight": Runs(os.system, "touch evil")},
}


@pytest.mark.parametrize("form", [old_format, archive])
@pytest.mark.parametrize("name", HOSTILE)
def test_a_file_that_would_run_code(tmp_path, monkeypatch, form, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.pth").write_bytes(form(pickle.dumps(HOSTILE[name], 2)))
    with pytest.raises(ValueError, match="net.pth .* not part of a state_dict"):
        read_torch_file("net.pth")
    assert os.listdir() == ["net.pth"]


@pytest.mark.parametrize("form", [old_format, archive])
def test_what_is_damaged_or_something_else(torch, tmp_path, form):
    path, whole = tmp_path / "net.pth", form(pickled(torch, state()))
    wrong = {"begins with nothing": b"", "text": b"weights", "no tensors": form(pickle.dumps({"weight": 1}, 2))}
    wrong.update({f"cut at {size}": whole[:size] for size in range(20, len(whole) - 1, 37)})
    for raw in wrong.values():
        path.write_bytes(raw)
        with pytest.raises(ValueError, match="net.pth is not a readable PyTorch file"):
            read_torch_file(path)
    with pytest.raises(FileNotFoundError):
        read_torch_file(tmp_path / "none.pth")


def test_a_tensor_that_is_larger_than_its_storage(torch, tmp_path):
    (tmp_path / "net.pth").write_bytes(archive(pickled(torch, state(**{"0.weight": (300, 4)}))))
    with pytest.raises(ValueError, match="exceeds its storage"):
        read_torch_file(tmp_path / "net.pth")
