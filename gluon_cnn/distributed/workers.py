"""Training in several processes, on one machine or many, with MXNet's parameter server.

Each worker reads its own part of every batch and computes gradients; servers sum the gradients; each worker receives
the sum and updates its own copy of the weights. ``gluon-cnn launch`` starts all processes, see
:mod:`gluon_cnn.distributed.launch`.
"""

import atexit
import ctypes
import functools
import os
import socket
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import mxnet as mx
import numpy as np
from mxnet import gluon, nd
from mxnet.base import _LIB, check_call

KVSTORES = ("dist_sync",)
FIRST_KEY = 10**5  # smaller keys belong to parameters; MXNet multiplies keys by 9,973 in 32 bits
CHUNK_SIZE = 2**20  # bytes of a message per step, sent as numbers, since servers can only sum arrays


class Workers:
    """The workers that train a network together, through a synchronous KVStore; without one, only this process.

    The number of this worker is ``rank``, 0 to count - 1. Worker 0 prints, and saves checkpoints and results.
    """

    def __init__(self, store: mx.kvstore.KVStoreBase | None = None) -> None:
        self.store = store
        self.rank: int = 0 if store is None else store.rank
        self.count: int = 1 if store is None else store.num_workers
        self._trainer: gluon.Trainer | None = None
        self._sums: dict[int, tuple[int, nd.NDArray]] = {}  # length: (key, buffer)

    @classmethod
    def of(cls, trainer: gluon.Trainer) -> "Workers":
        """Return the workers that share a trainer."""
        store, updates = (trainer._kvstore_params[name] for name in ("kvstore", "update_on_kvstore"))
        kind: str = store if isinstance(store, str) else getattr(store, "type", "")
        if "dist" not in kind:
            return cls()
        # otherwise workers would lack the optimizer's state and the size of a smaller batch
        if isinstance(store, str) or "async" in kind or updates is not False:
            raise ValueError(
                "a distributed trainer must be given a store and update the weights itself: "
                'Trainer(..., kvstore=mx.kv.create("dist_sync"), update_on_kvstore=False)'
            )
        return _workers_for(store)

    @property
    def settings(self) -> dict:
        """Return the arguments of ``gluon.Trainer`` for training with these workers."""
        return {} if self.store is None else {"kvstore": self.store, "update_on_kvstore": False}

    def sum(self, values: Sequence[float] | np.ndarray) -> np.ndarray:
        """Return the elementwise sum over all workers, float64; each must call it with the same number of values."""
        mine = np.asarray(values, np.float64)
        if self.store is None:
            return mine
        if mine.size not in self._sums:
            self._sums[mine.size] = FIRST_KEY + len(self._sums), nd.zeros(mine.size, dtype=np.float64)
            self.store.init(*self._sums[mine.size])
        key, total = self._sums[mine.size]
        self.store.push(key, nd.array(mine, dtype=np.float64))
        self.store.pull(key, out=total)
        return total.asnumpy()

    def count_images(self, images: int) -> int:
        """Return the total number of images of all workers in this step."""
        mine = np.zeros(self.count)
        mine[self.rank] = images
        found = self.sum(mine)
        if found.any() and not found.all():  # the workers would deadlock
            none, some = int(found.argmin()), int(found.argmax())
            raise ValueError(
                f"worker {none} has no batch left while worker {some} has one: give each the same number of batches"
            )
        return int(found.sum())

    def broadcast(self, message: bytes) -> bytes:
        """Broadcast worker 0's message to all workers."""
        if self.store is None:
            return message
        mine = np.frombuffer(message if self.rank == 0 else b"", np.uint8)
        length = int(self.sum([len(mine)])[0])
        found = []
        for start in range(0, length, CHUNK_SIZE):
            piece = np.zeros(CHUNK_SIZE)
            piece[: len(mine[start : start + CHUNK_SIZE])] = mine[start : start + CHUNK_SIZE]
            found.append(self.sum(piece).astype(np.uint8))  # the others add zeros
        return np.concatenate([np.empty(0, np.uint8), *found])[:length].tobytes()

    def begin_step(self, net: gluon.Block, trainer: gluon.Trainer, parts: Sequence[tuple[nd.NDArray, Any]]) -> int:
        """Return the total number of images in this step; in the first step, also share worker 0's weights."""
        images = sum(len(X) for X, _ in parts)
        if self.store is None:
            return images
        images = self.count_images(images)
        self._share_weights(net, trainer, parts[0][0])
        return images

    def _share_weights(self, net: gluon.Block, trainer: gluon.Trainer, X: nd.NDArray) -> None:
        """Copy worker 0's weights to all workers, and seed each worker differently."""
        if self._trainer not in (None, trainer):  # servers identify parameters by number, with fixed sizes
            raise ValueError("these workers have trained with another trainer: launch a job for each training run")
        self._trainer = trainer
        if not trainer._params_to_init:
            return
        if self.rank == 0 and self.count > 1:
            print(f"Worker 0 of {self.count} is on {socket.gethostname()} and saves the results")
        net(X[:1])  # initializes deferred weights
        for parameter in trainer._params_to_init:
            _to_default_layout(parameter.list_data())
        trainer._init_kvstore()
        trainer._init_params()
        mx.random.seed(int(np.random.randint(2**30)) + self.rank)  # for different dropout masks


def join(kind: str) -> Workers:
    """Join a training run started by a launcher."""
    if kind not in KVSTORES:
        raise ValueError(f"kvstore must be {' or '.join(KVSTORES)}; got {kind!r}")
    if os.environ.get("DMLC_ROLE") != "worker":  # MXNet would abort the process
        raise ValueError(f"kvstore {kind} is for processes that a launcher starts: gluon-cnn launch -n 2 -- train ...")
    sys.excepthook = _excepthook
    store = mx.kv.create(kind)
    store.pushpull = functools.partial(_pushpull, store.pushpull)
    atexit.register(_close, store)
    return _workers_for(store)


def _pushpull(pushpull: Callable, key: int, value: Sequence[nd.NDArray], *args, **kwargs) -> None:
    _to_default_layout(value)
    pushpull(key, value, *args, **kwargs)


def _to_default_layout(arrays: Sequence[nd.NDArray]) -> None:
    """Convert arrays from oneDNN's layout, which MXNet 1.9.1 fails to send."""
    for array in arrays:
        array *= 1


def _close(store: mx.kvstore.KVStore) -> None:
    """Free a store before Python exits; during the exit, freeing it may abort."""
    nd.waitall()
    check_call(_LIB.MXKVStoreFree(store.handle))  # waits for the other workers
    store.handle = ctypes.c_void_p()  # makes freeing it again harmless


def exit_now(status: int) -> NoReturn:
    """Exit at once; on a normal exit, MXNet waits for the other workers, which may be waiting for this one."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _excepthook(*error) -> NoReturn:
    # In one write, since other workers often fail for the same reason and write to the same stream.
    sys.stderr.write("".join(traceback.format_exception(*error)))
    exit_now(1)


@functools.cache  # a store accepts each key only once
def _workers_for(store: mx.kvstore.KVStoreBase) -> Workers:
    return Workers(store)
