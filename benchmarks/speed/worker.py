"""One contender of a benchmark in a process of its own: it computes when it is asked to and sleeps in between.

Each line of standard input is a request, {"do": NAME, ARGUMENT: VALUE}; each line of standard output its answer. JSON.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from collections.abc import Callable

# What libraries print goes to standard error: standard output belongs to the answers.
_answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)


def serve(tasks: dict[str, Callable]) -> None:
    """Answer requests until standard input ends."""
    tasks["peak"] = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # MB
    for line in sys.stdin:
        request = json.loads(line)
        answer = tasks[request.pop("do")](**request)
        print(json.dumps(answer), file=_answers, flush=True)
