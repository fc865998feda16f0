"""The registry as text, the Prometheus format or OpenMetrics with exemplars when the scraper asks for it; and back.

It must never trust a header: versions and names that a caller puts there are ignored, not echoed.
"""

from __future__ import annotations

from collections.abc import Iterator
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

    if content_type(accept) == OPENMETRICS:
        return Exposition(openmetrics.generate_latest(source), OPENMETRICS)  # type: ignore[no-untyped-call]
    return Exposition(exposition.generate_latest(source), TEXT)


def content_type(accept: str) -> str:
    """The format that an Accept header asks for."""
    for choice in accept.lower().split(","):
        media_type, *parameters = (part.strip() for part in choice.split(";"))
        if media_type == "application/openmetrics-text":
            # RFC 9110, 12.4.2: weight 0 means "not acceptable".
            refused = any(part in ("q=0", "q=0.0", "q=0.00", "q=0.000") for part in parameters)
            return TEXT if refused else OPENMETRICS
    return TEXT


def read(text: str) -> Iterator[tuple[str, dict[str, str], float]]:
    """Name, labels and value of each sample of a page in the text format. Raises ValueError where it is none."""
    from prometheus_client.parser import text_string_to_metric_families

    try:
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                yield sample.name, sample.labels, sample.value
    except (KeyError, IndexError) as error:
        raise ValueError(str(error)) from error
