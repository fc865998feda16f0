"""HTTP over a socket of this machine, a connection for each request: a new one costs less than keeping them apart."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterator
from contextlib import suppress

from stack.engine.transport import Reply, Request, Unreachable

CHUNK = 1 << 16


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: str, seconds: float) -> None:
        super().__init__("docker", timeout=seconds, blocksize=CHUNK)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class UnixTransport:
    """``stack.engine.transport.Transport`` to the engine at the socket ``path``."""

    def __init__(self, path: str) -> None:
        self._path = path

    def send(self, request: Request) -> Reply:
        """See ``Transport``."""
        connection = _Connection(self._path, request.seconds)
        try:
            with suppress(BrokenPipeError):  # refused before all was sent: the answer says why
                connection.request(request.method, request.target, request.body, dict(request.headers))
            channel = connection.sock
            response = connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise Unreachable(str(error)) from error
        except BaseException:  # of what gives the body: the engine must not wait for the rest
            connection.close()
            raise

        def close() -> None:
            response.close()
            connection.close()

        return Reply(
            response.status,
            {name.lower(): value for name, value in response.headers.items()},
            _chunks(response),
            close,
            channel,
        )


def _chunks(response: http.client.HTTPResponse) -> Iterator[bytes]:
    try:
        while data := response.read1(CHUNK):
            yield data
    except (OSError, http.client.HTTPException) as error:
        raise Unreachable(str(error)) from error
