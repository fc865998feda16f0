"""The one HTTP client: bounded, typed, without redirects; every failure says which address gave which answer.

It speaks to the stack's own products only and must never follow an answer to another host.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import requests

SNIPPET = 200


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


def direct_session() -> requests.Session:
    """A session that ignores the environment: no proxy or netrc may come between us and the stack."""
    session = requests.Session()
    session.trust_env = False
    return session


@dataclass(frozen=True)
class Http:
    """A base address with a session. ``auth`` is (user, password); ``timeout`` in seconds."""

    base: str
    auth: tuple[str, str] | None = None
    token: str = ""
    timeout: float = 5.0
    session: requests.Session = field(default_factory=direct_session, repr=False)

    def call(self, method: str, path: str, *, expect: tuple[int, ...] = (200,), **kwargs: Any) -> Answer:
        """One request; ``HttpFailure`` unless the status is one of ``expect`` (empty: any)."""
        url = self.base + path
        headers = {
            **kwargs.pop("headers", {}),
            **({"Authorization": f"Bearer {self.token}"} if self.token else {}),
        }
        try:
            response = self.session.request(
                method,
                url,
                auth=self.auth,
                headers=headers,
                timeout=self.timeout,
                allow_redirects=False,
                **kwargs,
            )
        except requests.RequestException as error:
            raise HttpFailure(f"{method} {url}: {reason(error)}") from error
        answer = Answer(url, response.status_code, response.text, response.headers)
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


def snippet(text: str) -> str:
    """The first words of a body on one line."""
    return " ".join(text.split())[:SNIPPET]


def reason(error: BaseException) -> str:
    """The innermost cause in a few words."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return f"{type(error).__name__}: {error}"[:SNIPPET]
