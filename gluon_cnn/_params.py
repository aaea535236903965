"""MXNet's file format for parameters: written from memory, and checked before MXNet reads it, which trusts it."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping

import numpy as np
from mxnet import nd
from mxnet.ndarray.ndarray import _DTYPE_MX_TO_NP

__all__ = ["holds_parameters", "parameter_bytes"]

LIST, ARRAYS = 0x112, (0xF993FAC9, 0xF993FACA)  # magic numbers: of a file, and of an array in either version
DEVICES = (1, 2, 3, 5)  # CPU, GPU, and memory of the CPU that a GPU or another process shares


def parameter_bytes(arrays: Mapping[str, nd.NDArray]) -> bytes:
    """Return what ``nd.save`` would write; it does not notice a disk that is full when the file is closed."""
    names = [name.encode() for name in arrays]
    return b"".join(
        [
            struct.pack("<3Q", LIST, 0, len(names)),
            *(array.__getstate__()["handle"] for array in arrays.values()),
            struct.pack("<Q", len(names)),
            *(struct.pack("<Q", len(name)) + name for name in names),
        ]
    )


def holds_parameters(raw: bytes) -> bool:
    """Return whether bytes are, from the first to the last, what ``nd.save`` writes for named dense arrays."""
    place = 0

    def take(form: str) -> tuple:
        nonlocal place
        start, place = place, place + struct.calcsize(form)
        if place > len(raw):
            raise struct.error("cut off")
        return struct.unpack_from(form, raw, start)

    try:
        magic, _, count = take("<3Q")
        if magic != LIST:
            return False
        for _ in range(count):
            magic, storage, rank = take("<Iii")
            shape = take(f"<{rank}q")  # an error when it is negative
            device, number, kind = take("<3i")
            if (
                magic not in ARRAYS
                or storage
                or min(shape, default=0) < 1
                or device not in DEVICES
                or min(number, kind) < 0
            ):
                return False
            place += math.prod(shape) * np.dtype(_DTYPE_MX_TO_NP[kind]).itemsize
        if take("<Q") != (count,):
            return False
        for _ in range(count):
            (length,) = take("<Q")
            place += length
    except (struct.error, KeyError):
        return False
    return place == len(raw)
