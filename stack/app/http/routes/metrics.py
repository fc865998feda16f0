"""``/metrics``: everything recorded, as Prometheus text or as OpenMetrics with exemplars, by the Accept header."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from stack.app.http.wiring import offload
from stack.telemetry.exposition import expose

router = APIRouter(tags=["metrics"])
_FORMATS = {
    "text/plain": {"schema": {"type": "string"}},
    "application/openmetrics-text": {"schema": {"type": "string"}},
}


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"description": "All metrics", "content": _FORMATS}},
)
async def metrics(request: Request) -> Response:
    """The metrics of this process."""
    exposed = await offload(lambda: expose(request.headers.get("accept", "")))
    return Response(exposed.body, media_type=None, headers={"Content-Type": exposed.content_type})
