"""The one HTTP client: bounded, typed, without redirects; every failure says which address gave which answer.

It speaks to the stack's own products only and must never follow an answer to another host. The standard library does
it: the import of requests costs each command 100 ms of processor time. Nothing of the environment, such as a proxy,
comes between us and the stack.
"""

from __future__ import annotations

import http.client
import io
import json
import socket
import time
from base64 import b64encode
from collections.abc import Iterator, Mapping
from typing import Any, cast
from urllib.parse import SplitResult, urlencode, urlsplit

from msgspec import Struct, field
from msgspec.structs import replace

from stack.common.printable import printable

SNIPPET = 200
CHUNK = 1 << 16
MOST_BYTES = 64 << 20
SECONDS = 5.0
READILY = 1.5
REFUSED = "connection refused: nobody listens there"
LATE = "no whole answer within"
PLAIN = ("", "identity")
FORM, JSON = "application/x-www-form-urlencoded", "application/json"


class HttpFailure(Exception):
    """No usable answer: nobody listens, a wrong status, or a body that is not what it should be."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class Answer(Struct, frozen=True):
    """Status, headers and body of one exchange."""

    url: str
    status: int
    text: str
    headers: Mapping[str, str] = field(default_factory=dict)

    def json(self) -> Any:
        """The decoded body; ``HttpFailure`` where it is no JSON."""
        try:
            return json.loads(self.text)
        except (ValueError, RecursionError) as error:
            raise HttpFailure(f"{self.url} answered no JSON: {snippet(self.text)!r}", self.status) from error


class Http(Struct, frozen=True):
    """A base address. ``auth`` is (user, password); ``timeout`` bounds a whole exchange, in seconds.

    Safe to use from several threads: each exchange has a connection of its own.
    """

    base: str
    auth: tuple[str, str] | None = None
    token: str = ""
    timeout: float = SECONDS

    def call(
        self,
        method: str,
        path: str,
        *,
        expect: tuple[int, ...] = (200,),
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        data: Mapping[str, str] | None = None,
        json: Any = None,
    ) -> Answer:
        """One request; ``HttpFailure`` unless the status is one of ``expect`` (empty: any)."""
        url = self.base + path
        body, kind = _body(data, json)
        told = {**self._credentials(), **({"Content-Type": kind} if kind else {}), **(headers or {})}
        query = f"?{urlencode(params)}" if params else ""
        try:
            answer = self._exchange(method, url, query, body, told)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise HttpFailure(f"{method} {url}: {reason(error, self.timeout)}") from error
        if expect and answer.status not in expect:
            raise HttpFailure(f"{method} {url} answered {answer.status}: {_said(answer)}", answer.status)
        return answer

    def readily(self) -> Http:
        """For questions that a sound product answers at once: a frozen one is known as such after ``READILY``."""
        return replace(self, timeout=READILY)

    def get(self, path: str, **kwargs: Any) -> Answer:
        """GET; see ``call``."""
        return self.call("GET", path, **kwargs)

    def post(self, path: str, **kwargs: Any) -> Answer:
        """POST; see ``call``."""
        return self.call("POST", path, **kwargs)

    def _credentials(self) -> dict[str, str]:
        if self.token:
            return {"Authorization": f"Bearer {self.token}"}
        if self.auth is None:
            return {}
        return {"Authorization": f"Basic {b64encode(':'.join(self.auth).encode()).decode()}"}

    def _exchange(
        self, method: str, url: str, query: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Answer:
        place = urlsplit(url)
        connection = _connection(place, self.timeout)
        deadline = time.monotonic() + self.timeout
        try:
            asked = f"?{place.query}" if place.query else query
            connection.request(method, (place.path or "/") + asked, body, dict(headers))
            return _answer(url, method, connection.sock, deadline)
        finally:
            connection.close()


class _Connection(http.client.HTTPConnection):
    """Python loads its whole IDNA tables for a host that is given as text; a name of ASCII needs none."""

    def connect(self) -> None:
        """As the base class calls it."""
        host: Any = self.host.encode() if self.host.isascii() else self.host
        self.sock = socket.create_connection((host, self.port), self.timeout)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _connection(place: SplitResult, seconds: float) -> http.client.HTTPConnection:
    """Over TLS it must have a certificate that this machine trusts; SSL_CERT_FILE names an authority of one's own."""
    host = place.hostname or ""
    if place.scheme == "https":
        return http.client.HTTPSConnection(host, place.port or 443, timeout=seconds)
    return _Connection(host, place.port or 80, timeout=seconds)


def _body(data: Mapping[str, str] | None, document: Any) -> tuple[bytes | None, str]:
    if document is not None:
        return json.dumps(document).encode(), JSON
    return (None, "") if data is None else (urlencode(data).encode(), FORM)


class _Hurried(io.RawIOBase):
    """A socket that is heard until the deadline: neither headers nor a body that drip can put it off."""

    def __init__(self, heard: socket.socket, deadline: float) -> None:
        super().__init__()
        self._heard, self._deadline = heard, deadline

    def makefile(self, *_: object) -> io.BufferedReader:
        """What the standard library's response reads from."""
        return io.BufferedReader(self)

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: Any) -> int:
        """What comes next; ``TimeoutError`` at the deadline."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._heard.settimeout(left)
        return self._heard.recv_into(buffer)


def _answer(url: str, method: str, heard: socket.socket, deadline: float) -> Answer:
    response = http.client.HTTPResponse(cast(socket.socket, _Hurried(heard, deadline)), method=method)
    try:
        response.begin()
        body = b"".join(_read(response))
    finally:
        response.close()
    told = {name.lower(): value for name, value in response.headers.items()}
    if (coding := told.get("content-encoding", "").lower()) not in PLAIN:
        raise ValueError(f"the answer is coded as {coding}, which was not asked for")
    return Answer(url, response.status, body.decode("utf-8", "replace"), told)


def _read(response: http.client.HTTPResponse) -> Iterator[bytes]:
    """The body, as long as it is no larger than any product's answer may be."""
    total = 0
    while chunk := response.read1(CHUNK):
        yield chunk
        total += len(chunk)
        if total > MOST_BYTES:
            raise ValueError(f"the answer is larger than {MOST_BYTES >> 20} MiB")
    if response.length:
        raise http.client.IncompleteRead(b"", response.length)


def _said(answer: Answer) -> str:
    return snippet(answer.text) or (
        f"see {answer.headers['location']}" if "location" in answer.headers else ""
    )


def snippet(text: str) -> str:
    """The first words of a body on one line, as a terminal may show them."""
    return printable(" ".join(text[: 8 * SNIPPET].split()))[:SNIPPET]


def reason(error: BaseException, seconds: float = SECONDS) -> str:
    """The innermost cause in a few words; ``seconds`` is what the exchange was given."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    if isinstance(error, ConnectionRefusedError):
        return REFUSED
    if isinstance(error, TimeoutError):
        return f"{LATE} {seconds:g} s"
    if isinstance(error, http.client.RemoteDisconnected):
        return "the connection was closed without an answer"
    if isinstance(error, http.client.IncompleteRead):
        return "the answer was cut off"
    if isinstance(error, http.client.HTTPException):
        return f"what answers there speaks no HTTP: {type(error).__name__}: {snippet(str(error))}"
    return snippet(f"{type(error).__name__}: {error}")
