"""What routes share: the context they act on, and the way to run blocking work off the event loop.

No state of its own; work that outlives its request ends by itself, unheard.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar, cast

from anyio import CapacityLimiter, to_thread
from fastapi import Depends, Request

from stack.app.context import AppContext

T = TypeVar("T")


# Async, though they wait for nothing: FastAPI runs plain functions in threads, where a request would queue behind all
# others, those that wait for a database included.
async def _context(request: Request) -> AppContext:
    return cast("AppContext", request.app.state.context)


def _threads(name: str) -> Callable[[Request], Awaitable[CapacityLimiter]]:
    async def found(request: Request) -> CapacityLimiter:
        return cast("CapacityLimiter", getattr(request.app.state, name))

    return found


Context = Annotated[AppContext, Depends(_context)]
ToolThreads = Annotated[CapacityLimiter, Depends(_threads("tool_threads"))]
ArchiveThreads = Annotated[CapacityLimiter, Depends(_threads("archive_threads"))]
StoreThreads = Annotated[CapacityLimiter, Depends(_threads("store_threads"))]


async def offload(call: Callable[[], T], limiter: CapacityLimiter | None = None) -> T:
    """Runs ``call`` in a thread; a cancelled request stops waiting for it."""
    return await to_thread.run_sync(call, abandon_on_cancel=True, limiter=limiter)
