"""The ``gluon-cnn`` command."""

from __future__ import annotations

import argparse
import atexit
import contextlib
import importlib
import os
import sys
import warnings
from collections.abc import Sequence
from typing import NoReturn

from gluon_cnn._core import startup
from gluon_cnn.cli.parser import make_parser

NO_MEMORY = "this needs more memory than there is: take smaller images, or fewer in a batch"


def command() -> NoReturn:
    """Run the command line and end the process.

    Functions registered with atexit run; what else MXNet does at an end does not: after Ctrl-C it may abort.
    """
    status = main()
    atexit._run_exitfuncs()
    with contextlib.suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(status)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status: 0, or 1 when something is wrong."""
    arguments = sys.argv[1:] if arguments is None else arguments
    options = make_parser().parse_args(arguments)
    options.arguments = arguments
    status = _run(options)
    if status and os.environ.get("DMLC_ROLE") == "worker":
        from gluon_cnn.distributed.workers import leave

        leave(status)
    return status


def _run(options: argparse.Namespace) -> int:
    """Run a command; tell what is wrong in a line."""
    with contextlib.suppress(AttributeError):  # a name that is not UTF-8 may be printed, too
        sys.stdout.reconfigure(errors="backslashreplace", line_buffering=True)  # type: ignore[union-attr]
    try:
        if options.command != "doctor" and (problem := startup.mxnet_problem()):
            print(f"gluon-cnn: {problem} (more: gluon-cnn doctor)", file=sys.stderr)
            return 1
        with warnings.catch_warnings():
            warnings.simplefilter("default", UserWarning)
            warnings.showwarning = lambda message, *_, **__: print(f"gluon-cnn: {message}", file=sys.stderr)
            module, function = options.run.split(":")
            status = getattr(importlib.import_module(f"gluon_cnn.cli.{module}"), function)(options)
            sys.stdout.flush()
            return status
    except BrokenPipeError:  # whoever read the output, such as head, has enough; Python would flush into it once more
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (ImportError, OSError, ValueError) as error:
        print(f"gluon-cnn {options.command}: {error}", file=sys.stderr)
        return 1
    except MemoryError:
        print(f"gluon-cnn {options.command}: {NO_MEMORY}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        goes_on = "; the same command resumes where it stopped" if options.command == "data" else ""
        print(f"\nstopped{goes_on}", file=sys.stderr)
        return 130
    except Exception as error:
        if not isinstance(error, RuntimeError) and type(error) is not Exception:  # mxnet's are one of them
            raise
        print(f"gluon-cnn {options.command}: {_in_a_line(error)}", file=sys.stderr)
        return 1


def _in_a_line(error: Exception) -> str:
    """Say what an error of mxnet's is about, which may carry a C++ trace."""
    from gluon_cnn._core.errors import error_summary

    text = str(error)
    if "larger than 2^31 elements" in text:
        return "an array would have more than 2^31 values, which mxnet cannot hold: take smaller images, or fewer"
    if "Failed to allocate" in text:
        return NO_MEMORY
    return f"mxnet failed: {error_summary(error)}"
