"""HTTP to an engine behind SSH: the ssh program, as the user has set it up, with the engine's socket at its far end.

The program reads ~/.ssh/config and known_hosts, and knows agents and jump hosts. It has no terminal here, so that it
asks nobody, and is heard where it fails. A login costs a quarter of a second and more: connections are kept, where the
Docker SDK makes a new one for each request, without any limit of time.
"""

from __future__ import annotations

import http.client
import select
import shlex
import socket
import subprocess
import tempfile
import threading
import weakref
from collections.abc import Iterable
from contextlib import suppress
from itertools import chain
from typing import BinaryIO

from stack.common.ssh_url import parsed
from stack.engine.socketed import FAILURES, Connection, reply_of
from stack.engine.ssh_words import meaning
from stack.engine.transport import Reply, Request, Unreachable

LOGIN_SECONDS = 10
"""For the connection and the keys."""
OPTIONS = (
    "BatchMode=yes",
    f"ConnectTimeout={LOGIN_SECONDS}",
    "ServerAliveInterval=15",
    "ClearAllForwardings=yes",
    "RemoteCommand=none",
    "LogLevel=ERROR",
)
"""They come before those of the user's files, of which the last three would disturb what is sent."""
LAST_WORDS_SECONDS = 2.0
SHORT = 1 << 16
"""Bytes of an answer nobody reads that are taken along, to keep the connection."""


def command(url: str) -> tuple[str, ...]:
    """What is run for an ssh:// URL, of which a path names the engine's socket there."""
    where = parsed(url)
    host = ("--host", f"unix://{where.path}") if where.path else ()
    there = shlex.join(("docker", *host, "system", "dial-stdio"))
    options = (word for option in OPTIONS for word in ("-o", option))
    return ("ssh", "-T", *options, *where.words, there)


class _Link:
    """One login, and the engine's connection behind it."""

    def __init__(self, url: str, seconds: float) -> None:
        self._url = url
        self._process: subprocess.Popen[bytes] | None = None
        self._words: BinaryIO = tempfile.TemporaryFile()  # noqa: SIM115 (closed by end)
        self._connection = Connection(self._opened, seconds)
        self.free = False
        """Whether nobody waits for an answer on it."""

    def _opened(self, seconds: float) -> socket.socket:
        ours, its = socket.socketpair()
        ours.settimeout(seconds)
        with its:
            try:
                # Without a terminal it cannot ask, and Ctrl-C is for this program to answer.
                self._process = subprocess.Popen(
                    command(self._url),
                    stdin=its.fileno(),
                    stdout=its.fileno(),
                    stderr=self._words,
                    start_new_session=True,
                )
            except OSError:
                ours.close()
                raise
        return ours

    @property
    def usable(self) -> bool:
        """Whether it waits for a question: it has not ended, and nothing came unasked."""
        channel, process = self._connection.sock, self._process
        if channel is None or process is None or process.poll() is not None:
            return False
        return not select.select([channel], [], [], 0)[0]

    def ask(self, request: Request) -> tuple[http.client.HTTPResponse, socket.socket]:
        """See ``Connection``."""
        if self._connection.sock is not None:
            self._connection.sock.settimeout(request.seconds)
        return self._connection.ask(request)

    def broken(self, error: Exception) -> Unreachable:
        """Why no answer came, in the words of who failed; the link is at its end."""
        if isinstance(error, FileNotFoundError) and self._process is None:
            self.end()
            return Unreachable(
                "there is no program ssh here", remedy="install it (Debian: apt-get install openssh-client)"
            )
        code, said = self._last_words(silent=isinstance(error, TimeoutError))
        answered = str(error) if type(error) is http.client.BadStatusLine else ""
        cause, remedy = meaning(said, code, self._url, answered)
        return Unreachable(cause or str(error) or type(error).__name__, remedy=remedy)

    def _last_words(self, *, silent: bool) -> tuple[int | None, str]:
        """Its exit code, None where it had to be ended, and what it wrote."""
        code = None
        if self._process is not None and not silent:
            with suppress(subprocess.TimeoutExpired):
                code = self._process.wait(LAST_WORDS_SECONDS)
        self._words.seek(0)
        said = self._words.read(SHORT).decode(errors="replace")
        self.end()
        return code, said

    def end(self) -> None:
        """Hangs up."""
        self._connection.close()
        process = self._process
        if process is not None and process.poll() is None:
            process.terminate()
            try:
                process.wait(LAST_WORDS_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._words.close()


class SshTransport:
    """``stack.engine.transport.Transport`` to the engine at an ssh:// URL."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._one = threading.Lock()
        self._idle: list[_Link] = []
        self._all: weakref.WeakSet[_Link] = weakref.WeakSet()
        # Those in use, too: a command may end before an engine has answered.
        weakref.finalize(self, _end_all, self._idle, self._all)

    def send(self, request: Request) -> Reply:
        """See ``Transport``."""
        link = self._taken(request.seconds)
        try:
            response, channel = link.ask(request)
        except FAILURES as error:
            raise link.broken(error) from error
        except BaseException:
            link.end()
            raise

        def close() -> None:
            if link.free:
                return
            link.free = _whole(response)
            response.close()
            if link.free:
                with self._one:
                    self._idle.append(link)
            else:
                link.end()

        return reply_of(response, channel, close, link.broken)

    def _taken(self, seconds: float) -> _Link:
        """One that waits, or a new one."""
        while True:
            with self._one:
                link = self._idle.pop() if self._idle else None
            if link is None:
                made = _Link(self._url, seconds)
                self._all.add(made)
                return made
            if link.usable:
                link.free = False
                return link
            link.end()


def _whole(response: http.client.HTTPResponse) -> bool:
    """Whether all of the answer was read, or could be at once, and another may follow it."""
    if response.will_close:
        return False
    if response.isclosed():
        return True
    if response.length is None or response.length > SHORT:
        return False
    try:
        response.read()
    except FAILURES:
        return False
    return True


def _end_all(*links: Iterable[_Link]) -> None:
    for link in chain(*links):
        link.end()
