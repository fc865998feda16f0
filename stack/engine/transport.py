"""HTTP to an engine: what is sent, what comes back, and the two ways in which it can fail.

Over a socket of this machine the standard library does it (``unix``), over SSH the ssh program beneath that (``ssh``),
and over TCP the Docker SDK (``sdk``), whose import costs a command 100 ms of processor time and more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import BinaryIO, Protocol, Self

from msgspec import Struct, field


class Request(Struct, frozen=True):
    """One request; ``target`` is path and query, ``seconds`` the longest silence."""

    method: str
    target: str
    seconds: float
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | BinaryIO | None = None


class Refusal(Exception):
    """The engine answered with an error: its status and its own words."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


class Unreachable(Exception):
    """No answer, or half of one; the text or the cause says why. ``remedy``: what to do, where that is known."""

    def __init__(self, text: str, *, remedy: str = "") -> None:
        super().__init__(text)
        self.remedy = remedy


class Channel(Protocol):
    """What a connection is made of."""

    def settimeout(self, seconds: float | None, /) -> None:
        """The longest silence; None: it may last."""


class Reply(Struct, frozen=True):
    """An answer whose body may still be on its way: ``chunks`` gives it as it comes, or raises ``Unreachable``.

    The names of ``headers`` are in lower case. As a context manager it hangs up at the end.
    """

    status: int
    headers: Mapping[str, str]
    chunks: Iterator[bytes]
    close: Callable[[], None]
    channel: Channel | None

    def read(self) -> bytes:
        """The whole body."""
        return b"".join(self.chunks)

    def allow_silence(self, seconds: float | None) -> None:
        """From now on this is the longest silence; None: it may last."""
        if self.channel is not None:
            self.channel.settimeout(seconds)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Transport(Protocol):
    """A way to one engine. Safe to use from several threads."""

    def send(self, request: Request) -> Reply:
        """Sends the request and waits for the head of the answer; ``Unreachable`` where none comes."""
