"""Cooperative cancelling: whoever works long asks now and then whether anybody still waits for the result.

A thread cannot be ended from outside, so a limit on work has to last as long as the thread works, not as long as
somebody waits for it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

_HEED_SECONDS: Final = 0.05


class Cancelled(Exception):
    """Nobody waits for the result any more; the work stops."""


class Cancel:
    """Tells running work that nobody waits for it any more."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._followers: list[Callable[[], object]] = []

    def request(self) -> None:
        """Ask the work to stop, and all that it has begun elsewhere."""
        self._event.set()
        while self._followers:
            self._followers.pop()()

    def follow(self, stop: Callable[[], object]) -> None:
        """Have ``stop`` called when the work is asked to stop, at once if it has been."""
        self._followers.append(stop)
        if self._event.is_set():
            self.request()

    def check(self) -> None:
        """Raises Cancelled once asked to stop; a long loop calls it now and then."""
        if self._event.is_set():
            raise Cancelled

    def wait(self, seconds: float) -> None:
        """Sleep, but no longer than anybody cares. Raises Cancelled."""
        if self._event.wait(seconds):
            raise Cancelled


CURRENT: Final[ContextVar[Cancel | None]] = ContextVar("cancel", default=None)
"""What the work in this thread, or on its behalf in another, has to heed."""


def check_cancelled() -> None:
    """Raises Cancelled when nobody waits any more for what this thread works on."""
    cancel = CURRENT.get()
    if cancel is not None:
        cancel.check()


class Slots:
    """How many threads may do one kind of work at a time. A slot belongs to the thread that holds it."""

    def __init__(self, limit: int) -> None:
        self._free = threading.BoundedSemaphore(limit)

    @contextmanager
    def held(self) -> Iterator[None]:
        """A slot for the length of the block, waited for as long as somebody waits. Raises Cancelled."""
        while not self._free.acquire(timeout=_HEED_SECONDS):
            check_cancelled()
        try:
            yield
        finally:
            self._free.release()


COMPUTING: Final = Slots(1)
"""Threads that compute for long in Python at the same time. It would run one at a time even so, but each more makes
the event loop wait longer for its turn."""
ARCHIVES: Final = Slots(2)
"""Archives that the process reads at the same time: each may need a dictionary of 64 MiB."""
NESTED: Final = Slots(1)
"""Archives in whose nested archives it looks at the same time: these may need one more."""
