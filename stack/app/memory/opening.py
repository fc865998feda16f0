"""From the address of a packet store to the store. It must never connect: stores do at their first call."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from stack.app.clock import CLOCK
from stack.app.memory.database import Dialect
from stack.app.memory.packet import Packet
from stack.app.memory.sqlite import SqliteDialect
from stack.app.memory.store import PacketStore

_POSTGRES = ("postgresql://", "postgres://")
_SQLITE = "sqlite:///"


def open_store(
    target: str | Path,
    *,
    clock: Callable[[], float] = CLOCK,
    expected_migration: int = 0,
    obstacle: Callable[[Packet | None], object] = lambda _: None,
) -> PacketStore:
    """The store at `target`: a `postgresql://` URL, a `sqlite:///` URL, or the path of a SQLite file.

    `expected_migration` 0 means the newest; `obstacle` as with `PacketStore`. Raises ValueError for another scheme
    and StoreUnavailable for a database URL that cannot be understood.
    """
    return PacketStore(_dialect(target), clock, expected_migration, obstacle)


def _dialect(target: str | Path) -> Dialect:
    text = str(target)
    if text.startswith(_POSTGRES):
        from stack.app.memory.postgres import PostgresDialect

        return PostgresDialect(text)
    if text.startswith(_SQLITE):
        return SqliteDialect(Path(text.removeprefix(_SQLITE)))
    if "://" in text:
        scheme = text.split("://", 1)[0]
        raise ValueError(f"database URL: unknown scheme {scheme[:20]!r}: use postgresql:// or sqlite:///")
    return SqliteDialect(Path(target))
