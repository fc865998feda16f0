"""Request bodies, read off the event loop and within bounds: JSON parsed by a thread, an upload spooled to a file.

A body is small beside what it may turn into: a megabyte of JSON can hold half a million lists, each of which costs
fifty times its two bytes. So values are counted before anything else looks at them.
"""

from __future__ import annotations

import gc
import json
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, Final, cast

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.datastructures import FormData

from stack.app.http import uploads
from stack.app.http.problems import Problem, of_failure
from stack.app.http.wiring import Lanes

MAX_VALUES: Final = 50_000
_PIECE: Final = 16 * 1024
_AT_ONCE: Final = 16 * 1024
"""A body up to this size is parsed where it is: a turn to a thread would take as long."""
LARGE_AT_ONCE: Final = 4
"""Larger bodies that are values at the same time, for each route: Python's collector looks through all the values that
there are, with a million of them for half a second in which nothing else runs."""


class BodyRoute(APIRoute):
    """A route whose body is read as this module does."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """See ``APIRoute``."""
        handle = super().get_route_handler()

        async def handled(request: Request) -> Response:
            asked = _Request(request.scope, request.receive)
            if len(await asked.known()) <= _AT_ONCE:
                return await handle(asked)
            async with request.app.state.large[self.path]:
                return await handle(asked)

        return handled


class _Request(Request):
    async def known(self) -> bytes:
        """The body, if it is kept in memory; an upload is read by whoever takes its parts."""
        return b"" if uploads.is_form(self.headers) else await self.body()

    async def json(self) -> Any:
        """The body's value. Raises JSONDecodeError, Problem."""
        body = await self.body()
        if len(body) <= _AT_ONCE:
            return _parsed(body)
        with _told():
            return await cast("Lanes", self.app.state.lanes).bodies.run(lambda: _parsed_in_peace(body))

    def form(self, **limits: Any) -> Any:
        """The form's fields, the file spooled. Raises Problem."""
        del limits  # ours are stricter
        return self._spooled()

    async def _spooled(self) -> FormData:
        lanes = cast("Lanes", self.app.state.lanes)
        with _told():
            return await uploads.spooled(self, self.app.state.spool, lanes.bodies)


@contextmanager
def _told() -> Iterator[None]:
    """FastAPI takes any error here for a fault of the body, unless it is a problem already."""
    try:
        yield
    except Exception as failure:
        problem = of_failure(failure)
        if problem is None:
            raise
        raise problem from None


def _parsed_in_peace(body: bytes) -> Any:
    """For the one thread that does this: the collector would look in thirty times, and nothing is garbage yet."""
    gc.disable()
    try:
        return _parsed(body)
    finally:
        gc.enable()


def _parsed(body: bytes) -> Any:
    if _values(body) > MAX_VALUES:
        raise Problem(400, f"the body holds more than {MAX_VALUES} values: send fewer at a time")
    try:
        # Of bytes json.loads would take UTF-16 and UTF-32 too, in which values cannot be counted as they are above.
        return json.loads(str(body, "utf-8-sig"), object_pairs_hook=_object)
    except json.JSONDecodeError:
        raise
    except RecursionError:
        raise Problem(400, "the body has more levels than can be read: send it flatter") from None
    except UnicodeDecodeError:
        raise Problem(400, "the body is no UTF-8 (RFC 8259, section 8.1): encode it so") from None
    except ValueError:
        raise Problem(400, "the body holds a number of too many digits: send it as text") from None


def _object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    """Of a name that stands twice, some readers take the first and some the last (RFC 8259, section 4)."""
    made = dict(members)
    if len(made) != len(members):
        raise Problem(400, "an object of the body has a name twice (RFC 8259, section 4): send each once")
    return made


def _values(body: bytes) -> int:
    """As many values as there are at most, counted no further than MAX_VALUES: all but the first follow one of ``,[{``.

    For UTF-8 only. Piece by piece, since json.loads, once begun, lets no other thread run to its end.
    """
    values, inside, cut = 1, False, b""
    for start in range(0, len(body), _PIECE):
        piece = cut + body[start : start + _PIECE]
        cut = b"\\" if (len(piece) - len(piece.rstrip(b"\\"))) % 2 else b""
        parts = piece.removesuffix(cut).replace(b"\\\\", b"").replace(b'\\"', b"").split(b'"')
        values += sum(part.count(mark) for part in parts[inside::2] for mark in (b",", b"[", b"{"))
        inside ^= len(parts) % 2 == 0
        if values > MAX_VALUES:
            break
    return values
