"""The condition of a stack's containers as findings: what should run and does not, and why, before anybody is asked.

What must be there is what the stack was started with, not what happens to run. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable

from stack.checks.model import Finding, Report
from stack.common.moments import moment
from stack.model.observed import Observed, ObservedContainer
from stack.model.spec import ServiceSpec, StackSpec, container_name

CHECK = "container"
START = "monitoring-stack start"
AGAIN = f"{START} runs it again"


def condition(spec: StackSpec, observed: Observed) -> tuple[Finding, ...]:
    """One finding a component whose container is at fault, one for all where none is; none of a stack of others."""
    if not observed.containers:
        return ()
    faults = {s.component: _fault(spec, s, observed) for s in spec.services}
    found = {component: fault for component, fault in faults.items() if fault}
    if not found:
        said = f"{len(spec.services)} containers run, connected to network {spec.name}"
        return (Finding("stack.containers", "", "ready", "ok", said),)
    return tuple(
        Finding(f"{component}.{CHECK}", component, "ready", "failed", evidence, hint, final=True)
        for component, (evidence, hint) in found.items()
    )


def at_rest(name: str, observed: Observed, started: Iterable[str]) -> str:
    """Why nothing of the stack runs at all, in words; empty where something does, or docker compose may run it."""
    if any(c.state in ("running", "restarting", "paused") for c in observed.containers):
        return ""
    if observed.containers:
        return f"stack {name} is stopped"
    return f"all containers of stack {name} are gone" if any(started) else ""


def nobody(name: str, report: Report) -> str:
    """What is wrong where there is no container of ours and nobody answers in its place; empty where somebody does."""
    asked = [f for f in report.findings if f.stage == "ready"]
    if any(f.status == "ok" for f in asked):
        return ""
    return f"stack {name} has no container on this engine, and nobody answers at its addresses"


def age(observed: Observed, now: float) -> float:
    """Seconds since the youngest running container started; 0 where that is not known."""
    moments = [started for c in observed.containers if c.running and (started := moment(c.started_at))]
    return max(0.0, now - max(moments)) if moments else 0.0


def _fault(spec: StackSpec, service: ServiceSpec, observed: Observed) -> tuple[str, str] | None:
    """What is wrong with a component's container, and the remedy; None where nothing is."""
    name = container_name(spec.name, service.component)
    found = observed.container(service.component)
    if found is None:
        return _missing(name, service, observed.leftovers)
    if not found.running:
        return _down(name, found)
    if spec.name not in observed.networks:
        return f"network {spec.name} is gone, {name} cannot be reached", f"{START} makes it anew"
    if found.stranded:
        return f"{name} is not connected to network {spec.name}", f"{START} connects it"
    if found.health == "unhealthy":
        return f"{name} runs, and its health check fails", f"{AGAIN}; logs {service.component} show why"
    return None


def _missing(name: str, service: ServiceSpec, others: Iterable[ObservedContainer]) -> tuple[str, str]:
    renamed = next((c.name for c in others if c.component == service.component and c.running), "")
    if renamed:
        return f"container {name} has been renamed {renamed}", f"{START} gives it its name back"
    return f"container {name} is gone, though the stack was started with it", f"{START} makes it anew"


def _down(name: str, found: ObservedContainer) -> tuple[str, str]:
    logs = f"monitoring-stack logs {found.component} shows why it ended"
    if found.state == "paused":
        return f"{name} is paused", f"docker unpause {name}, or {START}"
    if found.state == "created":
        return f"{name} was never started", START
    if found.state == "restarting":
        return f"{name} ends with exit code {found.exit_code} again and again", logs
    return f"{name} does not run: it ended with exit code {found.exit_code}", f"{AGAIN}; {logs}"
