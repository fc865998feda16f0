"""Paces the operations of the load generator in one background thread.

It counts what it did, and logs once for each kind of operation that ended otherwise than its kind says. It never
catches up after a pause: load is a rate, not a debt.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import cycle
from threading import Event, Thread

from stack.app.faults import Faults
from stack.app.load.mix import BURSTS, kinds

Operation = Callable[[], None]
_LOG = logging.getLogger("stack.app.load")


class LoadGenerator:
    """``rate`` operations per second of ``profile``; ``operations`` does each kind and raises when it went wrong."""

    def __init__(
        self, operations: Mapping[str, Operation], profile: str, rate: float, seed: int, faults: Faults
    ) -> None:
        self._operations = operations
        self._faults = faults
        self._interval = 1 / rate
        self._kinds = kinds(profile, seed)
        self._bursts: dict[str, Iterator[str]] = {name: cycle(burst) for name, burst in BURSTS.items()}
        self._burst_next = False
        self._stopping = Event()
        self._thread = Thread(target=self._run, name="load", daemon=True)
        self.done: Counter[str] = Counter()
        self.surprises: Counter[str] = Counter()

    def start(self) -> None:
        """Begins; at most once."""
        self._thread.start()

    def stop(self) -> None:
        """Ends after the operation in progress, or after a second without it."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(1.0)

    def step(self) -> None:
        """Does the next operation, if there is one."""
        kind = self._next()
        if kind is None:
            return
        try:
            self._operations[kind]()
        except Exception as surprise:
            if not self.surprises[kind]:
                _LOG.warning("load: %s ended otherwise: %r; logged once", kind, surprise)
            self.surprises[kind] += 1
        self.done[kind] += 1

    def _next(self) -> str | None:
        active = [name for name in self._faults.active() if name in BURSTS]
        self._burst_next = bool(active) and not self._burst_next
        if self._burst_next:
            return next(self._bursts[active[self.done.total() // 2 % len(active)]])
        return None if self._faults.on("quiet") else next(self._kinds, None)

    def _run(self) -> None:
        due = time.monotonic()
        while not self._stopping.wait(max(0.0, due - time.monotonic())):
            self.step()
            due = max(due + self._interval, time.monotonic())
