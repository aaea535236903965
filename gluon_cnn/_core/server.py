"""The scheduler and servers of a distributed job, which sum gradients using MXNet's C library without its Python code.

``import mxnet`` with ``DMLC_ROLE=server`` also starts a server, but it loads all of MXNet and unpickles any data that
reaches its port.
"""

import ctypes
import importlib.util
import os
import runpy
import sys
from pathlib import Path
from typing import NoReturn

ROLES = ("scheduler", "server")


def serve() -> NoReturn:
    """Serve until the workers finish, then exit; the ``DMLC_...`` environment variables set the role and the job."""
    found = importlib.util.find_spec("mxnet")  # locates it without importing it
    if not found or not found.origin:
        raise ModuleNotFoundError("No module named 'mxnet'", name="mxnet")
    paths = runpy.run_path(str(Path(found.origin).parent / "libinfo.py"))
    try:
        library = ctypes.CDLL(paths["find_lib_path"]()[0])
    except (OSError, RuntimeError) as error:
        raise ImportError(str(error)) from error
    library.MXGetLastError.restype = ctypes.c_char_p
    store = ctypes.c_void_p()
    steps = (
        lambda: library.MXKVStoreCreate(b"dist", ctypes.byref(store)),
        lambda: library.MXKVStoreRunServer(store, _refuse, None),
        lambda: library.MXKVStoreFree(store),
    )
    if any(step() for step in steps):
        sys.exit(f"mxnet: {library.MXGetLastError().decode()}")
    sys.exit()


@ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)
def _refuse(command: int, body: bytes, _: object) -> None:
    """Refuse the only command that MXNet's library does not handle itself, which sends a pickled optimizer."""
    print(
        "This server adds up gradients and accepts no optimizer; the workers update the weights: "
        "Trainer(..., update_on_kvstore=False)",
        file=sys.stderr,
        flush=True,
    )
    os._exit(1)
