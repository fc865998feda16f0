"""The bearer token (RFC 6750): with one configured, every address but ``/health`` needs it.

The comparison takes the same time for any token; the token never reaches a log or an answer.
"""

from __future__ import annotations

from hmac import compare_digest

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from stack.app.http import problems

OPEN_PATHS = frozenset({"/health"})


class Token:
    """Answers 401 unless the request carries ``Authorization: Bearer <token>``."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._expected = token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in OPEN_PATHS or self._authorized(scope):
            await self._app(scope, receive, send)
            return
        refused = problems.response(
            401, "this needs the header 'Authorization: Bearer <token>'", {"WWW-Authenticate": "Bearer"}
        )
        await refused(scope, receive, send)

    def _authorized(self, scope: Scope) -> bool:
        scheme, _, given = Headers(scope=scope).get("authorization", "").partition(" ")
        # Starlette reads a header's bytes as Latin-1, whatever they are.
        sent = given.strip(" ").encode("latin-1")
        return scheme.lower() == "bearer" and compare_digest(sent, self._expected)
