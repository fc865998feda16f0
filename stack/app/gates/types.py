"""What a gate answers: ``Accepted`` with the normalised value, or ``Rejected`` raised with an error code.

It holds the two answers and the text that may be shown of a hostile value; it must never decide anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Generic, TypeVar

T = TypeVar("T")

SHOWN_CHARACTERS: Final = 120
HINT_CHARACTERS: Final = 300


@dataclass(frozen=True, slots=True)
class Accepted(Generic[T]):
    """The gate let the input pass; ``value`` is what to use from here on, not the raw input."""

    gate: str
    value: T


class Rejected(Exception):
    """The gate refused the input. ``value`` is safe to print and log; ``hint`` says how to put it right."""

    def __init__(self, gate: str, error_code: str, value: str, hint: str) -> None:
        self.gate = gate
        self.error_code = error_code
        self.value = shown(value)
        self.hint = shown(hint, HINT_CHARACTERS)
        super().__init__(f"{error_code}: {self.hint} ({gate}: {self.value})")


def shown(value: str, limit: int = SHOWN_CHARACTERS) -> str:
    """The start of a value with all that is unprintable escaped (CWE-117; bidi: CVE-2021-42574)."""
    start = value[:limit]
    text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in start)
    return text if len(value) <= limit else f"{text}..."
