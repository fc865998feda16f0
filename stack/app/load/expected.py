"""What an operation of the load generator has to end with. It decides nothing; it compares."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from stack.app.gates.types import Rejected


class Unexpected(Exception):
    """An operation ended otherwise than its kind says."""


@contextmanager
def rejected(code: str) -> Iterator[None]:
    """The block must be rejected with this code. Raises Unexpected."""
    try:
        yield
    except Rejected as rejection:
        if rejection.error_code != code:
            raise Unexpected(f"{code} was asked for, {rejection} came") from rejection
        return
    raise Unexpected(f"{code} was asked for, but the input was accepted")
