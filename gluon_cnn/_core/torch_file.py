"""Reading the tensors of a file that ``torch.save`` wrote, without PyTorch and without running code from the file.

Such a file is a pickle, and unpickling calls any function that the file names. This reader accepts only the few names
that a state_dict of tensors needs, all of which merely construct arrays, and refuses a file that names anything else.
"""

import io
import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np

MAGIC, PROTOCOL = 0x1950A86A20F9469CFC6C, 1001  # of the format before PyTorch 1.6, which is not a zip archive
STORAGES = {
    "DoubleStorage": "f8",
    "FloatStorage": "f4",
    "HalfStorage": "f2",
    "LongStorage": "i8",
    "IntStorage": "i4",
    "ShortStorage": "i2",
    "CharStorage": "i1",
    "ByteStorage": "u1",
    "BoolStorage": "?",
}


class _Tensor:
    """A tensor's location in a storage, whose values may come later in the file."""

    def __init__(self, storage: tuple, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: Any) -> None:
        self.key, self.dtype = storage
        self.offset, self.shape, self.strides = offset, shape, strides

    def array(self, storages: dict[str, np.ndarray]) -> np.ndarray:
        values = storages[self.key][self.offset :]
        last = sum((n - 1) * step for n, step in zip(self.shape, self.strides))
        if min((*self.shape, *self.strides, self.offset), default=0) < 0 or (
            0 not in self.shape and last >= len(values)
        ):
            raise ValueError(f"a tensor of shape {self.shape} exceeds its storage")
        strides = [step * values.itemsize for step in self.strides]
        return np.lib.stride_tricks.as_strided(values, self.shape, strides).copy()


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file)
        self.dtypes: dict[str, np.dtype] = {}  # of the storages referenced so far

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _Tensor
        if (module, name) == ("torch._utils", "_rebuild_parameter"):
            return _first
        if module == "torch" and name in STORAGES:
            return STORAGES[name]
        raise ValueError(f"it names {module}.{name}, which is not part of a state_dict of tensors")

    def persistent_load(self, pid: tuple) -> tuple[str, np.dtype]:
        kind, dtype, key, *_ = pid
        if kind != "storage" or dtype not in STORAGES.values():
            raise ValueError("it stores something other than tensors")
        self.dtypes[str(key)] = np.dtype(dtype).newbyteorder("<")
        return str(key), self.dtypes[str(key)]


def _first(tensor: _Tensor, *_: Any) -> _Tensor:
    return tensor


def read_torch_file(path: str | Path) -> dict[str, np.ndarray]:
    """Return the arrays of a state_dict that ``torch.save`` wrote, by name and in order.

    Raises
    ------
    ValueError
        If the file is damaged or contains anything but a state_dict of tensors.
    OSError
        If the file cannot be read.
    """
    raw = Path(path).read_bytes()
    try:
        found, storages = (_read_archive if raw.startswith(b"PK") else _read_stream)(raw)
        if not isinstance(found, dict) or not all(isinstance(tensor, _Tensor) for tensor in found.values()):
            raise ValueError("it does not contain a state_dict: save module.state_dict()")
        return {str(name): tensor.array(storages) for name, tensor in found.items()}
    except MemoryError:
        raise
    except Exception as error:  # a damaged pickle can raise any kind of error
        reason = str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
        raise ValueError(f"{path} is not a readable PyTorch file: {reason}") from None


def _read_archive(raw: bytes) -> tuple[Any, dict[str, np.ndarray]]:
    """Read the format since PyTorch 1.6, a zip archive with one file per storage."""
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        (top,) = {name.split("/")[0] for name in archive.namelist()}
        unpickler = _Unpickler(io.BytesIO(archive.read(f"{top}/data.pkl")))
        found = unpickler.load()
        return found, {
            key: np.frombuffer(archive.read(f"{top}/data/{key}"), dtype) for key, dtype in unpickler.dtypes.items()
        }


def _read_stream(raw: bytes) -> tuple[Any, dict[str, np.ndarray]]:
    """Read the older format: three header pickles, the state_dict, the storages' names, then their values."""
    file = io.BytesIO(raw)
    if (_Unpickler(file).load(), _Unpickler(file).load()) != (MAGIC, PROTOCOL):
        raise ValueError("it was not written by torch.save")
    _Unpickler(file).load()  # byte order and sizes of types, which never varied
    unpickler = _Unpickler(file)
    found, storages = unpickler.load(), {}
    for key in map(str, _Unpickler(file).load()):
        count, dtype = int.from_bytes(file.read(8), "little"), unpickler.dtypes[key]
        storages[key] = np.frombuffer(file.read(count * dtype.itemsize), dtype, count)
    return found, storages
