"""HTTP/1.1 as h11 reads it, less what two readers may read differently, and what costs far more than it carries."""

from __future__ import annotations

import re
from typing import Any, Final

import h11

from stack.app.http.target import in_origin_form

MOST_FIELDS: Final = 100
_HEAD_END: Final = re.compile(rb"\n\r?\n")
_FREE_CHUNKS: Final = 64
_LEAST_AVERAGE: Final = 64


class StrictConnection(h11.Connection):
    """A server's side of a connection. Raises RemoteProtocolError in more cases than ``h11.Connection``.

    Content-Length beside Transfer-Encoding, or Transfer-Encoding in HTTP/1.0: the framing is faulty (RFC 9112 section
    6.1). Lines of a head that end with CR or LF alone, or go on in the next one (sections 2.2 and 5.2), and such lines
    behind a chunked body: where one reader takes it to end, another reads on into the next request. Chunks of a few
    bytes each: thousands of them cost as much time as megabytes in one. More than MOST_FIELDS fields, in the head or
    behind the body: 16 KiB can hold four thousand. A version that is not 1.x, such as the opening of HTTP/2.

    ``allow`` sets how many parts of a body are given before ``NEED_DATA`` is, with ``has_more``. ``fault`` is the HTTP
    status for what was wrong. An answer to ``Expect: 100-continue`` without that 100 ends the connection: the client
    may go on with the body or with a next request, and both look alike.
    """

    def __init__(self, max_incomplete_event_size: int) -> None:
        super().__init__(h11.SERVER, max_incomplete_event_size)
        self.fault = 400
        self._largest_head = max_incomplete_event_size
        self._chunks = -1
        self._bytes = 0
        self._allowed = 0
        self.has_more = self.secure = False

    def allow(self, parts: int) -> None:
        """From now on; where nothing was allowed yet, none are given."""
        self._allowed = parts
        self.has_more = False

    def next_event(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        """See ``h11.Connection``."""
        if self.their_state is h11.SEND_BODY and not self._allowed:
            self.has_more = True
            return h11.NEED_DATA
        try:
            if self.their_state is h11.IDLE:
                self._judge_head()
            before = self.trailing_data[0] if self._chunks >= 0 else b""
            event = super().next_event()
            if isinstance(event, h11.Request):
                self._begin(event)
                event = in_origin_form(event, self.secure)
            elif isinstance(event, h11.Data):
                self._allowed -= 1
                self._count(len(event.data))
            elif isinstance(event, h11.EndOfMessage):
                _judge_lines(before[: len(before) - len(self.trailing_data[0])])
                if len(event.headers) > MOST_FIELDS:
                    raise h11.RemoteProtocolError("too many fields", error_status_hint=431)
        except h11.RemoteProtocolError as fault:
            self.fault = fault.error_status_hint
            # h11's own frames hold the error, and through its traceback themselves.
            raise fault.with_traceback(None)  # noqa: B904
        return event

    def send(self, event: h11.Event) -> Any:
        """See ``h11.Connection``."""
        if isinstance(event, h11.Response) and self.they_are_waiting_for_100_continue:
            headers = [*event.headers, (b"connection", b"close")]
            event = h11.Response(status_code=event.status_code, headers=headers, reason=event.reason)
        return super().send(event)

    def _judge_head(self) -> None:
        received, _ = self.trailing_data
        end = _HEAD_END.search(received)
        head = received[: end.end()] if end else received
        # h11 judges the size of what is not whole yet only; the last two lines end the head.
        if len(head) > self._largest_head or head.count(b"\n") > MOST_FIELDS + (2 if end else 0):
            raise h11.RemoteProtocolError("too large a head, or too many fields", error_status_hint=431)
        _judge_lines(head)

    def _begin(self, request: h11.Request) -> None:
        if not request.http_version.startswith(b"1."):
            raise h11.RemoteProtocolError("no HTTP/1.x", error_status_hint=505)
        names = {name for name, _ in request.headers}
        encoded = b"transfer-encoding" in names
        if encoded and (b"content-length" in names or request.http_version < b"1.1"):
            raise h11.RemoteProtocolError("Transfer-Encoding where it must not be")
        self._chunks, self._bytes = (0 if encoded else -1), 0

    def _count(self, size: int) -> None:
        if self._chunks < 0:
            return
        self._chunks += 1
        self._bytes += size
        if self._chunks > _FREE_CHUNKS and self._bytes < self._chunks * _LEAST_AVERAGE:
            raise h11.RemoteProtocolError("the chunks are too small")


def _judge_lines(fields: bytes) -> None:
    line_ends = fields.count(b"\r\n")
    odd = line_ends != fields.count(b"\n") or line_ends != fields.removesuffix(b"\r").count(b"\r")
    if odd or b"\n " in fields or b"\n\t" in fields:
        raise h11.RemoteProtocolError("lines that end, or go on, in an unusual way")
