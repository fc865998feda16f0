"""The size a request body may have: judged by its Content-Length, and again while it streams in.

So a body without a declared length (chunked, RFC 9112 section 7.1) stops at the same limit. Bodies that are kept in
memory share a budget as well, for as long as their requests last; an upload goes to a file and has a budget there.
"""

from __future__ import annotations

from collections.abc import Mapping

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from stack.app.http import problems

IN_MEMORY = 16 << 20
"""Bytes of all bodies at a time. What is made of them costs several times as much."""
FREE = 16 << 10
"""Bytes of each body that are not counted, so that small requests pass while large ones wait."""


class BodyLimit:
    """Answers 413 above ``limit`` bytes; ``uploads`` gives some paths a limit of their own."""

    def __init__(self, app: ASGIApp, limit: int, uploads: Mapping[str, int]) -> None:
        self._app = app
        self._limit = limit
        self._uploads = dict(uploads)
        self._room = max(IN_MEMORY, limit)
        self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = self._uploads.get(scope["path"], self._limit)
        declared = Headers(scope=scope).get("content-length", "0")
        if declared.isdecimal() and int(declared) > limit:
            await _too_large(limit).answer(scope, receive, send)
            return
        kept = scope["path"] not in self._uploads
        received = held = 0

        async def counting() -> Message:
            nonlocal received, held
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                raise _too_large(limit)
            if kept and received - FREE > held:
                more = received - FREE - held
                if self._held + more > self._room:
                    raise problems.Problem(
                        503, "other requests take the room for bodies: try again later", headers=_BUSY
                    )
                self._held += more
                held += more
            return message

        try:
            await self._app(scope, counting, send)
        finally:
            self._held -= held


_BUSY = {"Retry-After": "5", "Connection": "close"}


class _TooLarge(problems.Problem):
    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The same problem, where no handler of exceptions is above us."""
        await problems.response(self.status_code, self.detail, self.headers)(scope, receive, send)


def _too_large(limit: int) -> _TooLarge:
    # The connection stays: closed on a client that still sends, it would be reset, and the answer with it.
    return _TooLarge(413, f"the body is larger than {limit} bytes: send less")
