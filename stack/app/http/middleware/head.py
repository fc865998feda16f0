"""HEAD for every address that has GET (RFC 9110 section 9.1 asks it of any server): the same answer, no body.

And OPTIONS for the server as a whole, which is no address (section 9.3.7).
"""

from __future__ import annotations

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Head:
    """Runs a HEAD request as GET and drops the body."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        async def bodiless(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        scope["method"] = "GET"
        await self._app(scope, receive, bodiless)


class Options:
    """Answers ``OPTIONS *``, for whoever has passed the layers before."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == "*":
            await Response(status_code=204, headers={"Allow": "GET, HEAD, POST, OPTIONS"})(
                scope, receive, send
            )
        else:
            await self._app(scope, receive, send)
