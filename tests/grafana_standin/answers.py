"""Answers and the shapes that many routes share: 401, 404, faults with a message id."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

JSON = "application/json"
WEB_JSON = "application/json; charset=UTF-8"
HTML = "text/html; charset=utf-8"
PAGE = "text/html; charset=UTF-8"


@dataclass(frozen=True)
class Answer:
    """Status, body (encoded as JSON unless it is text or bytes), content type and further headers."""

    status: int
    body: Any
    content_type: str = JSON
    headers: dict[str, str] = field(default_factory=dict)


def fault(status: int, message_id: str, message: str) -> Answer:
    """A fault of a handler."""
    return Answer(status, {"statusCode": status, "messageId": message_id, "message": message})


def refused(message_id: str, message: str) -> Answer:
    """A 401 of the authentication in front of all handlers."""
    body = {"extra": None, "message": message, "messageId": message_id, "statusCode": 401, "traceID": ""}
    return Answer(401, body, WEB_JSON)


UNAUTHORIZED = refused("auth.unauthorized", "Unauthorized")
WRONG_PASSWORD = refused("password-auth.failed", "Invalid username or password")
NOT_FOUND = Answer(404, {"message": "Not found"}, WEB_JSON)
PLUGIN_UNAVAILABLE = fault(500, "plugin.unavailable", "Plugin unavailable")
INTERNAL = Answer(500, {"message": "Internal Server Error"})


def moved(target: str) -> Answer:
    """A redirect as Go's library writes it."""
    return Answer(302, f'<a href="{target}">Found</a>.\n\n', HTML, {"Location": target})
