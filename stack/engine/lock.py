"""The lock of a stack: one object of a fixed name on the engine, whose creation is atomic, with a sign of life.

The holder renews the sign every few seconds. A lock whose holder died or fell silent is removed by its id and made
anew: of two who take it over, one creates it and the other finds it taken. Ages are told by the engine's clock alone.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Protocol, Self

from msgspec import Struct, to_builtins

from stack.common.errors import Busy, StackError
from stack.common.wait import CLOCK, Clock, NotYet, TimedOut, until
from stack.engine.holder import is_dead
from stack.engine.interface import Holder

ATTEMPTS = 50


class Pace(Struct, frozen=True):
    """Seconds between two signs of life, and of silence after which a holder counts as gone."""

    sign: float = 2.0
    silent: float = 10.0


class Held(Struct, frozen=True):
    """A lock as it is found: its id, who has it, the last sign, and its age in seconds by the engine's clock."""

    id: str
    holder: Holder
    sign: str
    age: float


class Place(Protocol):
    """Where the lock of one stack is kept."""

    @property
    def stack(self) -> str:
        """Whose lock it is."""

    def create(self, holder: Holder) -> str:
        """Makes it and returns its id; empty where there is one already."""

    def look(self) -> Held | None:
        """The lock; None where there is none."""

    def sign(self, lock: str) -> bool:
        """Renews the sign of life; False where this lock is gone."""

    def remove(self, lock: str) -> None:
        """Fine if it is gone."""


def acquire(place: Place, holder: Holder, pace: Pace, clock: Clock = CLOCK) -> HeldLease:
    """The lock for ``holder``; ``Busy`` where somebody has it who lives."""
    for _ in range(ATTEMPTS):
        if lock := place.create(holder):
            return HeldLease(place, lock, pace)
        found = place.look()
        if found is None:  # just being made, or just released
            clock.sleep(pace.sign / 40)
        elif is_dead(found.holder) or _is_silent(place, found, pace, clock):
            place.remove(found.id)
        else:
            raise _busy(place.stack, found.holder)
    raise Busy(f"the lock of stack {place.stack} changes hands all the time", hint="run the command again")


def _is_silent(place: Place, found: Held, pace: Pace, clock: Clock) -> bool:
    """Silent by age, and still so while watched: the engine's clock may have been set meanwhile."""
    if found.age <= pace.silent:
        return False

    def signs() -> None:
        now = place.look()
        if now is not None and (now.id, now.sign) == (found.id, found.sign):
            raise NotYet("no sign of life")

    try:
        until(signs, seconds=2 * pace.sign, every=pace.sign / 10, clock=clock)
    except TimedOut:
        return True
    return False


def _busy(stack: str, holder: Holder) -> Busy:
    error = Busy(
        f"another command works on stack {stack}: {holder.command} by {holder.user} on {holder.host}, "
        f"process {holder.pid}, since {holder.since}",
        hint="wait for it to end",
    )
    error.details["holder"] = {k: v for k, v in to_builtins(holder).items() if k not in ("machine", "born")}
    return error


class HeldLease:
    """``stack.engine.interface.Lease``: a thread renews the sign of life while the block runs."""

    def __init__(self, place: Place, lock: str, pace: Pace, now: Callable[[], float] | None = None) -> None:
        self._place, self._lock, self._pace = place, lock, pace
        self._now = now or _uptime
        self._signed = self._now()
        self._lost = threading.Event()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._keep, name=f"lock of {place.stack}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Releases it. Raises what ``check`` raises where the lock was lost unnoticed."""
        self._ended.set()
        with suppress(StackError):  # it falls silent then, and the next command takes it over
            self._place.remove(self._lock)
        if kind is None and self._lost.is_set():
            self.check()

    def check(self) -> None:
        """See ``Lease``. Asks the engine only where the last sign is too old, as after a suspended machine."""
        if not self._lost.is_set() and self._now() - self._signed > self._pace.silent:
            self._sign()
        if self._lost.is_set():
            raise Busy(
                f"another command took over stack {self._place.stack}: this one gave no sign of life "
                f"for {self._pace.silent:g} s",
                hint="wait for it to end, then run start again",
            )

    def _keep(self) -> None:
        while not self._ended.wait(self._pace.sign) and not self._lost.is_set():
            try:
                self._sign()
            except StackError:
                continue  # no answer now; ``check`` tells where that lasts

    def _sign(self) -> None:
        began = self._now()
        if self._place.sign(self._lock):
            self._signed = began
        elif not self._ended.is_set():
            self._lost.set()


def _uptime() -> float:
    """Seconds that a suspended machine counts too."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
