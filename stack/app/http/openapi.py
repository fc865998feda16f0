"""The OpenAPI document: FastAPI's own, plus every problem that an operation can answer.

What is true of all operations is written once, here. It changes the document only, never the behaviour.
"""

from __future__ import annotations

import json
from functools import cache
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.openapi.utils import get_openapi

from stack.app.http.middleware.credentials import OPEN_PATHS
from stack.app.http.problems import MEDIA_TYPE

ADDRESS: Final = "/openapi.json"
ALWAYS: Final = (400, 403, 405, 408, 413, 422, 500, 503)
DESCRIPTION: Final = (
    "Six security gates, audited tools, a memory of packets, and the receiver of Alertmanager's notifications. "
    "Every error is a problem document (RFC 9457)."
)
HERE: Final = [{"url": "."}]
"""Relative to the document (OpenAPI 3.1, 4.8.5): right under whatever prefix a proxy serves it."""
NOT_FOUND_BELOW: Final = "/faults"
CONFLICT_BELOW: Final = ("/memory", "/ingest")
UPLOADS: Final = ("/ingest", "/gates/archive")

PROBLEM: Final[dict[str, Any]] = {
    "title": "Problem",
    "description": "RFC 9457 problem document.",
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "request_id": {"type": "string"},
        "error_code": {"type": "string", "description": "The gate's error code."},
        "gate": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"location": {"type": "string"}, "message": {"type": "string"}},
            },
        },
    },
}


def install(app: FastAPI, *, schemes: tuple[str, ...]) -> None:
    """Makes ``app`` serve the completed document at ``ADDRESS``; ``schemes`` of HTTP authentication it takes."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            made = get_openapi(
                title=app.title, version=app.version, routes=app.routes, description=DESCRIPTION
            )
            app.openapi_schema = _completed(made, schemes)
        return app.openapi_schema

    @cache
    def as_text() -> bytes:
        return json.dumps(document()).encode()

    async def show(request: Request) -> Response:
        del request
        return Response(as_text(), media_type="application/json")

    app.openapi = document  # type: ignore[method-assign]
    # FastAPI's own route writes the document anew for each request.
    app.router.routes = [route for route in app.routes if getattr(route, "path", "") != ADDRESS]
    app.add_route(ADDRESS, show, include_in_schema=False)


def _completed(made: dict[str, Any], schemes: tuple[str, ...]) -> dict[str, Any]:
    made["servers"] = HERE
    components = made.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schemas["Problem"] = PROBLEM
    if schemes:
        components["securitySchemes"] = {name: {"type": "http", "scheme": name} for name in schemes}
    for path, operations in made["paths"].items():
        for operation in operations.values():
            _complete(path, operation, () if path in OPEN_PATHS else schemes)
    return made


def _complete(path: str, operation: dict[str, Any], schemes: tuple[str, ...]) -> None:
    statuses = list(ALWAYS)
    if path.startswith(NOT_FOUND_BELOW):
        statuses.append(404)
    if path.startswith(CONFLICT_BELOW):
        statuses.append(409)
    if path in UPLOADS:
        statuses.append(507)
    if schemes:
        statuses.append(401)
        operation["security"] = [{name: []} for name in schemes]
    for status in sorted(statuses):
        operation["responses"][str(status)] = {
            "description": HTTPStatus(status).phrase,
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
