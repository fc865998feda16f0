"""One client's connection: uvicorn's, prompt, with a time limit for a request's head and problems for bad HTTP.

A client that is slow, or sends garbage, loses its connection and nothing else: no task waits for it, and the log
doesn't blame us. It must never look at what a request asks for.
"""

from __future__ import annotations

from asyncio import Transport
from contextlib import suppress
from http import HTTPStatus
from socket import IPPROTO_TCP, TCP_NODELAY
from typing import cast

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from stack.app.http import problems

HEAD_SECONDS = 10.0
MOST_CONNECTIONS = 500
"""Of the 1,024 descriptors that a process often has, files and databases need some; asyncio logs without end when
there are none left."""


class Connection(H11Protocol):
    """Closes when no whole head has come within ``head_seconds``, or ``timeout_keep_alive`` after an answer."""

    head_seconds = HEAD_SECONDS
    most = MOST_CONNECTIONS

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """See ``asyncio.Protocol``."""
        super().connection_made(transport)
        if len(self.connections) > self.most:
            transport.abort()
            return
        # asyncio does this only for sockets made with an explicit protocol; else each answer waits for a delayed ACK.
        transport.get_extra_info("socket").setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
        self.timeout_keep_alive_task = self.loop.call_later(
            self.head_seconds, self.timeout_keep_alive_handler
        )

    def data_received(self, data: bytes) -> None:
        """Like the inherited one, but it takes a whole head to stop the clock, not any byte."""
        self.conn.receive_data(data)
        self.handle_events()
        if self._at_work():
            self._unset_keepalive_if_required()

    def timeout_keep_alive_handler(self) -> None:
        """The time is up."""
        half_a_head, _ = self.conn.trailing_data
        if half_a_head and self.conn.our_state is h11.IDLE and not self.transport.is_closing():
            self._refuse(408, "no whole request came in time: send it faster")
        else:
            super().timeout_keep_alive_handler()

    def send_400_response(self, msg: str) -> None:
        """Refuses what is no HTTP."""
        del msg
        self._refuse(400, "this is no HTTP/1.1 request (RFC 9112): correct its form")

    def _at_work(self) -> bool:
        # The cycle is None before the first request, though its annotation has no word for that.
        return cast("object", self.cycle) is not None and not self.cycle.response_complete

    def _refuse(self, status: int, detail: str) -> None:
        if self._at_work():
            self.cycle.disconnected = True
        answer = problems.response(status, detail, {"Connection": "close"})
        reason = HTTPStatus(status).phrase.encode()
        # Garbage may also come where no answer can stand, behind or within one.
        with suppress(h11.LocalProtocolError):
            for event in (
                h11.Response(status_code=status, headers=answer.raw_headers, reason=reason),
                h11.Data(data=bytes(answer.body)),
                h11.EndOfMessage(),
            ):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()
