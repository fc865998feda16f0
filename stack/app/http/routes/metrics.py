"""``/metrics``: everything recorded, as Prometheus text or as OpenMetrics with exemplars, by the Accept header."""

from __future__ import annotations

from typing import cast

from fastapi import APIRouter, Request, Response

from stack.app.http.wiring import Lanes, Newest
from stack.telemetry.exposition import Exposition, content_type, expose

router = APIRouter(tags=["metrics"])
_FORMATS = {
    "text/plain": {"schema": {"type": "string"}},
    "application/openmetrics-text": {"schema": {"type": "string"}},
}


def exposition(lanes: Lanes) -> Newest[str, Exposition]:
    """What scrapers that come at the same time share, by its content type."""
    return Newest(lambda wanted: lanes.metrics.run(lambda: expose(wanted)))


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"description": "All metrics", "content": _FORMATS}},
)
async def metrics(request: Request) -> Response:
    """The metrics of this process."""
    shared = cast("Newest[str, Exposition]", request.app.state.exposition)
    exposed = await shared.get(content_type(request.headers.get("accept", "")))
    return Response(exposed.body, media_type=None, headers={"Content-Type": exposed.content_type})
