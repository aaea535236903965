"""What a job's scheduler and servers do: pass on, and add up, with mxnet's library but without mxnet's Python.

``import mxnet`` with ``DMLC_ROLE=server`` serves, too, but loads all of mxnet and unpickles what reaches its port.
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
    """Serve until the workers are through, then end this process; ``DMLC_ROLE`` and its like say as what, and whom."""
    found = importlib.util.find_spec("mxnet")  # where it is, without importing it
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
    """Take no command that mxnet's library does not know itself: the one that is left brings a pickled optimizer."""
    print(
        "This server adds up gradients and takes no optimizer: workers update the weights, "
        "Trainer(..., update_on_kvstore=False)",
        file=sys.stderr,
        flush=True,
    )
    os._exit(1)
