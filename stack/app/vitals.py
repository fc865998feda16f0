"""How the parts of the application are, as plain data for ``/health/gates`` and ``/health/detailed``.

It asks and reports; it never repairs, and a part that fails to answer is reported, not raised.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from stack.app.context import AppContext
from stack.app.memory.answers import Probe
from stack.app.tools.audit import AuditSink
from stack.telemetry.failures import FAILURES
from stack.telemetry.meter import GateMeter
from stack.telemetry.recorders import gate_meters

REJECTING_BELOW_PERCENT = 50.0


def gates() -> dict[str, dict[str, Any]]:
    """Decisions, rejections, pass rate (percent) and latest latency (milliseconds) of each gate."""
    return {name: _gate(meter) for name, meter in gate_meters().items()}


def _gate(seen: GateMeter) -> dict[str, Any]:
    return {
        "status": "ok" if seen.pass_rate_percent >= REJECTING_BELOW_PERCENT else "rejecting",
        "decisions": seen.accepted + seen.rejected,
        "rejected": seen.rejected,
        "pass_rate_percent": round(seen.pass_rate_percent, 3),
        "latency_ms": round(seen.latest_ms, 3),
    }


def parts(context: AppContext) -> dict[str, dict[str, Any]]:
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


def packet_store(context: AppContext, probe: Probe | None = None) -> dict[str, Any]:
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
