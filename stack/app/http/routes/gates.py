"""``/gates/*``: asks one gate and answers 200 with its decision, accepted or rejected. Nothing is kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from time import perf_counter
from typing import Any

from fastapi import APIRouter, UploadFile

from stack.app.cancel import ARCHIVES
from stack.app.gates.extraction import Extraction
from stack.app.gates.types import Accepted, Rejected
from stack.app.http.bodies import BodyRoute
from stack.app.http.models import ConfigRequest, Decision, PathRequest, UrlRequest
from stack.app.http.uploads import path_of
from stack.app.http.wiring import IN_TURN, Context, InLanes, answered, page
from stack.app.tools.workers import Workers

router = APIRouter(prefix="/gates", tags=["gates"], route_class=BodyRoute)


async def _decision(
    gate: str, decide: Callable[[], Accepted[Any]], show: Callable[[Any], Any], lane: Workers
) -> Decision:
    started = perf_counter()
    told: dict[str, Any] = {"gate": gate, "outcome": "ok", "error_code": None, "value": None, "detail": None}
    try:
        told["value"] = await lane.run(lambda: show(decide().value))
    except Rejected as rejected:
        told |= {"gate": rejected.gate, "outcome": "reject", "error_code": rejected.error_code}
        told["detail"] = f"{rejected.hint}, got {rejected.value!r}"
    return Decision(**told, duration_ms=round((perf_counter() - started) * 1000, 3))


@router.post("/url")
async def check_url(asked: UrlRequest, context: Context, lanes: InLanes) -> Decision:
    """Asks url_gate whether a URL may be fetched."""
    resolve = await answered(context, lanes, asked.url)
    return await _decision(
        "url_gate",
        lambda: context.gates.check_url(asked.url, resolve),
        lambda checked: checked.url,
        lanes.gates,
    )


@router.post("/path")
async def check_path(asked: PathRequest, context: Context, lanes: InLanes) -> Decision:
    """Asks filesystem_gate whether a relative path may be written beside its siblings."""
    return await _decision(
        "filesystem_gate",
        lambda: context.gates.check_path(asked.path, siblings=asked.siblings),
        str,
        lanes.gates,
    )


@router.post("/config")
async def check_config(asked: ConfigRequest, context: Context, lanes: InLanes) -> Decision:
    """Asks config_gate whether a policy document is valid; the policy in force stays as it is."""
    return await _decision(
        "config_gate", lambda: context.gates.check_config(asked.document), asdict, lanes.gates
    )


@router.post("/archive", dependencies=IN_TURN)
async def check_archive(file: UploadFile, context: Context, lanes: InLanes) -> Decision:
    """Asks extraction_gate whether an archive may be extracted; nothing is extracted."""

    def inspected() -> Accepted[Extraction]:
        with ARCHIVES.held():
            return context.gates.inspect(path_of(file))

    return await _decision("extraction_gate", inspected, _shown, lanes.archives)


def _shown(extraction: Extraction) -> dict[str, Any]:
    """The entries that fit a page, and how many there are besides."""
    entries, left_out = page(extraction.entries, lambda entry: len(entry.path) + 32)
    more = {"entries_left_out": left_out} if left_out else {}
    return {"entries": [asdict(entry) for entry in entries], "total_bytes": extraction.total_bytes, **more}
