"""The one place that prints: aligned lines, a line that changes in place while something is waited for, or JSON.

It never decides anything; quiet, verbose and JSON are its own business and nobody else's.
"""

from __future__ import annotations

import json
import sys
import threading
import traceback
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TextIO

from stack.cli.channel import Channel, OutputLost
from stack.common.errors import StackError
from stack.config.settings import environment
from stack.model.events import Event, Milestone, Progress, StepDone

LABEL = 10
COLORS = {"ok": "32", "failed": "31", "degraded": "33", "dim": "2"}


@dataclass
class Printer:
    """Text or JSON to ``out``, errors and progress to ``err``.

    ``carries_on``: the command has work to finish, whether or not its output can still be written; others end with
    ``OutputLost``. What is lost on ``err`` is never a reason to end.
    """

    json: bool = False
    quiet: bool = False
    verbose: bool = False
    out: TextIO | None = field(default_factory=lambda: sys.stdout)
    err: TextIO | None = field(default_factory=lambda: sys.stderr)
    carries_on: bool = True
    _transient: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._out, self._err = Channel(self.out), Channel(self.err)

    @property
    def lost(self) -> OSError | None:
        """Why not all output could be written; None where it could."""
        return self._out.lost

    @property
    def silent(self) -> bool:
        """Whether plain lines are left out."""
        return self.json or self.quiet

    def line(self, label: str, text: str, tone: str = "") -> None:
        """One aligned line."""
        if not self.silent:
            self._write(f"{_label(label)}{self._paint(text, tone)}".rstrip())

    def text(self, text: str = "") -> None:
        """Lines as they are."""
        if not self.silent:
            self._write(text)

    def raw(self, text: str) -> None:
        """What was asked for itself, such as log lines; not even quiet leaves it out."""
        self._write(text)

    def document(self, value: Any) -> None:
        """The one JSON document of a command; nothing without ``--json``."""
        if self.json:
            self._write(json.dumps(value, indent=2, default=str))

    def table(self, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Columns as wide as their widest cell."""
        cells = [list(header), *[list(row) for row in rows]]
        widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
        for row in cells:
            self.text("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())

    def event(self, event: Event) -> None:
        """Milestones always, steps when verbose, waiting in place on a terminal."""
        if isinstance(event, Milestone):
            self.line(event.name, f"{event.summary:<68} {event.seconds:6.1f} s")
        elif isinstance(event, StepDone) and self.verbose:
            self.line("", f"{event.step} {event.target}: {event.outcome} {event.seconds:.2f} s", "dim")
        elif isinstance(event, Progress):
            self.waiting(event.subject, event.detail)

    def waiting(self, subject: str, detail: str) -> None:
        """A line that the next one replaces; elsewhere than on a terminal only when verbose."""
        if self.silent:
            return
        with self._lock:
            if self._err.terminal:
                self._err.write(f"\r\x1b[K{_label(subject)}{detail}"[:110])
                self._transient = True
            elif self.verbose:
                self._err.write(f"{_label(subject)}{detail}\n")

    def warning(self, text: str) -> None:
        """Something to know, on the error channel; JSON carries it elsewhere."""
        if not self.json:
            self._complain(self._paint(text, "degraded"))

    def error(self, error: StackError, cause: BaseException | None = None) -> None:
        """One line and the container's last words; the traceback only when verbose."""
        self.carries_on = True
        if self.json:
            told = {
                "error": error.message,
                "hint": error.hint,
                "exit_code": error.exit_code,
                "logs": error.logs,
            }
            self.document({**error.details, **told})
        for line in error.logs:
            self._complain(f"    | {line}")
        self._complain(f"{self._paint('error', 'failed')}: {error}")
        if self.verbose:
            self._complain("".join(traceback.format_exception(cause or error)).rstrip())

    def _write(self, text: str) -> None:
        self._to(self._out, text)
        if self.lost and not self.carries_on:
            raise OutputLost

    def _complain(self, text: str) -> None:
        self._to(self._err, text)

    def _to(self, channel: Channel, text: str) -> None:
        with self._lock:
            if self._transient:
                self._err.write("\r\x1b[K")
                self._transient = False
            channel.write(f"{text}\n")

    def _paint(self, text: str, tone: str) -> str:
        plain = not tone or not self._out.terminal or environment("NO_COLOR")
        return text if plain else f"\x1b[{COLORS[tone]}m{text}\x1b[0m"


def _label(text: str) -> str:
    """Text in the first column; one that is too long for it keeps a space behind it."""
    return f"{text:<{LABEL - 1}} "
