"""Puts the HTTP face together: routes, layers, problem documents and an OpenAPI document that tells the truth.

``create_app`` starts nothing: what the context holds is started and closed by the server's lifespan.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

from fastapi import FastAPI

from stack.app.http import docs, openapi, problems
from stack.app.http.bodies import LARGE_AT_ONCE
from stack.app.http.middleware.body_limit import BodyLimit
from stack.app.http.middleware.credentials import Credentials
from stack.app.http.middleware.deadline import Deadline
from stack.app.http.middleware.head import Head, Options
from stack.app.http.middleware.observe import Observe
from stack.app.http.middleware.trusted import Trusted
from stack.app.http.routes import alerts, faults, gates, health, ingest, memory, metrics, tools
from stack.app.http.uploads import Spool
from stack.app.http.wiring import ALERT_ANSWERS_AT_ONCE, ANSWERS_AT_ONCE, Lanes
from stack.app.tools.workers import Workers

if TYPE_CHECKING:
    from stack.app.context import AppContext

ROUTERS = (health, metrics, gates, ingest, tools, memory, alerts, faults)


def create_app(context: AppContext) -> FastAPI:
    """The ASGI application over one context, which its lifespan starts and closes."""
    app = FastAPI(
        title="Instrumented application",
        version=context.version,
        lifespan=_lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.context = context
    app.state.lanes = Lanes()
    app.state.exposition = metrics.exposition(app.state.lanes)
    app.state.vitals = health.parts(context, app.state.lanes)
    app.state.answers = asyncio.Semaphore(ANSWERS_AT_ONCE)
    app.state.alert_answers = asyncio.Semaphore(ALERT_ANSWERS_AT_ONCE)
    app.state.large = defaultdict(partial(asyncio.Semaphore, LARGE_AT_ONCE))
    app.state.spool = Spool(context.spool, max(context.settings.max_spool, context.settings.max_upload))
    app.state.routes = [route for module in ROUTERS for route in module.router.routes]
    for module in ROUTERS:
        app.include_router(module.router)
    problems.install(app)
    _add_layers(app, context)
    docs.install(app)
    openapi.install(app, schemes=tuple(context.secrets))
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    context: AppContext = app.state.context
    context.start()
    try:
        yield
    finally:
        await Workers(1).run(context.close)


def _add_layers(app: FastAPI, context: AppContext) -> None:
    """Innermost first: what is added last sees a request first."""
    settings = context.settings
    app.add_middleware(Options)
    app.add_middleware(
        BodyLimit, limit=settings.max_body, uploads=dict.fromkeys(openapi.UPLOADS, settings.max_upload)
    )
    app.add_middleware(Deadline, seconds=settings.request_timeout)
    if context.secrets:
        app.add_middleware(Credentials, secrets=context.secrets)
    app.add_middleware(Trusted, hosts=settings.allowed_hosts)
    app.add_middleware(Head)
    app.add_middleware(Observe)
