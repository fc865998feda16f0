"""A server in a thread of this process, at a port of its own."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn


@contextmanager
def running(server: uvicorn.Server, *, backlog: int = 512) -> Iterator[int]:
    """Its port on the loopback address; it has ended afterwards."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=backlog)
    thread = threading.Thread(target=server.run, args=([listening],))
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()
