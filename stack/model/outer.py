"""Networks of others, as values."""

from __future__ import annotations

from dataclasses import dataclass

PREDEFINED = ("bridge", "host", "none")
"""Networks that every engine has. Names do not resolve on them, so that none is joined."""


@dataclass(frozen=True, slots=True)
class OuterNetwork:
    """A network of somebody else that a container joins; ``named_by`` is the place (file:line) that asks for it."""

    name: str
    named_by: str = ""
