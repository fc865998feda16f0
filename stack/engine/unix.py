"""HTTP over a socket of this machine, a connection for each request: a new one costs less than keeping them apart."""

from __future__ import annotations

import socket

from stack.engine.socketed import FAILURES, Connection, reply_of
from stack.engine.transport import Reply, Request, Unreachable


class UnixTransport:
    """``stack.engine.transport.Transport`` to the engine at the socket ``path``."""

    def __init__(self, path: str) -> None:
        self._path = path

    def send(self, request: Request) -> Reply:
        """See ``Transport``."""
        connection = Connection(self._opened, request.seconds)
        try:
            response, channel = connection.ask(request)
        except FAILURES as error:
            connection.close()
            raise _broken(error) from error
        except BaseException:  # of what gives the body: the engine must not wait for the rest
            connection.close()
            raise

        def close() -> None:
            response.close()
            connection.close()

        return reply_of(response, channel, close, _broken)

    def _opened(self, seconds: float) -> socket.socket:
        made = socket.socket(socket.AF_UNIX)
        made.settimeout(seconds)
        made.connect(self._path)
        return made


def _broken(error: Exception) -> Unreachable:
    return Unreachable(str(error))
