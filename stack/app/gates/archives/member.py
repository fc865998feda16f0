"""One entry of an archive as its reader found it, before anybody has judged it. It holds data only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Member:
    """``size`` is as declared; ``exact`` when it is binding; ``compressed`` where the format counts per entry.

    ``special`` says why it is neither a plain file nor a folder. ``chunks`` streams the content, once, and
    only before the reader goes on to the next member.
    """

    name: str
    folder: bool
    size: int
    chunks: Callable[[], Iterator[bytes]]
    compressed: int | None = None
    exact: bool = True
    special: str | None = None
