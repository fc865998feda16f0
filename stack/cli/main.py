"""Parses the command line, runs one command, maps its error to an exit code and one line. Decides nothing else."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import signal
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from stack.cli.channel import OutputLost
from stack.cli.grammar import parser
from stack.common.errors import Interrupted, StackError, UsageError


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code; argparse itself ends with 2 on bad usage."""
    began = time.monotonic()
    words = sys.argv[1:] if argv is None else argv
    options = parser(*words[:1]).parse_args(words, argparse.Namespace(began=began))
    from stack.cli.printer import Printer
    from stack.cli.run_log import RunLog

    printer = Printer(options.json, options.quiet, options.verbose, carries_on=options.carries_on)
    if options.carries_on and not getattr(options, "dry_run", False):
        printer.log = RunLog(words)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.closing(printer):
        return _run(options, printer)


def _run(options: argparse.Namespace, printer: Any) -> int:
    try:
        code = _handler(options.handler)(options, printer)
    except OutputLost:
        code = 0
    except StackError as error:
        return _report(error, printer)
    except KeyboardInterrupt as error:
        return _report(Interrupted("interrupted", hint="start again: it goes on from here"), printer, error)
    except OSError as error:
        from stack.common.files import unusable

        return _report(unusable(error) or _unexpected(error), printer, error)
    except Exception as error:  # the last resort: one line, and the traceback on demand
        return _report(_unexpected(error), printer, error)
    return code or _unheard(printer)


def _unexpected(error: Exception) -> StackError:
    return StackError(f"unexpected {type(error).__name__}: {error}", hint="-v shows where")


def _unheard(printer: Any) -> int:
    """1 where not all output was written, said in one line unless a mere display has lost its reader; else 0."""
    if printer.lost is None:
        return 0
    if printer.carries_on:
        done = "all work was done, but not all of it could be told"
        return _report(StackError(f"standard output: {printer.lost.strerror}", hint=done), printer)
    if not isinstance(printer.lost, BrokenPipeError):
        return _report(StackError(f"standard output: {printer.lost.strerror}"), printer)
    return StackError.exit_code


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
