"""Turns of the event loop, kept short: what many connections want at once is let in a few at a time.

Each step of the loop for each connection may have to wait for other threads; five hundred in one turn would hold up
whatever is urgent for as long as they take together.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

ACCEPTED_AT_ONCE: Final = 16
"""How many connections asyncio takes before it looks at others again."""


class Turnstile:
    """Lets ``at_once`` requests begin in each turn of the event loop, after up to ``urgent`` of those for monitoring.

    So a burst of requests makes many short turns, and what is urgent waits for one of them only. ``urgent`` is as many
    as there are new connections in a turn: monitoring is served as fast as it comes.
    """

    def __init__(self, at_once: int = 4, urgent: int = ACCEPTED_AT_ONCE) -> None:
        self._at_once = at_once
        self._urgent_at_once = urgent
        self._urgent: deque[asyncio.Future[None]] = deque()
        self._others: deque[asyncio.Future[None]] = deque()

    async def passed(self, urgent: bool) -> None:
        """Returns when it is the caller's turn."""
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[None] = loop.create_future()
        if not self._urgent and not self._others:
            loop.call_soon(self._let_in)
        (self._urgent if urgent else self._others).append(turn)
        await turn

    def _let_in(self) -> None:
        for number in range(min(self._urgent_at_once, len(self._urgent))):
            # A scrape that comes into a flood of the urgent would otherwise wait for all of them.
            self._begin(self._urgent.pop() if number % 2 else self._urgent.popleft())
        for _ in range(min(self._at_once, len(self._others))):
            self._begin(self._others.popleft())
        if self._urgent or self._others:
            asyncio.get_running_loop().call_soon(self._let_in)

    def _begin(self, turn: asyncio.Future[None]) -> None:
        if not turn.done():
            turn.set_result(None)


class Queue:
    """Calls what is put into it, ``at_once`` in each turn of the event loop and in their order."""

    def __init__(self, at_once: int = 16) -> None:
        self._at_once = at_once
        self._waiting: deque[Callable[[], None]] = deque()

    def put(self, call: Callable[[], None]) -> None:
        """Have ``call`` called in a later turn."""
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._let_in)
        self._waiting.append(call)

    def _let_in(self) -> None:
        for _ in range(min(self._at_once, len(self._waiting))):
            self._waiting.popleft()()
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._let_in)
