"""Name look-ups that end: c-ares asks the system's name servers, many names at a time, without a thread for each.

It reads the same files as the system's resolver (hosts, resolv.conf), but keeps time itself: a silent name server
costs ``SECONDS`` and holds up nobody else. ``getaddrinfo`` has no such limit. It decides nothing about an answer.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from threading import Lock
from typing import Any, Final

import pycares

SECONDS: Final = 5.0
"""The longest that a caller waits for an answer."""
AT_ONCE: Final = 1024
_FIRST_TRY_SECONDS: Final = 1.0
_TRIES: Final = 2


class TooManyLookups(Exception):
    """So many look-ups are under way that another would have to wait; says nothing about the name."""


class Lookups:
    """At most ``at_once`` look-ups under way. ``servers`` (``address:port``) replaces the system's name servers."""

    def __init__(self, servers: Iterable[str] | None = None, at_once: int = AT_ONCE) -> None:
        self._servers = servers
        self._at_once = at_once
        self._under_way = 0
        self._lock = Lock()
        self._channel: pycares.Channel | None = None

    def submit(self, host: str) -> Future[list[str]]:
        """Every address of a name, later. The future's exception is an OSError. Raises TooManyLookups."""
        answer: Future[list[str]] = Future()
        with self._lock:
            if self._under_way >= self._at_once:
                raise TooManyLookups(f"{self._at_once} look-ups are under way: try again later")
            self._under_way += 1
            if self._channel is None:
                self._channel = pycares.Channel(
                    timeout=_FIRST_TRY_SECONDS, tries=_TRIES, servers=self._servers
                )
            channel = self._channel

        def done(found: Any, error: int | None) -> None:
            with self._lock:
                self._under_way -= 1
            # A caller that has gone cancelled the future.
            with suppress(InvalidStateError):
                if error is not None:
                    answer.set_exception(OSError(pycares.errno.strerror(error)))
                else:
                    answer.set_result([_text(node.addr[0]) for node in found.nodes])

        try:
            channel.getaddrinfo(host, None, type=socket.SOCK_STREAM, callback=done)
        except (UnicodeError, ValueError, pycares.AresError) as fault:
            with self._lock:
                self._under_way -= 1
            answer.set_exception(OSError(f"{host!r} cannot be asked for: {fault}"))
        return answer

    def resolve(self, host: str) -> list[str]:
        """The same, waited for ``SECONDS`` at most. Raises OSError, TooManyLookups."""
        answer = self.submit(host)
        try:
            return answer.result(SECONDS)
        except TimeoutError:
            answer.cancel()
            raise TimeoutError(f"no answer within {SECONDS:g} s") from None


def _text(address: str | bytes) -> str:
    return address if isinstance(address, str) else address.decode("ascii")


LOOKUPS: Final = Lookups()
"""The one lane of this process."""
