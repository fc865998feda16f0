"""``/health``: alive and ready; ``/health/gates`` and ``/health/detailed``: what each part says of itself.

It asks and reports, and never repairs; a part that fails to answer is reported, not raised.
"""

from __future__ import annotations

import asyncio
import platform
from dataclasses import asdict
from typing import Any, Final, Literal, cast

from fastapi import APIRouter, Request
from pydantic import BaseModel

from stack.app.context import AppContext
from stack.app.http.wiring import Context, Lanes, Newest
from stack.app.memory.answers import Probe
from stack.app.tools.audit import AuditSink
from stack.telemetry.failures import FAILURES
from stack.telemetry.meter import GateMeter
from stack.telemetry.recorders import gate_meters

PROBE_SECONDS: Final = 1.0
REJECTING_BELOW_PERCENT: Final = 50.0
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
            return await lanes.probe.run(lambda: _packet_store(context))
        return await lanes.health.run(lambda: _others(context))

    return Newest(ask)


@router.get("/health")
async def health(context: Context) -> Health:
    """200 as soon as the service can work. Needs no token."""
    return Health(status="ok", version=context.version, uptime_seconds=context.uptime())


@router.get("/health/gates")
async def gates() -> GatesHealth:
    """Decisions, rejections, pass rate and latest latency of each gate."""
    found = {name: _gate(meter) for name, meter in gate_meters().items()}
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
        packet_store = _packet_store(context, late)
    parts = {"packet_store": packet_store, **await asked.get("others")}
    well = all(part["status"] == "ok" for part in parts.values())
    return DetailedHealth(
        status="ok" if well else "degraded",
        version=context.version,
        python=platform.python_version(),
        uptime_seconds=context.uptime(),
        parts=parts,
    )


def _gate(seen: GateMeter) -> GateHealth:
    return GateHealth(
        status="ok" if seen.pass_rate_percent >= REJECTING_BELOW_PERCENT else "rejecting",
        decisions=seen.accepted + seen.rejected,
        rejected=seen.rejected,
        pass_rate_percent=round(seen.pass_rate_percent, 3),
        latency_ms=round(seen.latest_ms, 3),
    )


def _others(context: AppContext) -> dict[str, dict[str, Any]]:
    """Every part but the packet store, with a ``status`` of ok or degraded."""
    return {
        "audit": _queue(context.audit),
        "alerts": _queue(context.notices),
        "ingest": _ingest(context),
        "load": _load(context),
        "faults": {"status": _status(not context.faults.active()), "active": list(context.faults.active())},
        "telemetry": {"status": _status(not FAILURES.total), "record_failures": FAILURES.total},
    }


def _status(well: bool) -> str:
    return "ok" if well else "degraded"


def _packet_store(context: AppContext, probe: Probe | None = None) -> dict[str, Any]:
    """The packet store, asked by a write and a read unless ``probe`` says already what came of it."""
    probe = probe or context.store.probe()
    return {
        "status": _status(probe.healthy),
        "name": context.store.name,
        "probe_ms": round(probe.duration_ms, 3),
        "detail": probe.detail,
    }


def _queue(sink: AuditSink) -> dict[str, Any]:
    stats = sink.stats()
    well = not (stats.problem or stats.dropped or stats.missing or stats.refused or stats.damaged)
    return {"status": _status(well), **asdict(stats)}


def _ingest(context: AppContext) -> dict[str, Any]:
    waiting, corrupt = context.ingest.waiting(), context.ingest.corrupt()
    return {
        "status": _status(not waiting and not corrupt),
        "waiting": waiting,
        "corrupt": corrupt,
        "objects": context.objects.count(),
    }


def _load(context: AppContext) -> dict[str, Any]:
    load = context.load
    if load is None:
        return {"status": "ok", "profile": "off", "operations": 0, "surprises": {}}
    return {
        "status": _status(not load.surprises),
        "profile": context.settings.load,
        "operations": load.done.total(),
        "surprises": dict(load.surprises),
    }
