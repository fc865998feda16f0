"""One guard for answers that are JSON but not of the documented shape.

It turns the lookup errors of a client into ``HttpFailure`` and must never hide any other error.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from stack.clients.http import Answer, HttpFailure, snippet


@contextmanager
def shaped(answer: Answer) -> Iterator[None]:
    """Reading ``answer`` inside: a missing key, a wrong type or number becomes ``HttpFailure``."""
    try:
        yield
    except (KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
        raise HttpFailure(
            f"{answer.url} answered another shape ({type(error).__name__}: {error}): {snippet(answer.text)!r}",
            answer.status,
        ) from error
