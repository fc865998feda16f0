"""The size a request body may have: judged by its Content-Length, and again while it streams in.

So a body without a declared length (chunked, RFC 9112 section 7.1) stops at the same limit. Before a body that is kept
in memory is read, there must be room for what may become of it, until its request ends. An upload goes to a file and
has a limit there. A body that comes too slowly loses its place, of whatever kind it is.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from time import monotonic

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from stack.app.http import problems
from stack.app.http.bodies import MAX_VALUES
from stack.app.http.uploads import is_form

ROOM = 64 << 20
ALERTS_ROOM = 16 << 20
"""Alerts never wait behind other bodies."""
FREE = 2048
"""A body up to this size costs too little to wait for room."""
_LEAST_VALUE, _VALUE_BYTES = 3, 64  # "[],", and the list that it is
PATIENCE_SECONDS = 5.0
_LEAST_RATE = 100_000


class BodyLimit:
    """Answers 413 above ``limit`` bytes; ``uploads`` gives some paths a limit of their own for forms."""

    def __init__(self, app: ASGIApp, limit: int, uploads: Mapping[str, int]) -> None:
        self._app = app
        self._limit = limit
        self._uploads = dict(uploads)
        self._room, self._alerts_room = Room(ROOM), Room(ALERTS_ROOM)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        spooled = scope["path"] in self._uploads and is_form(Headers(scope=scope))
        limit = self._uploads[scope["path"]] if spooled else self._limit
        declared = _declared(scope, limit)
        if declared > limit:
            await _answer(_too_large(limit))(scope, receive, send)
        elif declared <= FREE or spooled:
            await self._app(scope, _paced(receive, limit), send)
        else:
            room = self._alerts_room if scope["path"] == "/alerts" else self._room
            async with room.held(_cost(declared)):
                try:
                    replaying = await _received(_paced(receive, limit))
                except problems.Problem as refused:
                    await _answer(refused)(scope, receive, send)
                else:
                    await self._app(scope, replaying, send)


def _declared(scope: Scope, limit: int) -> int:
    """Bytes of the body; the limit when only its end will tell."""
    headers = Headers(scope=scope)
    if "transfer-encoding" in headers:
        return limit
    length = headers.get("content-length", "0")
    return int(length) if length.isdecimal() else 0


def _cost(length: int) -> int:
    """Bytes of memory: the body twice, and the most that its values may take."""
    return 2 * length + _VALUE_BYTES * min(length // _LEAST_VALUE, MAX_VALUES)


def _paced(receive: Receive, limit: int) -> Receive:
    """Raises Problem when the body gets too large, or when the client was waited for longer than its bytes allow."""
    received, waited, more = 0, 0.0, True

    async def pacing() -> Message:
        nonlocal received, waited, more
        if not more:
            return await receive()
        began, patience = monotonic(), PATIENCE_SECONDS + received / _LEAST_RATE - waited
        try:
            async with asyncio.timeout(patience):
                message = await receive()
        except TimeoutError:
            raise problems.Problem(
                408,
                f"the body came slower than {_LEAST_RATE // 1000} kB/s after {PATIENCE_SECONDS:.0f} s: send it faster",
                headers={"Connection": "close"},
            ) from None
        waited += monotonic() - began
        more = message.get("more_body", False)
        received += len(message.get("body", b""))
        if received > limit:
            raise _too_large(limit)
        return message

    return pacing


async def _received(receive: Receive) -> Receive:
    """The whole body as one message. Raises Problem, ClientDisconnect."""
    body, more = bytearray(), True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message.get("body", b"")
        more = message.get("more_body", False)
    whole: list[Message] = [{"type": "http.request", "body": bytes(body), "more_body": False}]

    async def replaying() -> Message:
        return whole.pop() if whole else await receive()

    return replaying


def _too_large(limit: int) -> problems.Problem:
    # The connection stays: closed on a client that still sends, it would be reset, and the answer with it.
    return problems.Problem(413, f"the body is larger than {limit} bytes: send less")


def _answer(problem: problems.Problem) -> ASGIApp:
    """Where no handler of exceptions is above us."""
    return problems.response(problem.status_code, problem.detail, problem.headers)


class Room:
    """``size`` bytes of memory that requests share; who comes first is served first. For one event loop only."""

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
