"""One turn of a loader: images per second and peak memory, as JSON on the last line."""

from __future__ import annotations

import json
import resource
import time
from collections.abc import Callable, Iterable

import numpy as np

IMAGES = np.random.RandomState(0).randint(256, size=(2048, 3, 108, 108), dtype=np.uint8)
LABELS = np.arange(2048) % 10
SIZE, BATCH_SIZE = 96, 64


def take(batches: Iterable, wait: Callable, seconds: float) -> None:
    """Go through the batches, epoch after epoch, after one that starts workers and warms up."""
    for X, _ in batches:
        wait(X)
    start, count = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        for X, _ in batches:
            wait(X)
            count += len(X)
        assert X.shape[1:] == (3, SIZE, SIZE)
    rate = count / (time.perf_counter() - start)
    used = sum(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    print(json.dumps({"rate": rate, "memory": used / 1024}))
