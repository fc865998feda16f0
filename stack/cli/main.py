"""Parses the command line, runs one command, maps its error to an exit code and one line. Decides nothing else."""

from __future__ import annotations

import argparse
import importlib
import signal
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from stack.cli.grammar import parser
from stack.common.errors import Interrupted, StackError, UsageError


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code; argparse itself ends with 2 on bad usage."""
    began = time.monotonic()
    options = parser().parse_args(argv, argparse.Namespace(began=began))
    from stack.cli.printer import Printer

    printer = Printer(json=options.json, quiet=options.quiet, verbose=options.verbose)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return _handler(options.handler)(options, printer)
    except StackError as error:
        return _report(error, printer)
    except KeyboardInterrupt as error:
        return _report(Interrupted("interrupted", hint="start again: it goes on from here"), printer, error)
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except Exception as error:  # the last resort: one line, and the traceback on demand
        return _report(
            StackError(f"unexpected {type(error).__name__}: {error}", hint="-v shows where"), printer, error
        )


def _handler(name: str) -> Callable[[argparse.Namespace, Any], int]:
    module, _, function = name.partition(":")
    handler: Callable[[argparse.Namespace, Any], int] = getattr(
        importlib.import_module(f"stack.cli.{module}"), function
    )
    return handler


def _report(error: StackError, printer: Any, cause: BaseException | None = None) -> int:
    printer.error(error, cause)
    return error.exit_code


def usage(message: str) -> UsageError:
    """A command line that parses but cannot be meant."""
    return UsageError(message, hint="see --help")
