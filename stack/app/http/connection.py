"""One client's connection: uvicorn's, prompt, strict, and with a time limit for everything that a client may delay.

A client that is slow, sends garbage or never reads loses its connection and nothing else: no task waits for it, no
answer lies about, and the log doesn't blame us. When there are too many connections a few more are let in, for
monitoring only. Apart from that it must never look at what a request asks for.
"""

from __future__ import annotations

import asyncio
import struct
from contextlib import suppress
from http import HTTPStatus
from itertools import chain, takewhile
from socket import IPPROTO_TCP, SO_LINGER, SO_RCVBUF, SO_SNDBUF, SOL_SOCKET, TCP_NODELAY
from typing import Any, cast

import h11
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from stack.app.http import problems
from stack.app.http.hangups import HangUps
from stack.app.http.strict import MOST_FIELDS, StrictConnection
from stack.app.http.turns import Turnstile

HEAD_SECONDS = 10.0
STALL_SECONDS = 10.0
MOST_CONNECTIONS = 500
"""Of the 1,024 descriptors that a process often has, files and databases need some; asyncio logs without end when
there are none left."""
SPARE_CONNECTIONS = 256
SPARE_SECONDS = 2.0
"""For the head of a spare connection, and for its client to take a part of the answer."""
PROMPT_SECONDS = 0.25
"""In which a client that is there to be told something asks, and takes a part of the answer."""
BUFFER_BYTES = 32 * 1024
"""Of the system for each direction of a connection; left to itself it would lend megabytes."""
READ_BYTES = 16 * 1024
MUCH_BYTES = 4 * 1024
"""Who sends so much at once is read again when others have had their turn."""
EVENTS_AT_ONCE = 8
"""Parts of a body, such as chunks, that are taken from what has been read before others have their turn."""
REFUSALS = {
    400: "this is no HTTP/1.1 request (RFC 9112): correct its form",
    431: f"the head is larger than 16 KiB or has more than {MOST_FIELDS} fields: send less",
    421: "an https address needs a connection with TLS (RFC 9110, section 7.4): ask for http, or the port of https",
    501: "this transfer coding or method is not known here: use chunked, or Content-Length; this is no proxy",
    505: "only HTTP/1.1 and HTTP/1.0 are spoken here",
}
MONITORING = frozenset(("/metrics", "/health", "/health/gates", "/health/detailed", "/alerts"))
PROMPT = tuple(f"GET {path}{end}".encode() for path in sorted(MONITORING) for end in " ?")


class Connection(H11Protocol):
    """Closes when no whole head has come within ``head_seconds``, or ``timeout_keep_alive`` after an answer.

    Cut off when the client takes nothing of an answer for ``stall_seconds``. Beyond ``most`` connections each new one
    replaces one of the ``spare`` ones, and only ``MONITORING`` is served there, in less time. The first to be replaced
    are those of which nothing was asked, then those whose clients do not read.
    """

    head_seconds = HEAD_SECONDS
    stall_seconds = STALL_SECONDS
    most = MOST_CONNECTIONS
    spare = SPARE_CONNECTIONS

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.conn: StrictConnection = StrictConnection(self.config.h11_max_incomplete_event_size or 16 * 1024)
        self._task: asyncio.Task[Any] | None = None
        self._stall: asyncio.TimerHandle | None = None
        self._made = self._asked = 0.0
        self._gone = self._lost = self._waits = False
        shared = vars(self.server_state)
        self._spares: dict[Connection, None] = shared.setdefault("spares", {})
        self._stalled_spares: dict[Connection, float] = shared.setdefault("stalled_spares", {})
        self._turnstile: Turnstile = shared.setdefault("turnstile", Turnstile())
        if "hang_ups" not in shared:
            shared["hang_ups"] = HangUps(self.loop)
        self._hang_ups: HangUps = shared["hang_ups"]

    # What belongs to a lost connection must not wait for Python's collector: with hundreds a second it would stop all
    # others for long. So nothing here refers to the connection in a circle, or the circle is opened at its end.
    @property
    def app(self) -> ASGIApp:
        """What uvicorn calls for each request."""
        return self._served

    @app.setter
    def app(self, app: ASGIApp) -> None:
        self._loaded_app = app

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """See ``asyncio.Protocol``."""
        super().connection_made(transport)
        self.conn.secure = self.scheme == "https"
        self._made = self.loop.time()
        seconds = self.head_seconds
        if len(self.connections) - len(self._spares) > self.most:
            if len(self._spares) >= self.spare:
                self._replace_spare()
            self._spares[self] = None
            seconds = min(seconds, SPARE_SECONDS)
        # asyncio does this only for sockets made with an explicit protocol; else each answer waits for a delayed ACK.
        socket = transport.get_extra_info("socket")
        socket.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
        transport.max_size = READ_BYTES  # type: ignore[attr-defined]  # of asyncio's socket transports
        for buffer in (SO_RCVBUF, SO_SNDBUF):
            socket.setsockopt(SOL_SOCKET, buffer, BUFFER_BYTES)
        # So that whatever is not taken starts the clock; with TLS, 0 would stop it at once.
        transport.set_write_buffer_limits(high=1, low=0)
        self.timeout_keep_alive_task = self.loop.call_later(seconds, self.timeout_keep_alive_handler)
        self._descriptor = socket.fileno()

    def _replace_spare(self) -> None:
        """Cuts off one that is asked nothing, else one that is not read, else the oldest."""
        before = self.loop.time() - PROMPT_SECONDS
        early = takewhile(lambda each: each._made < before, self._spares)
        unasked = (each for each in early if not each._at_work() or each.scope["method"] != "GET")
        unread = (each for each, since in self._stalled_spares.items() if since < before)
        next(chain(unasked, unread, self._spares))._give_up()

    def _give_up(self) -> None:
        self._leave_spares()
        self.cut_off()

    def _leave_spares(self) -> None:
        self._spares.pop(self, None)
        self._stalled_spares.pop(self, None)

    def connection_lost(self, exc: Exception | None) -> None:
        """Whoever has gone needs no answer: the work for it is told to stop."""
        self._lost = True
        self._leave_spares()
        self._hang_ups.forget(self._descriptor)
        super().connection_lost(exc)
        self.cycle = self.scope = None  # type: ignore[assignment]
        self._unset_keepalive_if_required()
        self._unset_stall()
        if self._task is not None:
            self._task.cancel()

    def data_received(self, data: bytes) -> None:
        """What asks how things are is read at once; all else takes its turn, and only then counts as a request."""
        fresh = self.conn.their_state is h11.IDLE and not self.conn.trailing_data[0]
        self.conn.receive_data(data)
        if fresh and data.startswith(PROMPT):
            self.handle_events()
        else:
            self._read_later(pause=self._waits or len(data) >= MUCH_BYTES)
        self._notice_if_gone()

    def handle_events(self) -> None:
        """A few of the inherited one's at a time; it takes a whole head to stop the clock, not any byte."""
        self.conn.allow(EVENTS_AT_ONCE)
        super().handle_events()
        if self._at_work():
            self._unset_keepalive_if_required()
        if self.conn.has_more and not self.transport.is_closing():
            self._read_later(pause=True)

    def _read_later(self, pause: bool) -> None:
        if pause:
            self.transport.pause_reading()
        if not self._waits:
            self._waits = True
            self._turnstile.put(self._read_on)

    def _read_on(self) -> None:
        self._waits = False
        if self._lost or self.transport.is_closing():
            return
        self.handle_events()
        if not self._waits and not self.flow.read_paused:
            self.transport.resume_reading()
        self._notice_if_gone()

    def _notice_if_gone(self) -> None:
        if not self.transport.is_reading():
            self._leave_if_gone()
            self._hang_ups.watch(self._descriptor, self._client_gone)

    def _client_gone(self) -> None:
        self._gone = True
        self._leave_if_gone()

    def _leave_if_gone(self) -> None:
        """While it is read, it is told in order: after what the client sent before it went."""
        if self._gone and not self.transport.is_reading() and not self.transport.is_closing():
            self.cut_off()

    def pause_writing(self) -> None:
        """The client has not taken everything yet."""
        super().pause_writing()
        self._unset_stall()
        seconds = self.stall_seconds
        if self in self._spares:
            self._stalled_spares[self] = self.loop.time()
            seconds = min(seconds, SPARE_SECONDS)
        self._stall = self.loop.call_later(seconds, self.cut_off)

    def resume_writing(self) -> None:
        """It has."""
        self._unset_stall()
        self._stalled_spares.pop(self, None)
        super().resume_writing()

    def timeout_keep_alive_handler(self) -> None:
        """The time is up, unless a request has come that waits for its turn."""
        if self._waits:
            self.handle_events()
            if self._at_work():
                return
        half_a_head, _ = self.conn.trailing_data
        if half_a_head and self.conn.our_state is h11.IDLE and not self.transport.is_closing():
            self._refuse(408, "no whole request came in time: send it faster")
        else:
            super().timeout_keep_alive_handler()

    def send_400_response(self, msg: str) -> None:
        """Refuses what is no HTTP."""
        del msg
        self._refuse(self.conn.fault, REFUSALS.get(self.conn.fault, REFUSALS[400]))

    def cut_off(self) -> None:
        """Ends the connection at once, whatever is under way or still to be sent."""
        if self._at_work():
            self.cycle.disconnected = True
        with suppress(OSError):
            # A reset: else the system would go on trying to deliver what it has.
            socket = self.transport.get_extra_info("socket")
            socket.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()

    async def _served(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._task = asyncio.current_task()
        extensions = {"cut_off": self.cut_off, "is_gone": lambda: self._lost}
        try:
            await self._turnstile.passed(self._is_urgent(scope))
            if self in self._spares:
                self.cycle.keep_alive = False
                if scope["path"] not in MONITORING:
                    busy = "too many connections: try again later"
                    await problems.response(503, busy, {"Retry-After": "5"})(scope, receive, send)
                    return
            await self._loaded_app({**scope, "extensions": extensions}, receive, send)
        except asyncio.CancelledError:
            if not self._lost:
                raise
        finally:
            self._task = None

    def _is_urgent(self, scope: Scope) -> bool:
        """Whether it only wants to know how things are, and has not been told within the last second.

        Who sends the next request before the answer does not wait for it.
        """
        before, self._asked = self._asked, self.loop.time()
        alone = self._asked - before > 1 and not self.conn.trailing_data[0]
        return alone and scope["method"] == "GET" and scope["path"] in MONITORING

    def _at_work(self) -> bool:
        # The cycle is None before the first request, though its annotation has no word for that.
        return cast("object", self.cycle) is not None and not self.cycle.response_complete

    def _unset_stall(self) -> None:
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None

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
