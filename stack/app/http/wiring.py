"""What routes share: the context they act on, and the lanes in which blocking work runs off the event loop.

Each kind of work has threads of its own, so that none waits behind another; metrics, health and alerts least of all.
Work that outlives its request is told to stop, keeps its thread until it does, and is heard by nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from functools import partial
from typing import Annotated, Generic, TypeVar, cast

from fastapi import Depends, Request

from stack.app.context import AppContext
from stack.app.gates import lookup
from stack.app.gates.url import Resolver, name_asked, system_resolver
from stack.app.http.turns import Turnstile
from stack.app.tools.workers import Workers

STORE_CALLS_AT_ONCE = 6
ANSWERS_AT_ONCE = 64
"""Answers of a page that are made or sent at the same time: clients that don't read hold no more than these."""
ALERT_ANSWERS_AT_ONCE = 32
PAGE_BYTES = 256 * 1024
K = TypeVar("K")
T = TypeVar("T")


class Lanes:
    """Threads by the kind of work; in all, with those of the tools, well below a container's limit of processes."""

    def __init__(self) -> None:
        self.gates = Workers(1, "gates")
        self.lookups = Workers(16, "lookups")
        self.archives = Workers(2, "archives")
        self.ingest = Workers(4, "ingest")
        self.tools = Workers(32, "tools")
        self.store = Workers(STORE_CALLS_AT_ONCE, "store")
        self.alerts = Workers(2, "alerts")
        self.bodies = Workers(1, "bodies")
        self.metrics = Workers(1, "metrics")
        self.health = Workers(1, "health")
        self.probe = Workers(1, "probe")


class Newest(Generic[K, T]):
    """Something costly that many may ask for at once: made once for all who came before the making began."""

    def __init__(self, make: Callable[[K], Awaitable[T]]) -> None:
        self._make = make
        self._next: dict[K, asyncio.Task[T]] = {}
        self._turns: dict[K, asyncio.Lock] = {}
        self._told = Turnstile()

    async def get(self, key: K) -> T:
        """The result for ``key``, made after this was called."""
        task = self._next.get(key)
        if task is None:
            task = self._next[key] = asyncio.ensure_future(self._made(key))
        made = await asyncio.shield(task)
        # Hundreds may have waited, and each makes an answer of it.
        await self._told.passed(urgent=True)
        return made

    async def _made(self, key: K) -> T:
        async with self._turns.setdefault(key, asyncio.Lock()):
            del self._next[key]
            return await self._make(key)


# Async, though they wait for nothing: FastAPI runs plain functions in threads of a pool that all requests share.
async def _context(request: Request) -> AppContext:
    return cast("AppContext", request.app.state.context)


async def _lanes(request: Request) -> Lanes:
    return cast("Lanes", request.app.state.lanes)


async def _turn(request: Request) -> AsyncIterator[None]:
    """Lasts until the answer is sent."""
    async with cast("asyncio.Semaphore", request.app.state.answers):
        yield


async def _alerts_turn(request: Request) -> AsyncIterator[None]:
    async with cast("asyncio.Semaphore", request.app.state.alert_answers):
        yield


Context = Annotated[AppContext, Depends(_context)]
InLanes = Annotated[Lanes, Depends(_lanes)]
IN_TURN = [Depends(_turn)]
"""For a route with a large answer: as many as ``ANSWERS_AT_ONCE`` at a time."""
ALERTS_IN_TURN = [Depends(_alerts_turn)]
"""The same for alerts, which wait behind no other work and behind no answer of another kind."""


def page(items: Iterable[T], size: Callable[[T], int]) -> tuple[list[T], int]:
    """The first items that fit a page, at least one if there is any, and how many there are besides."""
    taken: list[T] = []
    room, left_out = PAGE_BYTES, 0
    for item in items:
        room -= size(item)
        if room < 0 and taken:
            left_out += 1
        else:
            taken.append(item)
    return taken, left_out


async def answered(context: AppContext, lanes: Lanes, url: str) -> Resolver:
    """A resolver that knows already what url_gate will ask it about ``url``: no thread waits for a name server.

    Raises TooManyLookups.
    """
    resolver = context.gates.resolver
    name = await lanes.gates.run(lambda: name_asked(url, context.gates.policy.url))
    if name is None:
        return resolver
    try:
        if resolver == system_resolver:
            async with asyncio.timeout(lookup.SECONDS):
                found = await asyncio.wrap_future(lookup.LOOKUPS.submit(name))
        else:
            found = list(await lanes.lookups.run(lambda: resolver(name)))
    except (OSError, ValueError) as failure:
        return partial(_fail, failure)
    return lambda _: found


def _fail(failure: Exception, host: str) -> list[str]:
    del host
    raise failure
