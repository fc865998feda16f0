"""The only poller and the only sleep: repeat a question until its answer satisfies or the time is up.

Whoever waits in a thread can be called off, so that Ctrl-C never waits for a deadline.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from msgspec import Struct, field

T = TypeVar("T")
S = TypeVar("S")


class NotYet(Exception):
    """Raised by a question whose answer is not the awaited one; its text says what the answer was.

    ``hint`` says how to mend it, should it stay so; ``about`` names the components at fault, if it is known.
    """

    def __init__(self, message: str, hint: str = "", about: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.hint = hint
        self.about = about


class TimedOut(Exception):
    """The time is up; the text carries the last failure, which is its cause, and how many ``seconds`` were given."""

    def __init__(self, last: str, seconds: float = 0.0) -> None:
        super().__init__(f"{last} (waited {seconds:g} s)" if seconds else last)
        self.last = last
        self.seconds = seconds


class Clock(Struct, frozen=True):
    """Time as an argument: tests pass their own. ``called_off`` ends every wait by this clock at once."""

    now: Callable[[], float] = time.monotonic
    sleeper: Callable[[float], object] | None = None
    called_off: threading.Event = field(default_factory=threading.Event)

    def sleep(self, seconds: float) -> None:
        """Pauses; shorter when called off."""
        (self.sleeper or self.called_off.wait)(seconds)


CLOCK = Clock()


def until(
    ask: Callable[[], T],
    *,
    seconds: float,
    every: float = 0.02,
    retry: tuple[type[Exception], ...] = (NotYet,),
    clock: Clock = CLOCK,
) -> T:
    """Ask until there is an answer; pauses grow from ``every`` to a quarter of a second.

    Raises ``TimedOut`` with the last failure after ``seconds``; an exception that ``retry`` does not name
    ends it at once.
    """
    deadline = clock.now() + seconds
    pause = every
    while True:
        if clock.called_off.is_set():
            raise TimedOut("called off")
        try:
            return ask()
        except retry as failure:
            if clock.now() + pause > deadline:
                raise TimedOut(str(failure), seconds) from failure
        clock.sleep(pause)
        pause = min(pause * 1.25, max(every, 0.25))


def together(work: Callable[[S], T], items: Iterable[S], *, clock: Clock = CLOCK) -> list[T]:
    """The results of ``work`` on all items side by side, in their order; the first error is raised.

    Ctrl-C calls off all waits by ``clock``.
    """
    given = list(items)
    with ThreadPoolExecutor(max(1, len(given))) as pool:
        try:
            return list(pool.map(work, given))
        except KeyboardInterrupt:
            clock.called_off.set()
            raise
