"""The file format of runs, unfinished training runs, and checkpoints.

A record is a JSON object. All records have

    format       the version of this format: 2. Version 0.1.0 of the package wrote none.
    versions     of gluon_cnn and mxnet
    checksum     SHA-256 of the rest of the record
    settings     the arguments of `experiment`, as far as they are known
    data         the output of `describe` for the training and test images: classes, preprocessing, files; or null

A run (history.json) adds classes, input_shape, history, and the sha256 of each of its files. A checkpoint is a NumPy
archive whose entry `about` is its record, with the additional fields

    optimizer, schedule     name and settings at the start of training
    parameters              structural name -> training settings: grad_req, lr_mult, wd_mult
    workers, contexts       the number of each
    history, seed, place    the measurements; the random seed of the epochs; the position in the data
    state                   of optimizer and schedule, by parameter name; arrays are entries of the archive
    sha256                  of each array
"""

import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any, BinaryIO

import mxnet as mx
import numpy as np
from mxnet import nd

FORMAT = 2
RECORD_ENTRY = "about"  # the entry of an archive that is its record


class DamagedFileError(ValueError):
    """A file is damaged: its content is not what was written."""


def digest(content: bytes) -> str:
    """Return the SHA-256 of bytes."""
    return hashlib.sha256(content).hexdigest()


def to_json(record: dict[str, Any]) -> bytes:
    """Return the JSON of a record, with format, versions and checksum."""
    from gluon_cnn import __version__

    versions = {"gluon_cnn": __version__, "mxnet": mx.__version__}
    plain = json.loads(json.dumps({"format": FORMAT, "versions": versions, **record}, default=_plain))
    return (json.dumps({**plain, "checksum": _checksum(plain)}, indent=2) + "\n").encode()


def from_json(raw: bytes, path: Path) -> dict[str, Any]:
    """Parse a record from JSON. One without ``format`` is from version 0.1.0, which wrote no checksum.

    Raise DamagedFileError if it does not match its checksum, and ValueError if a newer version wrote it.
    """
    try:
        record = json.loads(raw)
        if not isinstance(record, dict):
            raise ValueError("it is not a JSON object")
    except (ValueError, RecursionError) as error:
        raise DamagedFileError(f"{path} is damaged ({error})") from error
    if not {"format", "checksum"} & record.keys():
        return record
    if record.pop("checksum", None) != _checksum(record):
        raise DamagedFileError(f"{path} is damaged: its content does not match its checksum")
    if record["format"] > FORMAT:
        raise ValueError(
            f"{path} was written by gluon-cnn {record['versions']['gluon_cnn']} in format {record['format']}; this "
            f"version reads formats up to {FORMAT}: use the newer version"
        )
    return record


def write_archive(file: BinaryIO, record: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
    """Write a record and its arrays as a NumPy archive without pickled objects."""
    about = to_json({**record, "sha256": {name: _digest_of(array) for name, array in arrays.items()}})
    # not np.savez, which leaves the archive open on an error
    with zipfile.ZipFile(file, "w") as archive:
        for name, array in {RECORD_ENTRY: np.array(about.decode()), **arrays}.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, array, allow_pickle=False)


def read_archive(raw: bytes, path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return the record and the arrays of an archive."""
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            changed = archive.testzip()  # first, since a corrupted length could exhaust the memory
        if changed:
            raise ValueError(f"{changed} does not match its checksum")
        with np.load(io.BytesIO(raw), allow_pickle=False) as entries:
            arrays = {name: entries[name] for name in entries.files}
        about = str(arrays.pop(RECORD_ENTRY)).encode()
    except MemoryError:
        raise
    except Exception as error:  # damaged archives raise many kinds of errors
        raise DamagedFileError(f"{path} is damaged ({error})") from error
    record = from_json(about, path)
    if "format" not in record:
        raise ValueError(
            f"{path} was written by gluon-cnn 0.1.0, which did not save layer names with the optimizer's state: resume "
            "it with that version"
        )
    if record["sha256"] != {name: _digest_of(array) for name, array in arrays.items()}:
        raise DamagedFileError(f"{path} is damaged: its arrays do not match their checksums")
    return record, arrays


def _checksum(record: dict[str, Any]) -> str:
    return digest(json.dumps(record, sort_keys=True).encode())


def _digest_of(array: np.ndarray) -> str:
    found = hashlib.sha256(f"{array.dtype.str} {array.shape} ".encode())
    found.update(np.ascontiguousarray(array).data)
    return found.hexdigest()


def _plain(value: Any) -> Any:
    """Convert a value that JSON cannot represent."""
    if isinstance(value, nd.NDArray):
        value = value.asnumpy()
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else str(value)
