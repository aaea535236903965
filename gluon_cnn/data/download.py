"""Downloading a file completely and correctly, or not at all."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import mxnet as mx
import requests
from gluon_cnn._core.startup import progress_disabled
from tqdm.auto import tqdm

TIMEOUT = (10, 30)  # seconds to connect, seconds of silence
CHUNK = 1 << 16


def usual_folders(name: str, root: str | Path | None = None) -> list[Path]:
    """Return where to look for a data set: ``root``, ``$GLUON_CNN_DATA`` and MXNet's data folder."""
    named = [folder for folder in (root, os.environ.get("GLUON_CNN_DATA")) if folder]
    return [*(Path(folder).expanduser() for folder in named), Path(mx.base.data_dir()) / "datasets" / name]


def download(urls: Sequence[str], path: Path, check: Callable[[Path], object]) -> None:
    """Download ``path`` from the first of ``urls`` that delivers a file that ``check`` accepts.

    The bytes go to ``<name>.part.<extension>`` next to ``path``, where a later call resumes; the file is renamed once
    it is accepted. If several processes call this, one downloads and the others wait. An OSError names each URL and
    its error, or the full disk. If nothing was received, no new folder remains.
    """
    new_folders = [folder for folder in path.parents if not folder.exists()]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _download_lock(path.parent):
            if not path.exists():
                _from_one_of(urls, path, check)
    finally:
        with contextlib.suppress(OSError):  # the folder is not empty
            for folder in new_folders:
                folder.rmdir()


@contextlib.contextmanager
def _download_lock(folder: Path) -> Iterator[None]:
    """Wait until no other process is downloading to a folder. The lock is released when its process ends."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # some network file systems cannot lock folders
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        folder.mkdir(parents=True, exist_ok=True)  # the previous owner of the lock may have removed it
        yield
    finally:
        os.close(descriptor)


def _from_one_of(urls: Sequence[str], path: Path, check: Callable[[Path], object]) -> None:
    part, faults = path.with_name(f"{path.stem}.part{path.suffix}"), []
    for url in urls:
        try:
            _fetch(url, part, path.name)
            check(part)
        except requests.RequestException as error:
            faults.append(f"  {url}: {error}")
        except ValueError as error:
            faults.append(f"  {url}: {error}")
            part.unlink(missing_ok=True)  # complete but incorrect: resuming would not fix it
        except OSError as error:  # a disk error
            raise OSError(error.errno, f"{part} could not be written: {error.strerror}") from error
        else:
            os.replace(part, path)
            return
    raise OSError(f"{path.name} could not be downloaded:\n" + "\n".join(faults))


def _fetch(url: str, part: Path, name: str) -> None:
    """Append the missing bytes of ``url`` to ``part``, with a progress bar."""
    have = part.stat().st_size if part.exists() else 0
    headers = {"Accept-Encoding": "identity", "Range": f"bytes={have}-"}  # uncompressed
    with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as response:
        if have and response.status_code == requests.codes.requested_range_not_satisfiable:
            return  # the file is complete
        response.raise_for_status()
        have = (
            have if response.status_code == requests.codes.partial_content else 0
        )  # else the server sends the whole file
        total = have + int(response.headers.get("Content-Length", 0))
        settings: dict[str, Any] = {"unit": "B", "unit_scale": True, "desc": name, "disable": progress_disabled()}
        with part.open("ab" if have else "wb") as file, tqdm(total=total or None, initial=have, **settings) as bar:
            for chunk in response.iter_content(CHUNK):
                file.write(chunk)
                bar.update(len(chunk))
            file.flush()
            os.fsync(file.fileno())
        if part.stat().st_size < total:
            raise requests.ConnectionError(f"the connection ended after {part.stat().st_size} of {total} bytes")
