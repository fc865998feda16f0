"""``/gates/*``: asks one gate and answers 200 with its decision, accepted or rejected. Nothing is kept."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from tempfile import NamedTemporaryFile
from time import perf_counter
from typing import Any, BinaryIO

from anyio import CapacityLimiter
from fastapi import APIRouter, UploadFile

from stack.app.gates.extraction import Extraction
from stack.app.gates.types import Accepted, Rejected
from stack.app.http.models import ConfigRequest, Decision, PathRequest, UrlRequest
from stack.app.http.wiring import ArchiveThreads, Context, offload

router = APIRouter(prefix="/gates", tags=["gates"])


async def _decision(
    gate: str,
    decide: Callable[[], Accepted[Any]],
    show: Callable[[Any], Any],
    threads: CapacityLimiter | None = None,
) -> Decision:
    started = perf_counter()
    try:
        accepted = await offload(decide, threads)
    except Rejected as rejected:
        return Decision(
            gate=rejected.gate,
            outcome="reject",
            error_code=rejected.error_code,
            value=None,
            detail=f"{rejected.hint}, got {rejected.value!r}",
            duration_ms=_milliseconds(started),
        )
    return Decision(
        gate=gate,
        outcome="ok",
        error_code=None,
        value=show(accepted.value),
        detail=None,
        duration_ms=_milliseconds(started),
    )


def _milliseconds(started: float) -> float:
    return round((perf_counter() - started) * 1000, 3)


@router.post("/url")
async def check_url(asked: UrlRequest, context: Context) -> Decision:
    """Asks url_gate whether a URL may be fetched."""
    return await _decision(
        "url_gate", lambda: context.gates.check_url(asked.url), lambda checked: checked.url
    )


@router.post("/path")
async def check_path(asked: PathRequest, context: Context) -> Decision:
    """Asks filesystem_gate whether a relative path may be written beside its siblings."""
    return await _decision(
        "filesystem_gate", lambda: context.gates.check_path(asked.path, siblings=asked.siblings), str
    )


@router.post("/config")
async def check_config(asked: ConfigRequest, context: Context) -> Decision:
    """Asks config_gate whether a policy document is valid; the policy in force stays as it is."""
    return await _decision("config_gate", lambda: context.gates.check_config(asked.document), asdict)


@router.post("/archive")
async def check_archive(file: UploadFile, context: Context, threads: ArchiveThreads) -> Decision:
    """Asks extraction_gate whether an archive may be extracted; nothing is extracted."""
    return await _decision("extraction_gate", lambda: _inspected(file.file, context), asdict, threads)


def _inspected(source: BinaryIO, context: Context) -> Accepted[Extraction]:
    with NamedTemporaryFile(dir=context.scratch, prefix="inspect-") as copy:
        shutil.copyfileobj(source, copy, 1 << 20)
        copy.flush()
        return context.gates.inspect(Path(copy.name))
