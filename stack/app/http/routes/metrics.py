"""``/metrics``: everything recorded, as Prometheus text or as OpenMetrics with exemplars, by the Accept header."""

from __future__ import annotations

from typing import Final, cast

from fastapi import APIRouter, Request, Response
from prometheus_client import CollectorRegistry

from stack.app.http.wiring import Lanes, Newest
from stack.telemetry.exposition import Exposition, expose

router = APIRouter(tags=["metrics"])
_FORMATS = {
    "text/plain": {"schema": {"type": "string"}},
    "application/openmetrics-text": {"schema": {"type": "string"}},
}
_NOTHING: Final = CollectorRegistry()


def exposition(lanes: Lanes) -> Newest[str, Exposition]:
    """What scrapers that come at the same time share, by its content type."""
    return Newest(lambda content_type: lanes.metrics.run(lambda: expose(content_type)))


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"description": "All metrics", "content": _FORMATS}},
)
async def metrics(request: Request) -> Response:
    """The metrics of this process."""
    shared = cast("Newest[str, Exposition]", request.app.state.exposition)
    content_type = expose(request.headers.get("accept", ""), _NOTHING).content_type
    exposed = await shared.get(content_type)
    return Response(exposed.body, media_type=None, headers={"Content-Type": exposed.content_type})
