"""Errors as RFC 9457 problem documents (``application/problem+json``), the only shape in which this service fails.

A problem never repeats a request's body and never shows a traceback.
"""

from __future__ import annotations

import errno
import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from stack.app.gates.lookup import TooManyLookups
from stack.app.memory.answers import StoreError
from stack.app.tools.workers import NoThread, Stopped
from stack.telemetry.request import REQUEST_ID

MEDIA_TYPE = "application/problem+json"
_MAX_LOCATION = 200
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


BUSY = (StoreError, TooManyLookups, Stopped, NoThread)
"""What passes: the same request may succeed later."""


class Problem(HTTPException):
    """An error with a status, one line of detail, and members of its own such as ``error_code``."""

    def __init__(
        self, status: int, detail: str, *, headers: Mapping[str, str] | None = None, **members: Any
    ) -> None:
        super().__init__(status, detail, headers)
        self.members = members


def document(status: int, detail: str, members: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The problem document of RFC 9457 section 3; ``type`` is about:blank, so ``title`` is the status phrase."""
    content: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    if current := REQUEST_ID.get():
        content["request_id"] = current
    return content | dict(members or {})


def of_failure(failure: BaseException) -> Problem | None:
    """The problem that a full disk (507, RFC 4918 section 11.5) or a busy or absent part (503) is; None for others."""
    if isinstance(failure, OSError) and failure.errno in _FULL:
        return Problem(507, f"{failure.strerror}: nothing is kept: free some space, then try again")
    if isinstance(failure, BUSY):
        return Problem(503, str(failure), headers={"Retry-After": "5"})
    return None


def response(
    status: int,
    detail: str,
    headers: Mapping[str, str] | None = None,
    members: Mapping[str, Any] | None = None,
) -> Response:
    """The same as an answer."""
    body = json.dumps(document(status, detail, members), ensure_ascii=True)
    return Response(body, status, headers, MEDIA_TYPE)


async def _on_http_exception(request: Request, error: Exception) -> Response:
    status = getattr(error, "status_code", 500)
    detail = str(getattr(error, "detail", "") or HTTPStatus(status).phrase)
    headers = dict(getattr(error, "headers", None) or {})
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(allowed_methods(request))
        detail = f"{request.method} is not possible here: use {headers['Allow']}"
    elif status == HTTPStatus.NOT_FOUND and not isinstance(error, Problem):
        detail = "nothing is here: see /docs for the addresses"
    return response(status, detail, headers, getattr(error, "members", None))


async def _on_invalid_request(request: Request, error: Exception) -> Response:
    faults = error.errors() if isinstance(error, RequestValidationError) else []
    return response(
        422, "the request does not fit its schema: see errors", members={"errors": _listed(faults)}
    )


def _listed(faults: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    return [
        {
            "location": ".".join(str(part) for part in fault.get("loc", ()))[:_MAX_LOCATION],
            "message": str(fault.get("msg", "")),
        }
        for fault in list(faults)[:20]
    ]


def allowed_methods(request: Request) -> list[str]:
    """Every method that some route has for this request's path (RFC 9110 section 10.2.1)."""
    found: set[str] = set()
    included = getattr(request.app.state, "routes", ())
    for route in (*request.app.router.routes, *included):
        expression = getattr(route, "path_regex", None)
        if expression is not None and expression.match(request.scope["path"]):
            found |= set(getattr(route, "methods", None) or ())
    return sorted(found - {"HEAD"})


async def _on_failure(request: Request, error: Exception) -> Response:
    problem = of_failure(error)
    if problem is None:
        raise error
    return await _on_http_exception(request, problem)


def install(app: FastAPI) -> None:
    """Makes every error of ``app`` a problem document; what nobody expects stays for the outermost layer."""
    for kind in (OSError, *BUSY):
        app.add_exception_handler(kind, _on_failure)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
