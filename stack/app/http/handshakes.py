"""TLS handshakes under way: a bounded number of them, so that connections which never get further cost little.

Whoever only connects would otherwise hold 300 KiB each, for as long as a handshake may take, and be counted by nobody:
asyncio tells of a connection when its handshake is done.
"""

from __future__ import annotations

import asyncio
import ssl
from asyncio import sslproto
from collections.abc import Callable
from typing import Final, cast

AT_ONCE: Final = 128
RECORD_BYTES: Final = 16 * 1024 + 512
"""The largest TLS record (RFC 8446, section 5.2) and some more; asyncio's own buffer has 256 KiB."""


class Handshakes:
    """``serve`` is the protocol of plain connections. At most AT_ONCE shake hands; a new one replaces the oldest.

    Each has ``seconds`` for its handshake, and as many for its end.
    """

    def __init__(self, context: ssl.SSLContext, make: Callable[[], asyncio.Protocol], seconds: float) -> None:
        self._context = context
        self._make = make
        self._seconds = seconds
        self._under_way: dict[asyncio.Transport, asyncio.Task[None]] = {}
        sslproto.SSLProtocol.max_size = RECORD_BYTES  # the process serves this alone

    def serve(self) -> asyncio.Protocol:
        """A protocol for a connection that has just been accepted."""
        return _Waiting(self._begin)

    def _begin(self, transport: asyncio.Transport, waiting: _Waiting) -> None:
        if len(self._under_way) >= AT_ONCE:
            oldest = next(iter(self._under_way))
            del self._under_way[oldest]
            oldest.abort()
        self._under_way[transport] = asyncio.ensure_future(self._shaken(transport, waiting))

    async def _shaken(self, transport: asyncio.Transport, waiting: _Waiting) -> None:
        if transport.is_closing():  # replaced in the turn in which it came
            return
        try:
            secure = await asyncio.get_running_loop().start_tls(
                transport,
                waiting,
                self._context,
                server_side=True,
                ssl_handshake_timeout=self._seconds,
                ssl_shutdown_timeout=self._seconds,
            )
        except (OSError, ValueError):
            transport.abort()
        else:
            if secure is not None:
                waiting.become(self._make(), secure)
        finally:
            self._under_way.pop(transport, None)


class _Waiting(asyncio.Protocol):
    """Keeps what comes right behind a handshake until there is a protocol for it."""

    def __init__(self, begin: Callable[[asyncio.Transport, _Waiting], None]) -> None:
        self._begin = begin
        self._received: list[bytes] = []
        self._lost = False
        self._became: asyncio.Protocol | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See ``asyncio.Protocol``; ``start_tls`` does not call it again."""
        self._begin(cast(asyncio.Transport, transport), self)

    def data_received(self, data: bytes) -> None:
        """See ``asyncio.Protocol``."""
        self._received.append(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """See ``asyncio.Protocol``; asyncio may have chosen whom to tell just before the handing over."""
        self._lost = True
        if self._became is not None:
            self._became.connection_lost(exc)

    def become(self, protocol: asyncio.Protocol, transport: asyncio.Transport) -> None:
        """Hands the connection over, if it is still there."""
        if self._lost:
            return
        self._became = protocol
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        if self._received:
            protocol.data_received(b"".join(self._received))
