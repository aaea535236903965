"""Atomic file writes, and folders locked for one process at a time."""

import errno
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from gluon_cnn._core.startup import warn_user

LOCK = "lock"  # name of the lock file in a folder


@contextmanager
def atomic_write(path: Path) -> Iterator[BinaryIO]:
    """Open a temporary file that is renamed to ``path`` once it is on disk, or deleted on an error.

    If ``path`` is a symbolic link, its target is written; a device or a pipe is rejected.
    """
    part = _part(path)
    try:
        target = _target(path)
        with part.open("wb") as file:
            yield file
            _flush_to_disk(file)
        os.replace(part, target)
    except BaseException as error:
        part.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise _write_error(path, error) from error
        raise
    _sync_folder(path)


def write_all(contents: Mapping[Path, bytes]) -> None:
    """Write several files together: once all are on disk, they are renamed in the given order."""
    path = Path()
    try:
        for path, content in contents.items():
            _target(path)
            with _part(path).open("wb") as file:
                file.write(content)
                _flush_to_disk(file)
        for path in contents:
            os.replace(_part(path), _target(path))
            _sync_folder(path)
    except OSError as error:
        raise _write_error(path, error) from error
    finally:
        for path in contents:
            _part(path).unlink(missing_ok=True)


def _part(path: Path) -> Path:
    """Return a temporary name unique to this process, so that two processes can write the same file."""
    target = Path(os.path.realpath(path))
    return target.with_name(f"{target.name}.{os.getpid()}.part")


def _target(path: Path) -> Path:
    """Resolve symbolic links; refuse anything but a file, since renaming would replace a device."""
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, "it is a folder")
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "it is a device or a pipe")
    return Path(os.path.realpath(path))


def _flush_to_disk(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _sync_folder(path: Path) -> None:
    with suppress(OSError):  # not every file system supports this
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _write_error(path: Path, error: OSError) -> OSError:
    return OSError(error.errno, f"{path} could not be written: {error.strerror or error}")


def make_folder(path: Path) -> Path:
    """Create a folder and its parents if they do not exist, and return it."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        there = next((part for part in (path, *path.parents) if os.path.lexists(part)), path)
        if there.is_symlink() and not os.path.exists(there):
            link = os.readlink(there)
            raise FileNotFoundError(f"{there} is a link to {link}, which does not exist: create that folder") from error
        if os.path.exists(there) and not there.is_dir():
            raise NotADirectoryError(f"{there} is not a folder: choose another one") from error
        raise OSError(error.errno, f"{path} could not be created: {error.strerror}") from error
    return path


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Lock a folder against any other use, by other processes or by this one.

    Raise BlockingIOError, naming the process, if it is locked already. The operating system releases the lock when a
    process ends, even by SIGKILL. If the file system does not support locks, warn instead.
    """
    path = folder / LOCK
    file = _lock(path)
    try:
        yield
    finally:
        with suppress(OSError):
            path.unlink()
        _locks.discard(file)
        os.close(file)


_locks: set[int] = set()  # file descriptors


def _release_in_child() -> None:
    """Release all locks in a forked process, which may outlive its parent."""
    while _locks:
        os.close(_locks.pop())


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_release_in_child)


def _lock(path: Path) -> int:
    """Acquire the lock, write the process ID and host name to the lock file, and return the file descriptor."""
    import fcntl  # missing on Windows, where `gluon-cnn doctor` still imports this module

    while True:
        try:
            file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            raise _write_error(path, error) from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            number, _, host = os.read(file, 300).decode(errors="replace").partition(" ")
            os.close(file)
            where = f" on {host}" if host not in ("", socket.gethostname()) else ""
            raise BlockingIOError(
                f"the training run in {path.parent} is still running (process {number or 'unknown'}{where}): wait "
                "until it ends, or stop it first"
            ) from None
        except OSError:
            warn_user(
                f"the file system of {path.parent} supports no locks: make sure that no other training run uses it"
            )
        if _is_at(file, path):  # else the previous owner has just deleted the file
            break
        os.close(file)
    _locks.add(file)
    with suppress(OSError):  # the disk may be full
        os.ftruncate(file, 0)
        os.write(file, f"{os.getpid()} {socket.gethostname()}".encode())
    return file


def _is_at(file: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file), os.stat(path))
    except FileNotFoundError:
        return False
