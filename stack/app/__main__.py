"""Entry point: ``python -m stack.app``. Reads settings, opens everything, serves until SIGTERM or SIGINT.

It listens at once, so whoever connects early waits instead of being refused, and imports what is heavy after that.
It must never write outside ``--data`` and ``--spool``.
"""

from __future__ import annotations

import ctypes
import gc
import logging
import os
import resource
import signal
import socket
import sys
from contextlib import suppress
from types import FrameType
from typing import TYPE_CHECKING

from stack.app import logs
from stack.app.settings import AppSettings, CannotStart, InvalidSetting, read_settings

if TYPE_CHECKING:
    from stack.app.context import AppContext

USAGE = 2
SWITCH_SECONDS = 0.0002
"""How long a busy thread keeps the event loop waiting; Python's own 5 ms add up with each thread."""
DESCRIPTORS = 4096
_LOG = logging.getLogger("stack.app")


def main() -> int:
    """Exit code: 0 after a requested end, 1 when it cannot serve, 2 for settings that cannot be used."""
    _tune()
    gc.disable()  # nearly all that a start-up makes stays: looking through it again and again costs a tenth of it
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)
    try:
        settings = read_settings()
        logs.configure(settings.log_level)
        listening = _listen(settings)
        return _serve(_open(settings), listening)
    except InvalidSetting as problem:
        sys.stderr.write(f"{problem}\n")
        return USAGE
    except CannotStart as problem:
        _LOG.error(str(problem))
        return 1


def _tune() -> None:
    """What the whole process needs to stay small and prompt; a library must not do this to its host."""
    sys.setswitchinterval(SWITCH_SECONDS)
    least, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= least < DESCRIPTORS:
        wanted = DESCRIPTORS if most == resource.RLIM_INFINITY else min(most, DESCRIPTORS)
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
    with suppress(AttributeError, OSError):
        # Not every C library has it. Two arenas instead of eight for each core, and blocks from 128 KiB on given
        # back at once: else memory that a thread has freed stays with its arena.
        allocator = ctypes.CDLL(None)
        allocator.mallopt(-8, 2)
        allocator.mallopt(-3, 128 * 1024)


def _leave(number: int, frame: FrameType | None) -> None:
    """Ends a start-up in progress; while it serves, the server has handlers of its own and ends gracefully."""
    del number, frame
    raise SystemExit(0)


def _listen(settings: AppSettings) -> socket.socket:
    host, port = settings.host, settings.port
    if settings.fd is not None:
        try:
            given = socket.socket(fileno=settings.fd)
            listens = given.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
        except OSError:
            listens = False
        if not listens:
            raise InvalidSetting(
                f"fd: {settings.fd} is no open socket that listens: have its opener pass it on"
            )
        return given
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=512)
    except OSError as problem:
        reason = problem.strerror if isinstance(problem, socket.gaierror) else os.strerror(problem.errno or 0)
        raise CannotStart(f"{host}:{port}: {reason}: choose another --host or --port") from None


def _open(settings: AppSettings) -> AppContext:
    from stack.app.assembly import open_context

    return open_context(settings)


def _serve(context: AppContext, listening: socket.socket) -> int:
    from stack.app.http.server import Server

    server = Server(context)
    gc.freeze()
    gc.enable()
    host, port, *_ = listening.getsockname()
    _LOG.info("serving", extra={"host": host, "port": port})
    try:
        server.run(sockets=[listening])
    except SystemExit as ended:  # uvicorn raises the signal that ended it again
        return int(ended.code or 0)
    return 0


if __name__ == "__main__":
    code = main()
    logging.shutdown()
    sys.stderr.flush()
    # All is stored and closed: a thread that still waits for a database must not hold up the end.
    os._exit(code)
