"""MXNet's parameter files: serialization, and validation before loading, since MXNet does not validate them."""

import errno
import io
import math
import re
import struct
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import mxnet as mx
import numpy as np
from mxnet import nd
from mxnet.ndarray.ndarray import _DTYPE_MX_TO_NP

HEADER = struct.pack("<Q", 0x112)
ARRAY_MAGIC = (0xF993FAC9, 0xF993FACA)  # magic numbers of an array in either version
LARGEST_RANK = 32
DEVICES = (1, 2, 3, 5)  # CPU, GPU, pinned and shared CPU memory

UNKNOWN_FORMAT = "contains an array or a name in an unknown format"
PASS = "pass a file written by save_parameters, collect_params().save or export_symbol"
FROM_TORCH = "read it with PyTorch and pass its state_dict to load_torch_state"
TORCH_MAGIC = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
FILE_SIGNATURES = {  # magic numbers of other file types: (description, advice)
    TORCH_MAGIC: ("a PyTorch file", FROM_TORCH),
    b"\x80": ("a pickle of Python objects", PASS),
    b"\x93NUMPY": ("a NumPy array", PASS),
    b"\x89HDF\r\n": ("an HDF5 file, such as Keras writes", PASS),
    b"\x1f\x8b": ("a gzip file", "unpack it first"),
    b"\x89PNG": ("an image", PASS),
    b"\xff\xd8\xff": ("an image", PASS),
}


def parameter_bytes(arrays: Mapping[str, nd.NDArray]) -> bytes:
    """Return the bytes that ``nd.save`` would write; ``nd.save`` itself overlooks a full disk when closing the file."""
    names = [name.encode() for name in arrays]
    return b"".join(
        [
            HEADER + struct.pack("<2Q", 0, len(names)),
            *(array.__getstate__()["handle"] for array in arrays.values()),
            struct.pack("<Q", len(names)),
            *(struct.pack("<Q", len(name)) + name for name in names),
        ]
    )


def read_parameters(path: str | Path) -> dict[str, nd.NDArray]:
    """Return a file's arrays by name; a ValueError says what other kind of file it is, or where it is truncated."""
    try:
        if Path(path).exists() and not (Path(path).is_file() or Path(path).is_dir()):
            raise OSError(errno.EINVAL, "it is a device or a pipe")
        raw = Path(path).read_bytes()
    except OSError as error:
        advice = ": pass the file in it that ends in .params" if Path(path).is_dir() else ""
        raise OSError(error.errno, f"{path} cannot be read: {error.strerror}{advice}") from error
    if raw and not raw.startswith(HEADER):
        kind, advice = _file_type(raw)
        raise ValueError(f"{path} is {kind}, not MXNet parameters: {advice}")
    fault = _find_error(raw)
    if not fault:
        try:
            return nd.load_frombuffer(raw)
        except (mx.MXNetError, UnicodeDecodeError):
            fault = UNKNOWN_FORMAT
    raise ValueError(f"{path} {fault}: {PASS}")


def is_parameter_file(raw: bytes) -> bool:
    """Return whether the bytes are exactly a file of named dense arrays as ``nd.save`` writes it."""
    return raw.startswith(HEADER) and not _find_error(raw)


def _file_type(raw: bytes) -> tuple[str, str]:
    """Return the type of a file that is not an MXNet parameter file, and advice."""
    for beginning, known in FILE_SIGNATURES.items():
        if raw.startswith(beginning):
            return known
    if zipfile.is_zipfile(io.BytesIO(raw)):
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            endings = {Path(name).suffix for name in archive.namelist()}
        if ".pkl" in endings:
            return FILE_SIGNATURES[TORCH_MAGIC]
        return "an archive of NumPy arrays" if ".npy" in endings else "a zip archive", PASS
    if raw[8:9] == b"{":
        return "a safetensors file", FROM_TORCH
    if re.match(rb"\x08[\x03-\x20][\x12\x1a\x22\x3a]", raw):  # the version, followed by a name or the graph
        return "an ONNX model", PASS
    with suppress(UnicodeDecodeError):
        if '"nodes"' in raw.decode():
            return "the graph of a network", "pass the .params file next to it"
        return "a text file", PASS
    return "a file of an unknown type", PASS


def _find_error(raw: bytes) -> str:
    """Return why the bytes are not exactly a file of named dense arrays as ``nd.save`` writes it, or ""."""
    if not raw:
        return "is empty"
    place = 0

    def take(form: str) -> tuple:
        nonlocal place
        start, place = place, place + struct.calcsize(form)
        if place > len(raw):
            raise struct.error("cut off")
        return struct.unpack_from(form, raw, start)

    try:
        _, _, count = take("<3Q")
        for _ in range(count):
            magic, storage, rank = take("<Iii")
            if magic not in ARRAY_MAGIC or storage or not 0 <= rank <= LARGEST_RANK:
                return UNKNOWN_FORMAT
            shape = take(f"<{rank}q")
            device, number, kind = take("<3i")
            if min(shape, default=0) < 1 or device not in DEVICES or number < 0 or kind not in _DTYPE_MX_TO_NP:
                return UNKNOWN_FORMAT
            place += math.prod(shape) * np.dtype(_DTYPE_MX_TO_NP[kind]).itemsize
        (names,) = take("<Q")
        if names != count:
            return UNKNOWN_FORMAT if names else "contains arrays without names"
        for _ in range(count):
            (length,) = take("<Q")
            place += length
    except struct.error:
        return f"ends too early, after {len(raw)} bytes"
    if place > len(raw):
        return f"ends too early, after {len(raw)} bytes"
    return "" if place == len(raw) else "continues after the end of MXNet's parameters"
