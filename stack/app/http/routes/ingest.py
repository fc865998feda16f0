"""``/ingest``: one archive through all six gates into the stores, all of it or nothing."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Header, Response, UploadFile

from stack.app.gates.types import Rejected
from stack.app.http.bodies import BodyRoute
from stack.app.http.models import IngestAnswer
from stack.app.http.problems import Problem
from stack.app.http.wiring import IN_TURN, Context, InLanes, answered, page
from stack.app.ingest.pipeline import Ingested, KeyInUse, KeyReused

router = APIRouter(tags=["ingest"], route_class=BodyRoute)
Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        description="Any text of your choice; the same again gives the answer of the first time.",
    ),
]


@router.post("/ingest", status_code=201, response_model=IngestAnswer, dependencies=IN_TURN)
async def ingest(
    file: UploadFile,
    context: Context,
    lanes: InLanes,
    source_url: Annotated[
        str | None, Form(max_length=1 << 16, description="Where the archive came from, if it was fetched.")
    ] = None,
    key: Key = None,
) -> Response:
    """Takes a zip or tar archive. 422 with the ``error_code`` of the gate that refused it; nothing is kept then.

    Whoever hears nothing, or 503, asks again with the same Idempotency-Key: the archive is ingested once. 409 while
    the first request is still at work.
    """
    name = file.filename or "archive"
    resolve = None if source_url is None else await answered(context, lanes, source_url)

    def taken() -> str:
        return _shown(context.ingest.take(file.file, name, source_url, resolve=resolve, key=key))

    try:
        return Response(await lanes.ingest.run(taken), 201, media_type="application/json")
    except Rejected as rejected:
        raise Problem(422, str(rejected), error_code=rejected.error_code, gate=rejected.gate) from None
    except KeyReused as reused:
        raise Problem(422, str(reused)) from None
    except KeyInUse as in_use:
        raise Problem(409, str(in_use), headers={"Retry-After": "2"}) from None


def _shown(done: Ingested) -> str:
    entries, left_out = page(done.entries, lambda entry: len(entry.path) + 150)
    return IngestAnswer(
        ingest_id=done.ingest_id,
        source_url=done.source_url,
        digest=done.digest,
        entries=entries,
        entries_left_out=left_out,
        total_bytes=done.total_bytes,
    ).model_dump_json()
