"""Files that are written whole or not at all."""

from __future__ import annotations

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
        When it cannot be written; ``path`` is then as it was.
    """
    part = _part(path)
    try:
        with part.open("wb") as file:
            yield file
            _to_disk(file)
        os.replace(part, path)
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
        When one cannot be made or does not fit on the disk: all are then as they were.
    """
    path = Path()
    try:
        for path, content in contents.items():
            with _part(path).open("wb") as file:
                file.write(content)
                _to_disk(file)
        for path in contents:
            os.replace(_part(path), path)
            _name_to_disk(path)
    except OSError as error:
        raise _unwritten(path, error) from error
    finally:
        for path in contents:
            _part(path).unlink(missing_ok=True)


def _part(path: Path) -> Path:
    return path.with_name(f"{path.name}.part")


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
