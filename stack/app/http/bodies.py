"""Request bodies, read off the event loop and within bounds: JSON parsed by a thread, an upload spooled to a file.

A body is small beside what it may turn into: a megabyte of JSON can hold half a million lists, each of which costs
fifty times its two bytes. So values are counted before anything else looks at them.
"""

from __future__ import annotations

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
_AT_ONCE: Final = 16 * 1024
"""A body up to this size is parsed where it is: a turn to a thread would take as long."""


class BodyRoute(APIRoute):
    """A route whose body is read as this module does."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """See ``APIRoute``."""
        handle = super().get_route_handler()

        async def handled(request: Request) -> Response:
            return await handle(_Request(request.scope, request.receive))

        return handled


class _Request(Request):
    async def json(self) -> Any:
        """The body's value. Raises JSONDecodeError, Problem."""
        body = await self.body()
        if len(body) <= _AT_ONCE:
            return _parsed(body)
        with _told():
            return await cast("Lanes", self.app.state.lanes).bodies.run(lambda: _parsed(body))

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


def _parsed(body: bytes) -> Any:
    value = json.loads(body)
    values, level = 1, [value]
    while level:
        deeper: list[Any] = []
        for each in level:
            values += len(each) if isinstance(each, (dict, list)) else 0
            if values > MAX_VALUES:
                raise Problem(422, f"the body holds more than {MAX_VALUES} values: send fewer at a time")
            if isinstance(each, dict):
                deeper += [item for item in each.values() if isinstance(item, (dict, list))]
            elif isinstance(each, list):
                deeper += [item for item in each if isinstance(item, (dict, list))]
        level = deeper
    return value
