"""``/ingest``: one archive through all six gates into the stores, all of it or nothing."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, UploadFile

from stack.app.gates.types import Rejected
from stack.app.http.models import IngestAnswer, IngestEntry
from stack.app.http.problems import Problem
from stack.app.http.wiring import Context, StoreThreads, offload

router = APIRouter(tags=["ingest"])


@router.post("/ingest", status_code=201)
async def ingest(
    file: UploadFile,
    context: Context,
    threads: StoreThreads,
    source_url: Annotated[
        str | None, Form(max_length=8192, description="Where the archive came from, if it was fetched.")
    ] = None,
) -> IngestAnswer:
    """Takes a zip or tar archive. 422 with the ``error_code`` of the gate that refused it; nothing is kept then."""
    name = file.filename or "archive"
    try:
        done = await offload(lambda: context.ingest.take(file.file, name, source_url), threads)
    except Rejected as rejected:
        raise Problem(422, str(rejected), error_code=rejected.error_code, gate=rejected.gate) from None
    return IngestAnswer(
        ingest_id=done.ingest_id,
        source_url=done.source_url,
        digest=done.digest,
        entries=[
            IngestEntry(path=entry.path, digest=entry.digest, size=entry.size) for entry in done.entries
        ],
        total_bytes=done.total_bytes,
    )
