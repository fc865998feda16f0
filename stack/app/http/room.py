"""Memory that many requests share: each says what it may need before it takes it, and waits its turn."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Room:
    """``size`` bytes; who comes first is served first. For one event loop only."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._free = size
        self._waiting: dict[asyncio.Future[None], int] = {}

    @asynccontextmanager
    async def held(self, count: int) -> AsyncIterator[None]:
        """``count`` bytes for the length of the block, or all of them if there are fewer."""
        count = min(count, self._size)
        await self._take(count)
        try:
            yield
        finally:
            self._give(count)

    async def _take(self, count: int) -> None:
        if not self._waiting and count <= self._free:
            self._free -= count
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[turn] = count
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._give(count)
            else:
                self._waiting.pop(turn, None)  # whoever gave meanwhile has passed over it
                self._give(0)
            raise

    def _give(self, count: int) -> None:
        self._free += count
        while self._waiting:
            turn, needed = next(iter(self._waiting.items()))
            if not turn.done():
                if needed > self._free:
                    return
                self._free -= needed
                turn.set_result(None)
            del self._waiting[turn]
