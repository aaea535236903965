"""JupyterLab as `make lab` starts it, for tests."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def lab(folder: Path, seconds: float, **environment: str | None) -> Iterator[tuple[str, str]]:
    """Run `make lab` in a folder for at most some seconds; give its address and token.

    A variable of the environment that is None is taken away.
    """
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment_here = os.path.relpath(sys.prefix, folder)  # make takes no path with a space
    # --old-file: make would make this very environment anew where pyproject.toml is newer than it
    command = ["make", "--silent", f"--old-file={environment_here}/.installed", "lab", f"VENV={environment_here}"]
    command.append(f"LAB_FLAGS=--ServerApp.port={port}")
    server = subprocess.Popen(
        command,
        cwd=folder,
        env={name: value for name, value in {**os.environ, **environment}.items() if value is not None},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert server.stdout
    timer = threading.Timer(seconds, os.killpg, (server.pid, signal.SIGKILL))
    timer.start()
    try:
        printed = []
        address = f"http://127.0.0.1:{port}/"
        for line in server.stdout:
            printed.append(line)
            found = re.search(rf"{address}lab[\w/.]*\?token=(\w{{20,}})", line)
            if found:
                break
        else:
            raise AssertionError("make lab printed no address:\n" + "".join(printed))
        # what it logs later has to go somewhere
        threading.Thread(target=server.stdout.read, daemon=True).start()
        yield address, found.group(1)
    finally:
        timer.cancel()
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()
        server.stdout.close()
