"""The one place that prints: aligned lines, on a terminal also what goes on at the moment, or JSON.

It never decides anything; quiet, verbose and JSON are its own business and nobody else's.
"""

from __future__ import annotations

import contextlib
import json
import sys
import threading
import traceback
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from stack.cli.channel import Channel, OutputLost
from stack.cli.run_log import RunLog
from stack.common.errors import StackError
from stack.config.settings import environment
from stack.model.events import Event, Milestone, Progress, StepDone

if TYPE_CHECKING:
    from stack.cli.live import LiveArea

LABEL = 10
DUMB = ("", "dumb", "unknown")
"""Kinds of terminal that cannot move a cursor, as far as is known."""
COLORS = {"ok": "32", "failed": "31", "degraded": "33", "dim": "2"}


@dataclass
class Printer:
    """Text or JSON to ``out``, errors and progress to ``err``.

    ``carries_on``: the command has work to finish, whether or not its output can still be written; others end with
    ``OutputLost``. What is lost on ``err`` is never a reason to end. ``log``: hears all of it too.
    """

    json: bool = False
    quiet: bool = False
    verbose: bool = False
    out: TextIO | None = field(default_factory=lambda: sys.stdout)
    err: TextIO | None = field(default_factory=lambda: sys.stderr)
    carries_on: bool = True
    log: RunLog | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._out, self._err = Channel(self.out), Channel(self.err)
        watched = self._err.isatty() and not self.silent and environment("TERM").get("TERM", "") not in DUMB
        self._area = self._live() if watched else None

    def _live(self) -> LiveArea:
        from stack.cli.live import LiveArea

        return LiveArea(self._err)

    def close(self) -> None:
        """The terminal is left as it was found, and the log is complete."""
        if self._area:
            self._area.close()
        if self.log:
            self.log.close()

    def keep_log(self, folder: Path) -> None:
        """From now on it is known where the log belongs: to the stack's own folder."""
        if self.log:
            self.log.keep(folder)

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
        if self.log:
            self.log.said(f"{_label(label)}{text}".strip())
        self._line(label, text, tone)

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
        """Milestones always, steps when verbose, what goes on where a terminal shows it or to the verbose."""
        if self.log:
            self.log.event(event)
        if self._area:
            self._area.hear(event)
        if isinstance(event, Milestone):
            self._line(event.name, f"{event.summary:<68} {event.seconds:6.1f} s")
        elif isinstance(event, StepDone) and self.verbose:
            self._line("", f"{event.step} {event.target}: {event.outcome} {event.seconds:.2f} s", "dim")
        elif (
            isinstance(event, Progress) and self.verbose and not (self._area or self.silent or event.passing)
        ):
            self._complain(f"{_label(event.topic)}{event.detail}")

    def warning(self, text: str) -> None:
        """Something to know, on the error channel; JSON carries it elsewhere."""
        if self.log:
            self.log.said(text.strip())
        if not self.json:
            self._complain(self._paint(text, "degraded"))

    def error(self, error: StackError, cause: BaseException | None = None) -> None:
        """One line and the container's last words; the traceback only when verbose."""
        self.carries_on = True
        if self._area:
            self._area.close()
        if self.log:
            self.log.error(cause or error)
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

    def _line(self, label: str, text: str, tone: str = "") -> None:
        if not self.silent:
            self._write(f"{_label(label)}{self._paint(text, tone)}".rstrip())

    def _write(self, text: str) -> None:
        self._to(self._out, text)
        if self.lost and not self.carries_on:
            raise OutputLost

    def _complain(self, text: str) -> None:
        self._to(self._err, text)

    def _to(self, channel: Channel, text: str) -> None:
        with self._lock, self._area.aside() if self._area else contextlib.nullcontext():
            channel.write(f"{text}\n")

    def _paint(self, text: str, tone: str) -> str:
        plain = not tone or not self._out.isatty() or environment("NO_COLOR").get("NO_COLOR")
        return text if plain else f"\x1b[{COLORS[tone]}m{text}\x1b[0m"


def _label(text: str) -> str:
    """Text in the first column; one that is too long for it keeps a space behind it."""
    return f"{text:<{LABEL - 1}} "
