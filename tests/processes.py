"""Python code in a process of its own, for what happens at import."""

import os
import subprocess
import sys
import textwrap


def run(code, *options, **environment):
    """Return what a fresh interpreter printed on stdout (stripped) and on stderr."""
    env = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    done = subprocess.run(
        [sys.executable, *options, "-c", textwrap.dedent(code)],
        env={**env, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.stdout.strip(), done.stderr
