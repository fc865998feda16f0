"""The one HTTP client: bounded, typed, without redirects; every failure says which address gave which answer.

It speaks to the stack's own products only and must never follow an answer to another host. The standard library does
it: the import of requests costs each command 100 ms of processor time. Nothing of the environment, such as a proxy,
comes between us and the stack.
"""

from __future__ import annotations

import http.client
import json
import time
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

SNIPPET = 200
CHUNK = 1 << 16
MOST_BYTES = 64 << 20
FORM, JSON = "application/x-www-form-urlencoded", "application/json"


class HttpFailure(Exception):
    """No usable answer: nobody listens, a wrong status, or a body that is not what it should be."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers and body of one exchange."""

    url: str
    status: int
    text: str
    headers: Mapping[str, str] = field(default_factory=dict)

    def json(self) -> Any:
        """The decoded body; ``HttpFailure`` where it is no JSON."""
        try:
            return json.loads(self.text)
        except ValueError as error:
            raise HttpFailure(f"{self.url} answered no JSON: {snippet(self.text)!r}", self.status) from error


@dataclass(frozen=True, slots=True)
class Http:
    """A base address. ``auth`` is (user, password); ``timeout`` bounds a whole exchange, in seconds.

    Safe to use from several threads: each exchange has a connection of its own.
    """

    base: str
    auth: tuple[str, str] | None = None
    token: str = ""
    timeout: float = 5.0

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
            raise HttpFailure(f"{method} {url}: {reason(error)}") from error
        if expect and answer.status not in expect:
            raise HttpFailure(
                f"{method} {url} answered {answer.status}: {snippet(answer.text)}", answer.status
            )
        return answer

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
        connection = http.client.HTTPConnection(place.hostname or "", place.port or 80, timeout=self.timeout)
        deadline = time.monotonic() + self.timeout
        try:
            asked = f"?{place.query}" if place.query else query
            connection.request(method, (place.path or "/") + asked, body, dict(headers))
            response = connection.getresponse()
            text = b"".join(_read(response, connection, deadline)).decode("utf-8", "replace")
            told = {name.lower(): value for name, value in response.headers.items()}
            return Answer(url, response.status, text, told)
        finally:
            connection.close()


def _body(data: Mapping[str, str] | None, document: Any) -> tuple[bytes | None, str]:
    if document is not None:
        return json.dumps(document).encode(), JSON
    return (None, "") if data is None else (urlencode(data).encode(), FORM)


def _read(
    response: http.client.HTTPResponse, connection: http.client.HTTPConnection, deadline: float
) -> Iterator[bytes]:
    """The body, as long as it ends in time and is no larger than any product's answer may be."""
    total = 0
    while chunk := response.read1(CHUNK):
        yield chunk
        total += len(chunk)
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError(f"the answer had not ended after {total} bytes")
        if total > MOST_BYTES:
            raise ValueError(f"the answer is larger than {MOST_BYTES >> 20} MiB")
        if connection.sock is not None:
            connection.sock.settimeout(left)
    if response.length:
        raise http.client.IncompleteRead(b"", response.length)


def snippet(text: str) -> str:
    """The first words of a body on one line."""
    return " ".join(text.split())[:SNIPPET]


def reason(error: BaseException) -> str:
    """The innermost cause in a few words."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return f"{type(error).__name__}: {error}"[:SNIPPET]
