"""``/health``: alive and ready; ``/health/gates`` and ``/health/detailed``: what each part says of itself."""

from __future__ import annotations

import platform
from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel

from stack.app import vitals
from stack.app.http.wiring import Context, StoreThreads, offload

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
async def detailed(context: Context, threads: StoreThreads) -> DetailedHealth:
    """Asks each part, the packet store by a real write and read."""
    parts = await offload(lambda: vitals.parts(context), threads)
    well = all(part["status"] == "ok" for part in parts.values())
    return DetailedHealth(
        status="ok" if well else "degraded",
        version=context.version,
        python=platform.python_version(),
        uptime_seconds=context.uptime(),
        parts=parts,
    )
