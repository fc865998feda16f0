"""When the lower end of a terminal shows what goes on: once something has gone on for a moment, and between lines.

A short command draws nothing and does not load what draws. Lines are written between two drawings, never into one.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from stack.cli.activity import Activity
from stack.cli.channel import Channel
from stack.model.events import Event

if TYPE_CHECKING:
    from stack.cli.terminal import Drawing

PATIENCE = 0.2
"""Seconds that something goes on before it is worth showing."""


class LiveArea:
    """What goes on, shown on ``channel`` until ``close``."""

    def __init__(self, channel: Channel, patience: float = PATIENCE) -> None:
        self.activity = Activity()
        self._channel = channel
        self._patience = patience
        self._drawing: Drawing | None = None
        self._timer: threading.Timer | None = None
        self._lock = threading.RLock()
        self._closed = False

    def hear(self, event: Event) -> None:
        """Shows it soon, if it is still going on then."""
        self.activity.hear(event)
        with self._lock:
            idle = self._timer is None and self._drawing is None
            if idle and not self._closed and self.activity.rows():
                self._timer = threading.Timer(self._patience, self._show)
                self._timer.daemon = True
                self._timer.start()

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Nothing is drawn meanwhile, so that a line can be written."""
        with self._lock:
            drawn = self._drawing is not None
            self._hide()
            yield
            if drawn and self.activity.rows():
                self._draw()

    def close(self) -> None:
        """Takes everything away for good."""
        with self._lock:
            self._closed = True
            if self._timer is not None:
                self._timer.cancel()
            self._hide()

    def _show(self) -> None:
        import stack.cli.terminal  # noqa: F401 - before the lock is taken, for it takes a moment

        with self._lock:
            self._timer = None
            if not self._closed and self._drawing is None and self.activity.rows():
                self._draw()

    def _draw(self) -> None:
        from stack.cli.terminal import Drawing

        self._drawing = Drawing(self._channel, self.activity.rows)
        self._drawing.begin()

    def _hide(self) -> None:
        drawing, self._drawing = self._drawing, None
        if drawing is not None:
            drawing.end()
