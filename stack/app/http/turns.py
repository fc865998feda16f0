"""Turns of the event loop, kept short: what many connections want at once is let in a few at a time.

Each step of the loop for each connection may have to wait for other threads; five hundred in one turn would hold up
whatever is urgent for as long as they take together.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Final

ACCEPTED_AT_ONCE: Final = 16
"""How many connections asyncio takes before it looks at others again."""
TURN_SECONDS: Final = 0.01
"""A turn that took longer lets the next one begin with half as many."""


class Turnstile:
    """Calls what is put into it, in order, up to ``at_once`` in each turn of the event loop, and the ``urgent`` first.

    So a burst makes many short turns, and what is urgent waits for one of them only. While turns are long, whatever
    the reason, fewer are let in, down to one. ``urgent`` is as many as there are new connections in a turn: monitoring
    is served as fast as it comes.
    """

    def __init__(self, at_once: int = 16, urgent: int = ACCEPTED_AT_ONCE) -> None:
        self._most = self._at_once = at_once
        self._urgent_at_once = urgent
        self._urgent: deque[Callable[[], None]] = deque()
        self._others: deque[Callable[[], None]] = deque()
        self._last: float | None = None

    async def passed(self, urgent: bool) -> None:
        """Returns when it is the caller's turn."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.put(partial(_begin, turn), urgent)
        await turn

    def put(self, call: Callable[[], None], urgent: bool = False) -> None:
        """Have ``call`` called in a later turn."""
        if not self._urgent and not self._others:
            self._last = None
            asyncio.get_running_loop().call_soon(self._let_in)
        (self._urgent if urgent else self._others).append(call)

    def _let_in(self) -> None:
        loop = asyncio.get_running_loop()
        self._pace(loop.time())
        others = min(self._at_once, len(self._others))
        for number in range(min(self._urgent_at_once, len(self._urgent))):
            # A scrape that comes into a flood of the urgent would otherwise wait for all of them.
            (self._urgent.pop() if number % 2 else self._urgent.popleft())()
        for _ in range(others):
            self._others.popleft()()
        if self._urgent or self._others:
            loop.call_soon(self._let_in)

    def _pace(self, now: float) -> None:
        last, self._last = self._last, now
        if last is not None:
            slow = now - last > TURN_SECONDS
            self._at_once = max(1, self._at_once // 2) if slow else min(self._most, self._at_once + 1)


def _begin(turn: asyncio.Future[None]) -> None:
    if not turn.done():
        turn.set_result(None)
