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

NO_MEMORY = "not enough memory: use smaller images or a smaller batch size"


def command() -> NoReturn:
    """Run the command line and exit.

    Functions registered with atexit are called, but MXNet's other cleanup, which may abort after Ctrl-C, is skipped.
    """
    status = main()
    atexit._run_exitfuncs()
    with contextlib.suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(status)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status: 0, or 1 on errors."""
    arguments = sys.argv[1:] if arguments is None else arguments
    options = make_parser().parse_args(arguments)
    options.arguments = arguments
    status = _run(options)
    if status and os.environ.get("DMLC_ROLE") == "worker":
        from gluon_cnn.distributed.workers import exit_now

        exit_now(status)
    return status


def _run(options: argparse.Namespace) -> int:
    """Run a command; print errors on one line."""
    with contextlib.suppress(AttributeError):  # so that names that are not UTF-8 can be printed
        sys.stdout.reconfigure(errors="backslashreplace", line_buffering=True)  # type: ignore[union-attr]
    try:
        if options.command != "doctor" and (problem := startup.mxnet_problem()):
            print(f"gluon-cnn: {problem} (for details: gluon-cnn doctor)", file=sys.stderr)
            return 1
        with warnings.catch_warnings():
            warnings.simplefilter("default", UserWarning)
            warnings.showwarning = lambda message, *_, **__: print(f"gluon-cnn: {message}", file=sys.stderr)
            module, function = options.run.split(":")
            status = getattr(importlib.import_module(f"gluon_cnn.cli.{module}"), function)(options)
            sys.stdout.flush()
            return status
    except BrokenPipeError:  # the reader, such as head, has exited; prevent Python's final flush
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (ImportError, OSError, ValueError) as error:
        print(f"gluon-cnn {options.command}: {error}", file=sys.stderr)
        return 1
    except MemoryError:
        print(f"gluon-cnn {options.command}: {NO_MEMORY}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        goes_on = "; the same command resumes the download where it stopped" if options.command == "data" else ""
        print(f"\nstopped{goes_on}", file=sys.stderr)
        return 130
    except Exception as error:
        if not isinstance(error, RuntimeError) and type(error) is not Exception:  # MXNet's errors are one of these
            raise
        print(f"gluon-cnn {options.command}: {_one_line(error)}", file=sys.stderr)
        return 1


def _one_line(error: Exception) -> str:
    """Summarize an MXNet error, which may contain a C++ trace."""
    from gluon_cnn._core.errors import error_summary

    text = str(error)
    if "larger than 2^31 elements" in text:
        return "an array would exceed mxnet's limit of 2^31 values: use smaller or fewer images"
    if "Failed to allocate" in text:
        return NO_MEMORY
    return f"mxnet failed: {error_summary(error)}"
