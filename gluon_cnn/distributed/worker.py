"""Run a worker's program for ``gluon-cnn launch``: python -m gluon_cnn.distributed.worker program.py [ARGUMENT ...]."""

import runpy
import sys
from pathlib import Path

from gluon_cnn.distributed.workers import exit_now


def main() -> None:
    """Run the program; if it calls ``sys.exit``, exit at once, since MXNet would wait for the other workers."""
    sys.argv.pop(0)
    sys.path[0] = str(Path(sys.argv[0]).resolve().parent)
    try:
        runpy.run_path(sys.argv[0], run_name="__main__")
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
        if end.code:
            exit_now(end.code if isinstance(end.code, int) else 1)


if __name__ == "__main__":
    main()
