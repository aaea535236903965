"""Reading the IDX files of MNIST and Fashion-MNIST, with or without gzip."""

from __future__ import annotations

import gzip
import hashlib
import struct
import zlib
from pathlib import Path

import numpy as np

UNSIGNED_BYTE = 0x08  # the only element type that the MNIST family uses
MOST_DIMENSIONS = 4  # pictures (N, H, W), labels (N,); one more for colours


def read_idx(path: str | Path, sha256: str | None = None) -> np.ndarray:
    """Read an IDX file of unsigned bytes.

    Parameters
    ----------
    path : str or Path
        The file; a name that ends in ``.gz`` is decompressed.
    sha256 : str, optional
        Expected checksum of the decompressed bytes, in hexadecimal.

    Returns
    -------
    numpy.ndarray
        uint8, in the shape that the header names.

    Raises
    ------
    ValueError
        When the file is cut off, damaged, not IDX, or not the file that ``sha256`` belongs to. The message names it.
    OSError
        When the file cannot be opened or read.

    References
    ----------
    LeCun, Cortes and Burges, The MNIST database, section "File formats".
    """
    path = Path(path)
    raw = path.read_bytes()
    if path.suffix == ".gz":
        try:
            raw = gzip.decompress(raw)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise ValueError(f"{path} is cut off or damaged ({error}): get it again") from error
    # The layout first: "cut off" helps more than "wrong checksum".
    array = _parse(raw, path)
    if sha256 is not None and hashlib.sha256(raw).hexdigest() != sha256:
        raise ValueError(f"{path} does not hold the expected data (wrong SHA-256): get it again")
    return array


def _parse(raw: bytes, path: Path) -> np.ndarray:
    if len(raw) < 4 or raw[:2] != b"\0\0" or raw[2] != UNSIGNED_BYTE or not 1 <= raw[3] <= MOST_DIMENSIONS:
        raise ValueError(f"{path} is not an IDX file of bytes: it starts with {raw[:4].hex() or 'nothing'}")
    rank = raw[3]
    start = 4 + 4 * rank
    if len(raw) < start:
        raise ValueError(f"{path} is cut off inside its header: get it again")
    shape = struct.unpack(f">{rank}I", raw[4:start])
    expected = 1
    for size in shape:
        expected *= size
    if len(raw) - start != expected:
        raise ValueError(
            f"{path} is cut off or altered: its header promises {' x '.join(map(str, shape))} bytes, "
            f"{len(raw) - start} are there; get it again"
        )
    if expected == 0:
        raise ValueError(f"{path} is empty: its header promises {' x '.join(map(str, shape))} bytes")
    return np.frombuffer(raw, np.uint8, offset=start).reshape(shape).copy()
