"""A file that no product will read, and why: kept as a value, so that it can be told instead of passed over."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Weight = Literal["fault", "unused", "quiet"]


class LeftOut(Struct, frozen=True):
    """``path`` as its owner names it. ``weight`` says who hears of it.

    ``fault``: it was meant and cannot be used, so nothing is changed before it is mended. ``unused``: every command
    that applies files tells. ``quiet``: only ``validate`` tells, since nobody expects it to be read.
    """

    path: str
    why: str
    hint: str = ""
    weight: Weight = "unused"

    def __str__(self) -> str:
        return f"{shown(self.path)}: {self.why}"


def shown(path: str) -> str:
    """A path on one line: control characters and bytes that are no text are escaped."""
    return path if path.isprintable() else path.encode("unicode_escape").decode()
