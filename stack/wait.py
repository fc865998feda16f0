"""The only poller and the only sleep: repeat a question until its answer satisfies or the time is up."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


class NotYet(Exception):
    """Raised by a question whose answer is not the awaited one; its text says what the answer was."""


class TimedOut(Exception):
    """The time is up; the text carries the last failure."""


@dataclass(frozen=True, slots=True)
class Clock:
    """Time as an argument: tests pass their own."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


CLOCK = Clock()


def until(
    ask: Callable[[], T],
    *,
    seconds: float,
    every: float = 0.02,
    retry: tuple[type[Exception], ...] = (NotYet,),
    clock: Clock = CLOCK,
) -> T:
    """Ask until there is an answer; pauses grow from ``every`` to half a second.

    Raises ``TimedOut`` with the last failure after ``seconds``; an exception that ``retry`` does not name
    ends it at once.
    """
    deadline = clock.now() + seconds
    pause = every
    while True:
        try:
            return ask()
        except retry as failure:
            if clock.now() + pause > deadline:
                raise TimedOut(f"{failure} (waited {seconds:g} s)") from failure
        clock.sleep(pause)
        pause = min(pause * 1.25, max(every, 0.5))
