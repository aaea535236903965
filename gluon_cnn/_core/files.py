"""Files that are written completely or not at all, and folders that one process at a time works in."""

import errno
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from gluon_cnn._core.startup import remark

LOCK = "lock"  # file in a folder that a process works in


@contextmanager
def atomic_write(path: Path) -> Iterator[BinaryIO]:
    """Give a file to write to, which gets the name ``path`` when all of it is on disk and is deleted on an error.

    For a link, the file it leads to is written; a device or a pipe is refused.
    """
    part = _part(path)
    try:
        target = _target(path)
        with part.open("wb") as file:
            yield file
            _to_disk(file)
        os.replace(part, target)
    except BaseException as error:
        part.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise _unwritten(path, error) from error
        raise
    _name_to_disk(path)


def write_all(contents: Mapping[Path, bytes]) -> None:
    """Write files that belong together: once all are on disk, they get their names, in this order."""
    path = Path()
    try:
        for path, content in contents.items():
            _target(path)
            with _part(path).open("wb") as file:
                file.write(content)
                _to_disk(file)
        for path in contents:
            os.replace(_part(path), _target(path))
            _name_to_disk(path)
    except OSError as error:
        raise _unwritten(path, error) from error
    finally:
        for path in contents:
            _part(path).unlink(missing_ok=True)


def _part(path: Path) -> Path:
    """Return a temporary name, one for each process, so that two can write the same file."""
    target = Path(os.path.realpath(path))
    return target.with_name(f"{target.name}.{os.getpid()}.part")


def _target(path: Path) -> Path:
    """Return the file that a path leads to; refuse other than files, as renaming would replace a device."""
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, "it is a folder")
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "it is a device or a pipe")
    return Path(os.path.realpath(path))


def _to_disk(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _name_to_disk(path: Path) -> None:
    with suppress(OSError):  # not every file system can be asked to
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _unwritten(path: Path, error: OSError) -> OSError:
    return OSError(error.errno, f"{path} could not be written: {error.strerror or error}")


def make_folder(path: Path) -> Path:
    """Make a folder, and those above it, unless it exists; return it."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        there = next((part for part in (path, *path.parents) if os.path.lexists(part)), path)
        if there.is_symlink() and not os.path.exists(there):
            link = os.readlink(there)
            raise FileNotFoundError(f"{there} is a link to {link}, which does not exist: create that folder") from error
        if os.path.exists(there) and not there.is_dir():
            raise NotADirectoryError(f"{there} is not a folder: name another one") from error
        raise OSError(error.errno, f"{path} could not be made: {error.strerror}") from error
    return path


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Let nobody else work in a folder meanwhile, neither another process nor this one.

    Raise BlockingIOError, which names the process, when somebody does. The system releases the lock when a process
    ends, even by SIGKILL. On a file system without locks there is a warning instead.
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


_locks: set[int] = set()  # open files


def _release_in_child() -> None:
    """Hold no lock in a forked process, which may outlive this one."""
    while _locks:
        os.close(_locks.pop())


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_release_in_child)


def _lock(path: Path) -> int:
    """Return the lock's open file, which names the process and its machine."""
    import fcntl  # not on Windows, where `gluon-cnn doctor` imports this module, too

    while True:
        try:
            file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            raise _unwritten(path, error) from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            number, _, host = os.read(file, 300).decode(errors="replace").partition(" ")
            os.close(file)
            where = f" on {host}" if host not in ("", socket.gethostname()) else ""
            raise BlockingIOError(
                f"the training in {path.parent} is still running (process {number or 'unknown'}{where}): wait until it "
                "ends, or stop it first"
            ) from None
        except OSError:
            remark(f"the file system of {path.parent} has no locks: make sure that no other training writes to it")
        if _is_at(file, path):  # else the one who held the lock has just taken the file away
            break
        os.close(file)
    _locks.add(file)
    with suppress(OSError):  # a full disk
        os.ftruncate(file, 0)
        os.write(file, f"{os.getpid()} {socket.gethostname()}".encode())
    return file


def _is_at(file: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file), os.stat(path))
    except FileNotFoundError:
        return False
