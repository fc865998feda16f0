"""``/health``: alive and ready; ``/health/gates`` and ``/health/detailed``: what each part says of itself."""

from __future__ import annotations

import asyncio
import platform
from typing import Any, Final, Literal, cast

from fastapi import APIRouter, Request
from pydantic import BaseModel

from stack.app import vitals
from stack.app.context import AppContext
from stack.app.http.wiring import Context, Lanes, Newest
from stack.app.memory.answers import Probe

PROBE_SECONDS: Final = 1.0
router = APIRouter(tags=["health"])


class Health(BaseModel):
    """The service answers and everything it needs was opened."""

    status: Literal["ok"]
    version: str
    uptime_seconds: float


class GateHealth(BaseModel):
    """What one gate did since the service started."""

    status: Literal["ok", "rejecting"]
    decisions: int
    rejected: int
    pass_rate_percent: float
    latency_ms: float


class GatesHealth(BaseModel):
    """Every gate; a gate is ``rejecting`` when it refuses more than half of its latest inputs."""

    status: Literal["ok", "degraded"]
    gates: dict[str, GateHealth]


class DetailedHealth(BaseModel):
    """Every part; ``degraded`` when one of them isn't well."""

    status: Literal["ok", "degraded"]
    version: str
    python: str
    uptime_seconds: float
    parts: dict[str, dict[str, Any]]


def parts(context: AppContext, lanes: Lanes) -> Newest[str, dict[str, Any]]:
    """What the parts say, asked once for all who want to know at the same time."""

    async def ask(what: str) -> dict[str, Any]:
        if what == "packet_store":
            return await lanes.probe.run(lambda: vitals.packet_store(context))
        return await lanes.health.run(lambda: vitals.parts(context))

    return Newest(ask)


@router.get("/health")
async def health(context: Context) -> Health:
    """200 as soon as the service can work. Needs no token."""
    return Health(status="ok", version=context.version, uptime_seconds=context.uptime())


@router.get("/health/gates")
async def gates() -> GatesHealth:
    """Decisions, rejections, pass rate and latest latency of each gate."""
    found = {name: GateHealth(**seen) for name, seen in vitals.gates().items()}
    well = all(gate.status == "ok" for gate in found.values())
    return GatesHealth(status="ok" if well else "degraded", gates=found)


@router.get("/health/detailed")
async def detailed(context: Context, request: Request) -> DetailedHealth:
    """Asks each part, the packet store by a real write and read for which it has a second."""
    asked = cast("Newest[str, dict[str, Any]]", request.app.state.vitals)
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            packet_store = await asked.get("packet_store")
    except TimeoutError:
        late = Probe(False, PROBE_SECONDS * 1000, f"no answer within {PROBE_SECONDS:g} s")
        packet_store = vitals.packet_store(context, late)
    parts = {"packet_store": packet_store, **await asked.get("others")}
    well = all(part["status"] == "ok" for part in parts.values())
    return DetailedHealth(
        status="ok" if well else "degraded",
        version=context.version,
        python=platform.python_version(),
        uptime_seconds=context.uptime(),
        parts=parts,
    )
