"""``/memory``: packets written to and found in the packet store, segment by segment."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from stack.app.gates.db_boundary import Latest
from stack.app.gates.types import Rejected
from stack.app.http.bodies import BodyRoute
from stack.app.http.models import PacketAnswer, PacketList, PacketRequest, Segment
from stack.app.http.problems import Problem
from stack.app.http.wiring import IN_TURN, PAGE_BYTES, Context, InLanes
from stack.app.memory.answers import PacketRefused
from stack.app.memory.packet import InvalidPacket, Packet, new_packet

router = APIRouter(prefix="/memory", tags=["memory"], route_class=BodyRoute)


@router.post("/{segment}", status_code=201)
async def write(segment: Segment, asked: PacketRequest, context: Context, lanes: InLanes) -> PacketAnswer:
    """Stores a packet. 409 when it was written on a stale read, see ``expected_latest``."""
    expected = asked.expected_latest if "expected_latest" in asked.model_fields_set else Latest.ANY

    def written() -> Packet:
        packet = new_packet(
            segment,
            asked.packet_type,
            asked.payload,
            tags=asked.tags,
            confidence=asked.confidence,
            ttl=asked.ttl_seconds,
        )
        context.store.write(packet, expected)
        return packet

    try:
        return PacketAnswer.model_validate(await lanes.store.run(written))
    except (InvalidPacket, PacketRefused) as refused:
        raise Problem(422, str(refused)) from None
    except Rejected as rejected:
        raise Problem(409, str(rejected), error_code=rejected.error_code, gate=rejected.gate) from None


@router.get("/{segment}/search", response_model=PacketList, dependencies=IN_TURN)
async def search(
    segment: Segment,
    context: Context,
    lanes: InLanes,
    query: Annotated[str | None, Query(max_length=1000, description="Words that must all occur.")] = None,
    limit: Annotated[int, Query(ge=1, le=200, description="Packets; fewer when they fill a page.")] = 20,
) -> Response:
    """Packets that hold all words of ``query``; without a query the newest ones."""

    def found() -> str:
        packets = (
            context.store.recent(segment, limit, PAGE_BYTES)
            if query is None
            else context.store.search(segment, query, limit, PAGE_BYTES)
        )
        return PacketList(
            segment=segment,
            search_type="recent" if query is None else "keyword",
            latest=context.store.latest(segment),
            packets=[PacketAnswer.model_validate(packet) for packet in packets],
        ).model_dump_json()

    return Response(await lanes.store.run(found), media_type="application/json")
