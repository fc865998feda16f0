"""Who hangs up is noticed also while nothing is read from the connection.

The event loop watches a connection only while it reads or writes, and a connection is not read while its request is at
work and more has come than is wanted. So a client that sends much and goes would keep its place, and its work would be
done for nobody. Where the system has no epoll nobody is noticed, which costs places and nothing else.
"""

from __future__ import annotations

import select
import sys
from asyncio import AbstractEventLoop
from collections.abc import Callable
from contextlib import suppress


class HangUps:
    """For one event loop, in which each connection's ``gone`` is called once, when its client has closed or reset."""

    def __init__(self, loop: AbstractEventLoop) -> None:
        self._gone: dict[int, Callable[[], None]] = {}
        if sys.platform == "linux":
            self._watched = select.epoll()
            loop.add_reader(self._watched.fileno(), self._tell)

    def watch(self, descriptor: int, gone: Callable[[], None]) -> None:
        """From now on, until ``forget``; more than once is as good as once."""
        if sys.platform == "linux" and descriptor not in self._gone:
            self._watched.register(descriptor, select.EPOLLRDHUP | select.EPOLLONESHOT)
            self._gone[descriptor] = gone

    def forget(self, descriptor: int) -> None:
        """The connection is lost, and its descriptor about to be another's."""
        if self._gone.pop(descriptor, None) is not None:
            with suppress(OSError):  # closed already
                self._watched.unregister(descriptor)

    def _tell(self) -> None:
        for descriptor, _ in self._watched.poll(0):
            gone = self._gone.get(descriptor)
            if gone is not None:
                gone()
