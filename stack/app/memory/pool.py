"""A small bounded pool of database connections, the same for SQLite and PostgreSQL.

A connection that failed, or that its dialect calls stale, is closed and never handed out again. It must never
know what a connection is used for.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, Protocol, TypeVar

from stack.app.memory.answers import StoreUnavailable


class Closable(Protocol):
    """Anything that can be closed."""

    def close(self) -> None:
        """Give up what is held; may be called once."""


C = TypeVar("C", bound=Closable)


class Pool(Generic[C]):
    """At most `size` connections, opened on demand; `lease` waits at most `patience` seconds for a free one.

    `fresh` tells whether a connection can still be used; it is asked before each use. `lost` tells of an error on a
    connection whether it means that the other side has gone.
    """

    def __init__(
        self,
        connect: Callable[[], C],
        fresh: Callable[[C], bool],
        size: int,
        patience: float = 10.0,
        *,
        lost: Callable[[C], bool] = lambda _: False,
    ) -> None:
        self._connect = connect
        self._fresh = fresh
        self._lost = lost
        self._idle: queue.LifoQueue[C] = queue.LifoQueue()
        self._slots = threading.BoundedSemaphore(size)
        self._patience = patience
        self._size = size
        self._closings = 0

    @contextmanager
    def lease(
        self,
        discard: tuple[type[BaseException], ...] = (BaseException,),
        begin: Callable[[C], object] = id,
    ) -> Iterator[C]:
        """A working connection for the length of the block, on which `begin` was called.

        A `discard` error closes the connection. When `begin` finds a connection lost that was used before, the next
        one takes its place, in the end a new one: so `begin` must leave nothing behind when it fails. Raises
        StoreUnavailable when all connections stay busy.
        """
        if not self._slots.acquire(timeout=self._patience):
            raise StoreUnavailable(
                f"all {self._size} connections stayed busy for {self._patience:g} s: lower the load"
            )
        try:
            closings = self._closings
            connection = self._begun(begin, discard)
            try:
                yield connection
            except discard:
                connection.close()
                raise
            except BaseException:
                self._give_back(connection, closings)
                raise
            self._give_back(connection, closings)
        finally:
            self._slots.release()

    def close(self) -> None:
        """Close the idle connections now, and those on lease when they come back."""
        self._closings += 1
        while True:
            try:
                self._idle.get_nowait().close()
            except queue.Empty:
                return

    def _begun(self, begin: Callable[[C], object], discard: tuple[type[BaseException], ...]) -> C:
        while True:
            try:
                connection, used = self._idle.get_nowait(), True
            except queue.Empty:
                connection, used = self._connect(), False
            if used and not self._fresh(connection):
                connection.close()
                continue
            try:
                begin(connection)
                return connection
            except discard:
                again = used and self._lost(connection)
                connection.close()
                if not again:
                    raise
            except BaseException:
                connection.close()
                raise

    def _give_back(self, connection: C, closings: int) -> None:
        if closings == self._closings:
            self._idle.put(connection)
        else:
            connection.close()
