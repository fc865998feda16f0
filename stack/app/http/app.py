"""Puts the HTTP face together: routes, layers, problem documents and an OpenAPI document that tells the truth.

``create_app`` starts nothing: what the context holds is started and closed by the server's lifespan.
"""

from __future__ import annotations

import errno
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from anyio import CapacityLimiter
from fastapi import FastAPI, Request, Response

from stack.app.http import openapi, problems
from stack.app.http.middleware.body_limit import BodyLimit
from stack.app.http.middleware.deadline import Deadline
from stack.app.http.middleware.head import Head
from stack.app.http.middleware.observe import Observe
from stack.app.http.middleware.token import Token
from stack.app.http.routes import alerts, faults, gates, health, ingest, memory, metrics, tools
from stack.app.http.wiring import offload
from stack.app.memory.errors import StoreError

if TYPE_CHECKING:
    from stack.app.context import AppContext

ROUTERS = (health, metrics, gates, ingest, tools, memory, alerts, faults)
TOOLS_AT_ONCE = 32
"""Tool calls that run at the same time; more wait, and other addresses keep threads of their own."""
ARCHIVES_AT_ONCE = 2
"""Archives that are read at the same time: each may need two dictionaries of 64 MiB."""
STORE_CALLS_AT_ONCE = 16
"""Likewise for what waits for the packet store: while that hangs, metrics, gates and tools still answer."""
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def create_app(context: AppContext) -> FastAPI:
    """The ASGI application over one context, which its lifespan starts and closes."""
    app = FastAPI(
        title="Instrumented application",
        version=context.version,
        lifespan=_lifespan,
        redoc_url=None,
        redirect_slashes=False,
        swagger_ui_oauth2_redirect_url=None,
    )
    app.state.context = context
    app.state.tool_threads = CapacityLimiter(TOOLS_AT_ONCE)
    app.state.archive_threads = CapacityLimiter(ARCHIVES_AT_ONCE)
    app.state.store_threads = CapacityLimiter(STORE_CALLS_AT_ONCE)
    app.state.routes = [route for module in ROUTERS for route in module.router.routes]
    for module in ROUTERS:
        app.include_router(module.router)
    problems.install(app)
    app.add_exception_handler(StoreError, _on_store_error)
    app.add_exception_handler(OSError, _on_full_disk)
    _add_layers(app, context)
    openapi.install(app, secured=context.token is not None)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    context: AppContext = app.state.context
    context.start()
    try:
        yield
    finally:
        await offload(context.close)


def _add_layers(app: FastAPI, context: AppContext) -> None:
    """Innermost first: what is added last sees a request first."""
    settings = context.settings
    app.add_middleware(
        BodyLimit, limit=settings.max_body, uploads=dict.fromkeys(openapi.UPLOADS, settings.max_upload)
    )
    app.add_middleware(Deadline, seconds=settings.request_timeout)
    if context.token is not None:
        app.add_middleware(Token, token=context.token)
    app.add_middleware(Head)
    app.add_middleware(Observe)


async def _on_store_error(request: Request, error: Exception) -> Response:
    del request
    return problems.response(503, str(error), {"Retry-After": "5"})


async def _on_full_disk(request: Request, error: Exception) -> Response:
    """RFC 4918 section 11.5; any other error of the system stays unexpected."""
    del request
    if not isinstance(error, OSError) or error.errno not in FULL:
        raise error
    return problems.response(507, f"{error.strerror}: nothing is kept: free some space, then try again")
