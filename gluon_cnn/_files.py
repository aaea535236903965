"""Files that are written whole or not at all."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

__all__ = ["whole_file", "whole_files"]


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """Give a file to write to. It gets the name ``path`` once all of it is on the disk, and goes away on an error.

    Raises
    ------
    OSError
        When it cannot be written, or is a device or a pipe; ``path`` is then as it was. Of a link, the file it leads to
        is written.
    """
    part = _part(path)
    try:
        target = _target(path)
        with part.open("wb") as file:
            yield file
            _to_disk(file)
        os.replace(part, target)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise _unwritten(path, error) from error
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    _name_to_disk(path)


def whole_files(contents: Mapping[Path, bytes]) -> None:
    """Write files that belong together. None gets its name before all are on the disk; then they do, in this order.

    Raises
    ------
    OSError
        When one cannot be made, does not fit on the disk, or is a device or a pipe: all are then as they were.
    """
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
    """Return the name to write to first, one for each process: two that write the same file do not meet in it."""
    target = Path(os.path.realpath(path))
    return target.with_name(f"{target.name}.{os.getpid()}.part")


def _target(path: Path) -> Path:
    """Return the file that a path leads to; refuse what is there and no file, as renaming would replace a device."""
    if path.exists() and not path.is_file():
        raise (
            IsADirectoryError(errno.EISDIR, "it is a folder")
            if path.is_dir()
            else OSError(errno.EINVAL, "it is a device or a pipe")
        )
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
