"""HTTP/1.1 over a socket that somebody else opens: one question, and its answer as it comes."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress

from stack.engine.transport import Reply, Request, Unreachable

CHUNK = 1 << 16
FAILURES = (OSError, http.client.HTTPException)
"""What goes wrong on the way."""


class Connection(http.client.HTTPConnection):
    """``opened`` makes its socket once that is needed; it is told the longest silence in seconds."""

    def __init__(self, opened: Callable[[float], socket.socket], seconds: float) -> None:
        super().__init__("docker", timeout=seconds, blocksize=CHUNK)
        self._seconds, self._opened = seconds, opened

    def connect(self) -> None:
        """As the base class calls it."""
        self.sock = self._opened(self._seconds)

    def ask(self, request: Request) -> tuple[http.client.HTTPResponse, socket.socket]:
        """The answer's head, and the channel that its body comes through; one of ``FAILURES``."""
        with suppress(BrokenPipeError):  # refused before all was sent: the answer says why
            self.request(request.method, request.target, request.body, dict(request.headers))
        channel = self.sock
        return self.getresponse(), channel


def reply_of(
    response: http.client.HTTPResponse,
    channel: socket.socket,
    close: Callable[[], None],
    broken: Callable[[Exception], Unreachable],
) -> Reply:
    """The answer for who asked; ``broken`` says what it means that the body breaks off."""

    def chunks() -> Iterator[bytes]:
        try:
            while data := response.read1(CHUNK):
                yield data
            if response.length:  # read1 takes an early end for the end
                raise http.client.IncompleteRead(b"", response.length)
        except FAILURES as error:
            raise broken(error) from error

    headers = {name.lower(): value for name, value in response.headers.items()}
    return Reply(response.status, headers, chunks(), close, channel)
