"""Calls to the products behind the data sources; nobody listening becomes the text that Go's client gives."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

SECONDS = 10.0


class Down(Exception):
    """Nobody answers; the text is the real server's."""


@dataclass(frozen=True)
class Upstream:
    """One answer."""

    status: int
    content_type: str
    body: bytes

    def json(self) -> Any:
        """The decoded body."""
        return json.loads(self.body)


def call(base: str, method: str, path: str, body: bytes = b"", content_type: str = "") -> Upstream:
    """One request to ``base``; ``Down`` where nobody listens."""
    parts = urlsplit(base)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=SECONDS)
    headers = {"Content-Type": content_type} if content_type else {}
    try:
        connection.request(method, parts.path.rstrip("/") + path, body or None, headers)
        answer = connection.getresponse()
        return Upstream(answer.status, answer.headers.get("Content-Type", ""), answer.read())
    except OSError as error:
        url = f"{base}{path.partition('?')[0]}"
        text = f'{method.title()} "{url}": dial tcp {parts.netloc}: connect: connection refused'
        raise Down(text) from error
    finally:
        connection.close()


def form(base: str, path: str, **values: str) -> Upstream:
    """A POST of a form."""
    return call(base, "POST", path, urlencode(values).encode(), "application/x-www-form-urlencoded")
