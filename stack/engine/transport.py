"""HTTP to an engine: what is sent, what comes back, and the two ways in which it can fail.

Over a socket of this machine the standard library does it (``unix``), over anything else the Docker SDK (``sdk``),
whose import costs a command 100 ms of processor time and more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import BinaryIO, Protocol, Self


@dataclass(frozen=True, slots=True)
class Request:
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
    """No answer, or half of one; the cause says why."""


class Reply(Protocol):
    """An answer whose body may still be on its way; as a context manager it hangs up at the end.

    Reading raises ``Unreachable``.
    """

    @property
    def status(self) -> int:
        """The HTTP status."""

    @property
    def headers(self) -> Mapping[str, str]:
        """By name, in any case."""

    def read(self) -> bytes:
        """The whole body."""

    def chunks(self) -> Iterator[bytes]:
        """The body as it comes."""

    def allow_silence(self, seconds: float | None) -> None:
        """From now on this is the longest silence; None: it may last."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class Transport(Protocol):
    """A way to one engine. Safe to use from several threads."""

    def send(self, request: Request) -> Reply:
        """Sends the request and waits for the head of the answer; ``Unreachable`` where none comes."""
