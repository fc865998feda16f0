"""The server that runs the application, and the order in which it ends.

First nobody new is let in; requests in progress have ``DRAIN_SECONDS`` to finish; then tool calls that still run are
given up, so that they are answered and audited; what even so hasn't ended ``GRACE_SECONDS`` later is cancelled.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any

import uvicorn

from stack.app.context import AppContext
from stack.app.http.app import create_app
from stack.app.http.connection import HEAD_SECONDS, Connection
from stack.app.http.handshakes import Handshakes
from stack.app.http.turns import ACCEPTED_AT_ONCE
from stack.app.settings import CannotStart

DRAIN_SECONDS = 1
GRACE_SECONDS = 1
QUEUED = 1024
"""Connections that the system keeps until they are taken; one that finds no place tries again only a second later."""


class Server(uvicorn.Server):
    """Serves one context until SIGTERM or SIGINT. Raises CannotStart."""

    handshake_seconds = HEAD_SECONDS

    def __init__(self, context: AppContext) -> None:
        cert, key = context.settings.tls_cert, context.settings.tls_key
        super().__init__(
            uvicorn.Config(
                create_app(context),
                loop="asyncio",
                http=Connection,
                ws="none",
                lifespan="on",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                backlog=ACCEPTED_AT_ONCE,
                timeout_graceful_shutdown=DRAIN_SECONDS + GRACE_SECONDS,
                ssl_certfile=cert,
                ssl_keyfile=key,
            )
        )
        self._tools = context.tools
        try:
            self.config.load()
        except OSError as problem:
            raise CannotStart(f"{cert}, {key}: not a PEM certificate and its key ({problem})") from None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """See ``uvicorn.Server``."""
        loop = asyncio.get_running_loop()
        create_server = loop.create_server

        async def create(make: Callable[[], asyncio.Protocol], *, ssl: Any = None, **options: Any) -> Any:
            serve = make if ssl is None else Handshakes(ssl, make, self.handshake_seconds).serve
            return await create_server(serve, **options)

        # uvicorn would leave the handshakes to asyncio, which counts none of them.
        loop.create_server = create  # type: ignore[assignment, method-assign]
        await super().startup(sockets)
        for listening in sockets or ():
            listening.listen(QUEUED)  # asyncio has set it to how many it takes at once

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """See ``uvicorn.Server``."""
        asyncio.get_running_loop().call_later(DRAIN_SECONDS, self._tools.stop)
        await super().shutdown(sockets)
