"""Downloading a file so that it is whole and right, or not there at all."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import requests
from gluon_cnn._core.startup import progress_disabled
from tqdm.auto import tqdm

TIMEOUT = (10, 30)  # seconds to connect, seconds of silence
CHUNK = 1 << 16


def download(urls: Sequence[str], path: Path, check: Callable[[Path], object]) -> None:
    """Download ``path`` from the first of ``urls`` that delivers it.

    The bytes go to ``<name>.part.<ending>`` beside ``path``, where a later call takes up again. Only when ``check``
    accepts the whole file does it get its own name. Of several processes one downloads, and the others wait for it.

    Raises
    ------
    OSError
        When no address delivers a file that ``check`` accepts; the message names each address and its fault. Or when
        the disk is full: what has arrived stays, and a later call goes on. When nothing has arrived, no folder is left.
    """
    part = path.with_name(f"{path.stem}.part{path.suffix}")
    new_folders = [folder for folder in path.parents if not folder.exists()]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _alone_in(path.parent):
            if not path.exists():
                _from_one_of(urls, path, part, check)
    finally:
        with contextlib.suppress(OSError):  # what holds something stays
            for folder in new_folders:
                folder.rmdir()


@contextlib.contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Wait until no other process downloads to a folder. The system ends a lock when its process ends."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # some network file systems lock no folders
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        folder.mkdir(parents=True, exist_ok=True)  # who was here before may have removed it
        yield
    finally:
        os.close(descriptor)


def _from_one_of(urls: Sequence[str], path: Path, part: Path, check: Callable[[Path], object]) -> None:
    faults = []
    for url in urls:
        try:
            _fetch(url, part)
            check(part)
        except (requests.RequestException, ValueError) as error:
            faults.append(f"  {url}: {error}")
            if isinstance(error, ValueError) and not isinstance(error, requests.RequestException):
                part.unlink()  # whole but wrong: continuing it would keep it wrong
            continue
        except OSError as error:  # of the disk, not of the network
            raise OSError(error.errno, f"{part} could not be written: {error.strerror}") from error
        os.replace(part, path)
        return
    raise OSError(f"{path.name} could not be downloaded:\n" + "\n".join(faults))


def _fetch(url: str, part: Path) -> None:
    """Append what is missing of ``url`` to ``part``, with a progress bar."""
    have = part.stat().st_size if part.exists() else 0
    headers = {"Range": f"bytes={have}-"} if have else {}
    headers["Accept-Encoding"] = "identity"  # the file's own bytes, so that lengths add up
    with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as response:
        if response.status_code == requests.codes.requested_range_not_satisfiable:
            return  # all of it is there already
        response.raise_for_status()
        if response.status_code != requests.codes.partial_content:
            have = 0  # the server sends all of it again
        length = response.headers.get("Content-Length")
        total = have + int(length) if length else None
        with (
            part.open("ab" if have else "wb") as file,
            tqdm(
                total=total,
                initial=have,
                unit="B",
                unit_scale=True,
                desc=part.name.replace(".part", ""),
                disable=progress_disabled(),
            ) as bar,
        ):
            for chunk in response.iter_content(CHUNK):
                file.write(chunk)
                bar.update(len(chunk))
            file.flush()
            os.fsync(file.fileno())
        if total is not None and part.stat().st_size < total:
            raise requests.ConnectionError(f"the connection ended after {part.stat().st_size} of {total} bytes")
