"""The outermost layer: gives each request its id, its metrics, its log line, and a problem when all else failed.

A metric is labelled by route template, never by raw path; what no route matched counts as ``unmatched``. An
unexpected exception is logged with its traceback and answered with a bare 500.
"""

from __future__ import annotations

import asyncio
import logging
from secrets import token_hex
from time import perf_counter

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from stack.app.http import problems
from stack.telemetry import recorders
from stack.telemetry.request import request_scope, safe_request_id

UNMATCHED = "unmatched"
CLIENT_GONE = 499
_LOG = logging.getLogger("stack.app.http")


class Observe:
    """``X-Request-ID`` in and out, one metric record and one log line a request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = safe_request_id(Headers(scope=scope).get("x-request-id", "")) or token_hex(8)
        with request_scope(request_id):
            await self._measured(scope, receive, send, request_id)

    async def _measured(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        started = perf_counter()
        status = 0
        method = scope["method"]

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-ID"] = request_id
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except ClientDisconnect:
            status = status or CLIENT_GONE
        except asyncio.CancelledError:
            # Its client has gone, or the server ends. What was begun is cut off.
            is_gone = scope.get("extensions", {}).get("is_gone")
            if not status and not (is_gone is not None and is_gone()):
                stopping = problems.response(503, "the service is stopping: try again", {"Retry-After": "5"})
                await stopping(scope, receive, sending)
        except Exception:
            _LOG.exception("request failed", extra={"method": method, "route": _route(scope)})
            if status:
                raise
            failed = problems.response(
                500, "the request failed inside the service: see the log at this request_id"
            )
            await failed(scope, receive, sending)
        finally:
            _record(method, _route(scope), status or CLIENT_GONE, perf_counter() - started)


def _record(method: str, route: str, status: int, seconds: float) -> None:
    recorders.observe_http(method, route, status, seconds)
    quiet = status < 400 and route in {"/health", "/metrics"}
    _LOG.log(
        logging.DEBUG if quiet else logging.INFO,
        "request",
        extra={"method": method, "route": route, "status": status, "duration_ms": round(seconds * 1000, 3)},
    )


def _route(scope: Scope) -> str:
    return str(getattr(scope.get("route"), "path", UNMATCHED))
