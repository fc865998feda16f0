"""The request id that measurements are tied to: an exemplar leads to the log line of the same request.

It holds one context variable (inherited by asyncio tasks and by threads that copy the context) and the rule
that keeps foreign text out of the exposition. It must never generate ids or read headers: the caller does that.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

EXEMPLAR_LABEL = "request_id"
# OpenMetrics 1.0 allows 128 characters for all names and values of an exemplar's labels together.
_MAX_LENGTH = 128 - len(EXEMPLAR_LABEL)
_ALLOWED = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")

REQUEST_ID: ContextVar[str] = ContextVar("request_id", default="")


def safe_request_id(value: str) -> str:
    """The id if it may stand in an exemplar (short, as OpenMetrics 1.0 asks, and plain), else an empty string."""
    return value if len(value) <= _MAX_LENGTH and _ALLOWED.issuperset(value) else ""


@contextmanager
def request_scope(request_id: str) -> Iterator[None]:
    """Ties every measurement made inside the block to this request; an unusable id ties it to none."""
    token = REQUEST_ID.set(safe_request_id(request_id))
    try:
        yield
    finally:
        REQUEST_ID.reset(token)


def exemplar() -> dict[str, str] | None:
    """The labels of an exemplar for what is recorded now, None outside a request."""
    request_id = REQUEST_ID.get()
    return {EXEMPLAR_LABEL: request_id} if request_id else None
