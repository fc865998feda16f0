"""The time a request may take, from its first line to the start of its answer's last part.

A body that doesn't arrive in time is the client's fault (408); work that doesn't end in time is ours (503), and is told
to stop. An answer that has begun is cut off, and its connection with it: a client that doesn't read holds nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from time import monotonic

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from stack.app.http import problems

PIECE = 16 * 1024
"""Bytes that are handed to a connection at once; the next ones follow when the client has taken them."""


class Deadline:
    """Answers 408 or 503 after ``seconds``, or cuts off an answer that has begun.

    ``state.ends`` of a request is when, in seconds of ``time.monotonic``.
    """

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        self._app = app
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        awaiting = complete = started = False
        scope.setdefault("state", {})["ends"] = monotonic() + self._seconds

        async def receiving() -> Message:
            nonlocal awaiting, complete
            awaiting = not complete
            message = await receive()
            awaiting, complete = False, not message.get("more_body", False)
            return message

        async def sending(message: Message) -> None:
            nonlocal started
            started = True
            for piece in _pieces(message):
                await send(piece)

        limit = asyncio.timeout(self._seconds)
        try:
            async with limit:
                await self._app(scope, receiving, sending)
        except TimeoutError:
            cut_off = scope.get("extensions", {}).get("cut_off")
            if not limit.expired() or (started and cut_off is None):
                raise
            if started:
                cut_off()
            else:
                await self._late(awaiting)(scope, receive, send)

    def _late(self, awaiting: bool) -> ASGIApp:
        if awaiting:
            detail = (
                f"the body did not arrive within {self._seconds:g} s: send it faster or in smaller requests"
            )
            return problems.response(408, detail, {"Connection": "close"})
        detail = f"no answer within {self._seconds:g} s: try again later; the work may still be completed"
        return problems.response(503, detail, {"Retry-After": "5"})


def _pieces(message: Message) -> Iterator[Message]:
    body = message.get("body", b"")
    if message["type"] != "http.response.body" or len(body) <= PIECE:
        yield message
        return
    more = message.get("more_body", False)
    for start in range(0, len(body), PIECE):
        end = start + PIECE
        yield {**message, "body": body[start:end], "more_body": end < len(body) or more}
