"""The one HTTP client: bounded, typed, without redirects; every failure says which address gave which answer.

It speaks to the stack's own products only and must never follow an answer to another host.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlencode, urlsplit

SNIPPET = 200


class HttpFailure(Exception):
    """No usable answer: nobody listens, a wrong status, or a body that is not what it should be."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and body of one exchange."""

    url: str
    status: int
    text: str

    def json(self) -> Any:
        """The decoded body; ``HttpFailure`` where it is no JSON."""
        try:
            return json.loads(self.text)
        except ValueError as error:
            raise HttpFailure(f"{self.url} answered no JSON: {snippet(self.text)!r}", self.status) from error


@dataclass(frozen=True)
class Http:
    """A base address. ``auth`` is (user, password); ``timeout`` in seconds."""

    base: str
    auth: tuple[str, str] | None = None
    token: str = ""
    timeout: float = 5.0

    def call(self, method: str, path: str, *, expect: tuple[int, ...] = (200,), **told: Any) -> Answer:
        """One request; ``HttpFailure`` unless the status is one of ``expect`` (empty: any).

        ``params`` go into the address; ``json`` or ``data`` (a form) is the body; ``headers`` come on top.
        """
        target = path + (f"?{urlencode(told['params'], doseq=True)}" if told.get("params") else "")
        body, kind = _body(told)
        headers = {**told.get("headers", {}), **kind, **self._authorization()}
        try:
            answer = self._exchange(method, target, body, headers)
        except (OSError, HTTPException) as error:
            raise HttpFailure(f"{method} {self.base}{path}: {reason(error)}") from error
        if expect and answer.status not in expect:
            raise HttpFailure(
                f"{method} {answer.url} answered {answer.status}: {snippet(answer.text)}", answer.status
            )
        return answer

    def _exchange(self, method: str, target: str, body: str | None, headers: Mapping[str, str]) -> Answer:
        """A connection of its own: on loopback that costs less than importing what would keep one."""
        place = urlsplit(self.base)
        kind = HTTPSConnection if place.scheme == "https" else HTTPConnection
        with closing(kind(place.hostname or "", place.port, timeout=self.timeout)) as connection:
            connection.request(method, place.path + target, body, dict(headers))
            response = connection.getresponse()
            charset = response.headers.get_content_charset("utf-8")
            text = response.read().decode(charset, errors="replace")
            return Answer(self.base + target.partition("?")[0], response.status, text)

    def _authorization(self) -> dict[str, str]:
        if self.token:
            return {"Authorization": f"Bearer {self.token}"}
        if self.auth is None:
            return {}
        pair = b64encode(":".join(self.auth).encode()).decode()
        return {"Authorization": f"Basic {pair}"}

    def get(self, path: str, **kwargs: Any) -> Answer:
        """GET; see ``call``."""
        return self.call("GET", path, **kwargs)

    def post(self, path: str, **kwargs: Any) -> Answer:
        """POST; see ``call``."""
        return self.call("POST", path, **kwargs)


def _body(told: Mapping[str, Any]) -> tuple[str | None, dict[str, str]]:
    """A request's body and the header that says what it is."""
    if "json" in told:
        return json.dumps(told["json"]), {"Content-Type": "application/json"}
    if "data" in told:
        return urlencode(told["data"], doseq=True), {"Content-Type": "application/x-www-form-urlencoded"}
    return None, {}


def snippet(text: str) -> str:
    """The first words of a body on one line."""
    return " ".join(text.split())[:SNIPPET]


def reason(error: BaseException) -> str:
    """The innermost cause in a few words."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return f"{type(error).__name__}: {error}"[:SNIPPET]
