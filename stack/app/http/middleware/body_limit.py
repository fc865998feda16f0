"""The size a request body may have: judged by its Content-Length, and again while it streams in.

So a body without a declared length (chunked, RFC 9112 section 7.1) stops at the same limit, and memory never holds
more than the limit and one part.
"""

from __future__ import annotations

from collections.abc import Mapping

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from stack.app.http import problems


class BodyLimit:
    """Answers 413 above ``limit`` bytes; ``uploads`` gives some paths a limit of their own."""

    def __init__(self, app: ASGIApp, limit: int, uploads: Mapping[str, int]) -> None:
        self._app = app
        self._limit = limit
        self._uploads = dict(uploads)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = self._uploads.get(scope["path"], self._limit)
        declared = Headers(scope=scope).get("content-length", "0")
        if declared.isdecimal() and int(declared) > limit:
            await _too_large(limit).answer(scope, receive, send)
            return
        received = 0

        async def counting() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                raise _too_large(limit)
            return message

        await self._app(scope, counting, send)


class _TooLarge(problems.Problem):
    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The same problem, where no handler of exceptions is above us."""
        await problems.response(self.status_code, self.detail, self.headers)(scope, receive, send)


def _too_large(limit: int) -> _TooLarge:
    # The connection stays: closed on a client that still sends, it would be reset, and the answer with it.
    return _TooLarge(413, f"the body is larger than {limit} bytes: send less")
