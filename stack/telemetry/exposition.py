"""The registry as text: the Prometheus format, or OpenMetrics with exemplars when the scraper asks for it.

It must never trust a header: versions and names that a caller puts there are ignored, not echoed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from stack.telemetry.recorders import registry as process_registry

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Exposition:
    """The body of a /metrics answer and its content type."""

    body: bytes
    content_type: str


def expose(accept: str = "", registry: CollectorRegistry | None = None) -> Exposition:
    """Everything recorded so far, in the format that the Accept header asks for; else text.

    Without prometheus_client the body is a comment that says so.
    """
    source = process_registry() if registry is None else registry
    if source is None:
        return Exposition(b"# prometheus_client is not installed: nothing is recorded\n", TEXT)
    from prometheus_client import exposition
    from prometheus_client.openmetrics import exposition as openmetrics

    if _wants_openmetrics(accept):
        return Exposition(openmetrics.generate_latest(source), OPENMETRICS)  # type: ignore[no-untyped-call]
    return Exposition(exposition.generate_latest(source), TEXT)


def _wants_openmetrics(accept: str) -> bool:
    for choice in accept.lower().split(","):
        media_type, *parameters = (part.strip() for part in choice.split(";"))
        if media_type == "application/openmetrics-text":
            # RFC 9110, 12.4.2: weight 0 means "not acceptable".
            return not any(part in ("q=0", "q=0.0", "q=0.00", "q=0.000") for part in parameters)
    return False
