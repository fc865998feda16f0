"""HTTP over a socket of this machine, a connection for each request: a new one costs less than keeping them apart."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterator, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Self

from stack.engine.transport import Request, Unreachable

CHUNK = 1 << 16


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: str, seconds: float) -> None:
        super().__init__("docker", timeout=seconds)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class UnixTransport:
    """``stack.engine.transport.Transport`` to the engine at the socket ``path``."""

    def __init__(self, path: str) -> None:
        self._path = path

    def send(self, request: Request) -> UnixReply:
        """See ``Transport``."""
        connection = _Connection(self._path, request.seconds)
        try:
            with suppress(BrokenPipeError):  # refused before all was sent: the answer says why
                connection.request(request.method, request.target, request.body, dict(request.headers))
            channel = connection.sock
            return UnixReply(connection, channel, connection.getresponse())
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise Unreachable(str(error)) from error


class UnixReply:
    """``stack.engine.transport.Reply``."""

    def __init__(
        self, connection: _Connection, channel: socket.socket, response: http.client.HTTPResponse
    ) -> None:
        self._connection, self._channel, self._response = connection, channel, response
        self.status = response.status

    @property
    def headers(self) -> Mapping[str, str]:
        """See ``Reply``."""
        return self._response.headers  # type: ignore[return-value]  # a message of email, with the same methods

    def read(self) -> bytes:
        """See ``Reply``."""
        return b"".join(self.chunks())

    def chunks(self) -> Iterator[bytes]:
        """See ``Reply``."""
        try:
            while data := self._response.read1(CHUNK):
                yield data
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable(str(error)) from error

    def allow_silence(self, seconds: float | None) -> None:
        """See ``Reply``."""
        self._channel.settimeout(seconds)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._response.close()
        self._connection.close()
