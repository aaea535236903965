"""Reading the IDX files of MNIST and Fashion-MNIST, with or without gzip."""

from __future__ import annotations

import gzip
import hashlib
import math
import zlib
from pathlib import Path

import numpy as np

BYTES = b"\0\0\x08"  # magic number of a file of unsigned bytes, the only type that the MNIST family uses
MAX_RANK = 4  # images (N, H, W), labels (N,), and one more axis for colour


def read_idx(path: str | Path, sha256: str | None = None) -> np.ndarray:
    """Read an IDX file of unsigned bytes, decompressed if its name ends in ``.gz``.

    ``sha256`` is the checksum of the decompressed bytes, in hexadecimal. A ValueError names a file that is truncated,
    damaged, not in IDX format, or does not match the checksum.

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
    rank = raw[3] if raw.startswith(BYTES) and len(raw) > 3 else 0
    if not 1 <= rank <= MAX_RANK:
        raise ValueError(f"{path} is not an IDX file of bytes: it starts with {raw[:4].hex() or 'nothing'}")
    start = 4 + 4 * rank
    if len(raw) < start:
        raise ValueError(f"{path} is cut off inside its header: get it again")
    shape = np.frombuffer(raw, ">u4", rank, offset=4).tolist()
    promised = f"its header promises {' x '.join(map(str, shape))} bytes"
    if 0 in shape:
        raise ValueError(f"{path} is empty: {promised}")
    if len(raw) - start != math.prod(shape):
        raise ValueError(f"{path} is cut off or altered: {promised}, but it contains {len(raw) - start}; get it again")
    if sha256 is not None and hashlib.sha256(raw).hexdigest() != sha256:  # last, since "cut off" is more helpful
        raise ValueError(f"{path} does not contain the expected data (incorrect SHA-256): get it again")
    return np.frombuffer(raw, np.uint8, offset=start).reshape(shape).copy()
