"""``/memory``: packets written to and found in the packet store, segment by segment."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from stack.app.gates.db_boundary import Latest
from stack.app.gates.types import Rejected
from stack.app.http.models import PacketAnswer, PacketList, PacketRequest, Segment
from stack.app.http.problems import Problem
from stack.app.http.wiring import Context, StoreThreads, offload
from stack.app.memory.errors import InvalidPacket, PacketRefused
from stack.app.memory.packet import Packet, new_packet

router = APIRouter(prefix="/memory", tags=["memory"])


@router.post("/{segment}", status_code=201)
async def write(
    segment: Segment, asked: PacketRequest, context: Context, threads: StoreThreads
) -> PacketAnswer:
    """Stores a packet. 409 when it was written on a stale read, see ``expected_latest``."""
    expected = asked.expected_latest if "expected_latest" in asked.model_fields_set else Latest.ANY
    try:
        packet = new_packet(
            segment,
            asked.packet_type,
            asked.payload,
            tags=asked.tags,
            confidence=asked.confidence,
            ttl=asked.ttl_seconds,
        )
        await offload(lambda: context.store.write(packet, expected), threads)
    except (InvalidPacket, PacketRefused) as refused:
        raise Problem(422, str(refused)) from None
    except Rejected as rejected:
        raise Problem(409, str(rejected), error_code=rejected.error_code, gate=rejected.gate) from None
    return _shown(packet)


@router.get("/{segment}/search")
async def search(
    segment: Segment,
    context: Context,
    threads: StoreThreads,
    query: Annotated[str | None, Query(max_length=1000, description="Words that must all occur.")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 20,
) -> PacketList:
    """Packets that hold all words of ``query``; without a query the newest ones."""
    found = await offload(
        lambda: (
            context.store.recent(segment, limit)
            if query is None
            else context.store.search(segment, query, limit)
        ),
        threads,
    )
    return PacketList(
        segment=segment,
        search_type="recent" if query is None else "keyword",
        latest=await offload(lambda: context.store.latest(segment), threads),
        packets=[_shown(packet) for packet in found],
    )


def _shown(packet: Packet) -> PacketAnswer:
    return PacketAnswer(
        packet_id=packet.packet_id,
        segment=packet.segment,  # type: ignore[arg-type]  # the packet has checked it
        packet_type=packet.packet_type,
        payload=dict(packet.payload),
        tags=list(packet.tags),
        confidence=packet.confidence,
        created_at=packet.created_at,
        expires_at=packet.expires_at,
    )
