"""Whether somebody listens at an address: a connection that is opened and closed again."""

from __future__ import annotations

import socket
from collections.abc import Iterable

EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 - where it is asked for
SECONDS = 1.0
Place = tuple[str, int]


def place(address: str, port: int) -> Place:
    """Where a port that is bound to ``address`` can be reached on the same machine."""
    return EVERYWHERE.get(address, address), port


def none_listens(places: Iterable[Place]) -> bool:
    """Whether there are places and each refuses, or does not answer within ``SECONDS``."""
    tried = [_listens(one) for one in places]
    return bool(tried) and not any(tried)


def _listens(one: Place) -> bool:
    try:
        with socket.create_connection(one, SECONDS):
            return True
    except OSError:
        return False
