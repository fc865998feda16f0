"""HTTP/1.1 as h11 reads it, less what two readers may read differently, and what costs far more than it carries."""

from __future__ import annotations

from typing import Final

import h11

_FREE_CHUNKS: Final = 64
_LEAST_AVERAGE: Final = 64


class StrictConnection(h11.Connection):
    """A server's side of a connection. Raises RemoteProtocolError in more cases than ``h11.Connection``.

    Content-Length beside Transfer-Encoding, or Transfer-Encoding in HTTP/1.0: the framing is faulty (RFC 9112 section
    6.1). Chunks of a few bytes each: thousands of them cost as much time as megabytes in one.
    """

    def __init__(self, max_incomplete_event_size: int) -> None:
        super().__init__(h11.SERVER, max_incomplete_event_size)
        self._chunks = -1
        self._bytes = 0

    def next_event(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        """See ``h11.Connection``."""
        event = super().next_event()
        if isinstance(event, h11.Request):
            self._begin(event)
        elif isinstance(event, h11.Data) and self._chunks >= 0:
            self._chunks += 1
            self._bytes += len(event.data)
            if self._chunks > _FREE_CHUNKS and self._bytes < self._chunks * _LEAST_AVERAGE:
                raise h11.RemoteProtocolError("the chunks are too small")
        return event

    def _begin(self, request: h11.Request) -> None:
        names = {name for name, _ in request.headers}
        encoded = b"transfer-encoding" in names
        if encoded and (b"content-length" in names or request.http_version < b"1.1"):
            raise h11.RemoteProtocolError("Transfer-Encoding where it must not be")
        self._chunks, self._bytes = (0 if encoded else -1), 0
