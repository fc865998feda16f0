"""Calls to one engine: paths and JSON out, values in, and refusals turned into our errors.

Holds no decisions. Everything that asks the engine is given this object.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import Any, BinaryIO, Literal
from urllib.parse import quote, urlencode

from stack.common.errors import EngineUnavailable, StartFailed
from stack.common.moments import ahead_of
from stack.engine import failures, labels
from stack.engine.labels import Kind
from stack.engine.tls_words import GIVE, WANTS_TLS
from stack.engine.transport import Refusal, Reply, Request, Transport, Unreachable

Inspect = dict[str, Any]
NOT_FOUND, CONFLICT = 404, 409
TAR = {"Content-Type": "application/x-tar"}
PATH_STAT = "x-docker-container-path-stat"
CIRCLE = "too many links"
"""The engine's words of a link that leads back to itself."""


class Client:
    """The engine at ``address``; ``seconds`` is the longest that a call may stay without an answer.

    ``remedy``: what to do where it gives none, and the cause does not tell. ``on_clock`` is told once by how many
    seconds the engine's clock is ahead of this machine's.
    """

    def __init__(
        self,
        transport: Transport,
        address: str,
        seconds: float,
        remedy: str = "",
        on_clock: Callable[[float], object] = float,
    ) -> None:
        self._transport = transport
        self._on_clock = on_clock
        self._remedy = remedy
        self._one = threading.Lock()
        self.address = address
        self.seconds = seconds
        self.podman = ""
        """Podman's version, where it is that which answers; known once ``version`` is."""
        self.ahead = 0.0
        """Seconds by which the engine's clock is ahead of this machine's; known once ``told`` is."""

    @cached_property
    def version(self) -> str:
        """The newest version of the API that the engine speaks."""
        with self._send("GET", "/_ping") as reply:
            found = reply.headers.get("api-version") if reply.status == 200 else None
            self.podman = reply.headers.get("libpod-api-version", "")
            words = "" if found else _words(reply.read())
        if found:
            return found
        if WANTS_TLS in words:
            raise Unreachable("it speaks TLS only", remedy=GIVE)
        raise Unreachable(f"what answers is no Docker engine (HTTP status {reply.status})")

    @property
    def told(self) -> Inspect:
        """The engine of itself. Asked once: it costs 10 ms, and several parts of a command want to know."""
        with self._one:
            return self._told

    @cached_property
    def _told(self) -> Inspect:
        began = time.time()
        with self.asking("ask who answers"):
            told = dict(self.json("GET", "info"))
        self.ahead = ahead_of(told.get("SystemTime"), began, time.time())
        self._on_clock(self.ahead)
        return told

    @cached_property
    def tells_owners(self) -> bool:
        """Whether owners in archives are those that containers see.

        Podman puts each container's own user there (5.8), an engine that maps users the numbers of its host (28.5).
        """
        options = self.told.get("SecurityOptions") or ()
        return not self.podman and not any(str(option).startswith("name=userns") for option in options)

    def open(self, method: str, path: str, **told: Any) -> Reply:
        """One call, whose answer is still to be read; ``Refusal`` for a status of an error.

        ``query``, ``body`` (JSON) or ``data`` (bytes or a file), ``headers``, ``seconds``.
        """
        reply = self._send(method, f"/v{self.version}/{path}", **told)
        if reply.status < 400:
            return reply
        with reply:
            raise Refusal(reply.status, _words(reply.read()) or f"HTTP status {reply.status}")

    def read(self, method: str, path: str, **told: Any) -> bytes:
        """The whole answer."""
        with self.open(method, path, **told) as reply:
            return reply.read()

    def json(self, method: str, path: str, **told: Any) -> Any:
        """The answer as a value."""
        answer = self.read(method, path, **told)
        try:
            return json.loads(answer)
        except ValueError as error:
            raise Unreachable(f"half an answer: {error}") from error

    def seen(self, container: str, path: str) -> str:
        """The engine's description of a file in a container (JSON in base64), 1 ms each where reading costs 45 (20.10).

        Empty where none is there, or a link in a circle is on the way.
        """
        place, query = f"containers/{container}/archive", {"path": path}
        try:
            with forgiving(NOT_FOUND), self.open("HEAD", place, query=query) as reply:
                return str(reply.headers.get(PATH_STAT, ""))
        except Refusal as wordless:  # an answer to HEAD has no body
            try:
                self.open("GET", place, query=query).close()
            except Refusal as error:
                if error.status == NOT_FOUND or CIRCLE in error.text:
                    return ""
                raise
            raise wordless
        return ""

    def _send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: object = None,
        data: bytes | BinaryIO | None = None,
        headers: Mapping[str, str] | None = None,
        seconds: float | None = None,
    ) -> Reply:
        if body is not None:
            data, headers = json.dumps(body).encode(), {"Content-Type": "application/json", **(headers or {})}
        target = f"{path}?{urlencode(query, doseq=True)}" if query else path
        return self._transport.send(Request(method, target, seconds or self.seconds, headers or {}, data))

    @contextmanager
    def asking(self, what: str) -> Iterator[None]:
        """Turns a refusal into ``StartFailed`` and silence into ``EngineUnavailable``."""
        try:
            yield
        except Refusal as error:
            raise failures.refused(what, error.text) from error
        except Unreachable as error:
            raise self.silent(error) from error

    def silent(self, error: BaseException) -> EngineUnavailable:
        """What is told of an engine that gives no answer."""
        return failures.unavailable(self.address, error, self._remedy)

    def found(self, kind: Literal["container", "volume", "image"], name: str) -> Inspect | None:
        """The engine's description of an object; None where there is none of this name."""
        path = f"volumes/{quoted(name)}" if kind == "volume" else f"{kind}s/{quoted(name)}/json"
        with self.asking(f"inspect {name}"), forgiving(NOT_FOUND):
            return dict(self.json("GET", path))
        return None

    def container(self, name: str) -> Inspect | None:
        """A container of ours; None where it is gone; StartFailed where it belongs to somebody else."""
        found = self.found("container", name)
        if found is not None:
            ours("container", name, found["Config"].get("Labels"))
        return found

    def present(self, name: str) -> Inspect:
        """A container of ours; StartFailed where it is gone."""
        found = self.container(name)
        if found is None:
            raise StartFailed(f"container {name} is gone", hint="run start again")
        return found


def ours(kind: Kind, name: str, marks: Mapping[str, str] | None) -> None:
    """StartFailed unless the labels say that the object is ours."""
    if not labels.stack_of(marks):
        message, hint = labels.foreign(kind, name)
        raise StartFailed(message, hint=hint)


@contextmanager
def forgiving(*statuses: int) -> Iterator[None]:
    """Lets answers of these HTTP statuses pass: what should be so is so already."""
    try:
        yield
    except Refusal as error:
        if error.status not in statuses:
            raise


def quoted(name: str) -> str:
    """A name or reference as part of a path."""
    return quote(name, safe="/:@")


def filters(**wanted: Iterable[str]) -> dict[str, str]:
    """A query that chooses among what is listed."""
    return {"filters": json.dumps({name: list(values) for name, values in wanted.items()})}


def lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Chunks of any size as lines without their ends; the last one may lack it."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        yield from whole
    if rest:
        yield rest


def name_of(found: Inspect) -> str:
    """A container's name."""
    return str(found["Name"]).lstrip("/")


def _words(body: bytes) -> str:
    try:
        return str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        return body.decode(errors="replace")
