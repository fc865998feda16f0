"""The time a request may take, from its first line to the start of its answer's last part.

A body that doesn't arrive in time is the client's fault (408); work that doesn't end in time is ours (503). What was
begun in a thread is not torn down half-way: it ends by itself, unheard.
"""

from __future__ import annotations

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from stack.app.http import problems


class Deadline:
    """Answers 408 or 503 after ``seconds``; an answer that has begun is cut off."""

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        self._app = app
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        awaiting = complete = started = False

        async def receiving() -> Message:
            nonlocal awaiting, complete
            awaiting = not complete
            message = await receive()
            awaiting, complete = False, not message.get("more_body", False)
            return message

        async def sending(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        limit = asyncio.timeout(self._seconds)
        try:
            async with limit:
                await self._app(scope, receiving, sending)
        except TimeoutError:
            if not limit.expired() or started:
                raise
            await self._late(awaiting)(scope, receive, send)

    def _late(self, awaiting: bool) -> ASGIApp:
        if awaiting:
            detail = (
                f"the body did not arrive within {self._seconds:g} s: send it faster or in smaller requests"
            )
            return problems.response(408, detail, {"Connection": "close"})
        detail = f"no answer within {self._seconds:g} s: try again later; the work may still be completed"
        return problems.response(503, detail, {"Retry-After": "5"})
