"""The condition of a stack's containers as findings: what should run and does not, and why, before anybody is asked.

What must be there is what the stack was started with, not what happens to run. Pure.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator

from msgspec.structs import replace

from stack.checks.model import Finding, Report
from stack.common.moments import moment, short
from stack.deploy.differences import differences
from stack.deploy.ends import MIB, disk_fault, memory_limit, more_memory, why
from stack.deploy.mend import unknown_there
from stack.deploy.namesakes import namesake
from stack.deploy.outer_networks import unjoined
from stack.model.observed import Observed, ObservedContainer, in_place
from stack.model.spec import ServiceSpec, StackSpec, container_name
from stack.model.state import ProvenStack

CHECK = "container"
ALL_RUN = "stack.containers"
START = "monitoring-stack start"
RELOAD = "monitoring-stack reload writes the rendered files anew"
AGAIN = f"{START} runs it again"
LOGS = "monitoring-stack logs {} shows why"
WELL_AFTER = 10.0
"""Seconds after which the engine, too, takes a container's start for a good one."""


def condition(spec: StackSpec, observed: Observed, now: float = 0.0) -> tuple[Finding, ...]:
    """One finding a component whose container is at fault, one for all where none is; none of a stack of others.

    The first one warns of what the containers that are not at fault have gone through. ``now``: the Unix time of the
    observation, where it is known.
    """
    if not observed.containers:
        return ()
    faults = {s.component: _fault(spec, s, observed, now) for s in spec.services}
    found = {component: fault for component, fault in faults.items() if fault}
    warnings = tuple(_remarks(spec, observed, found))
    if not found:
        said = f"{len(spec.services)} containers run, connected to network {spec.name}"
        return (Finding(ALL_RUN, "", "ready", "ok", said, warnings=warnings),)
    first, *others = (
        Finding(f"{component}.{CHECK}", component, "ready", "failed", evidence, hint, final=True)
        for component, (evidence, hint) in found.items()
    )
    return (replace(first, warnings=warnings), *others)


def explained(report: Report, later: Iterable[Finding]) -> Report:
    """The same report with faults of containers that were found after it, from which all follows that its process says.

    ``later``: the condition of the containers after the report; what the report has of them already stays as it is.
    """
    known = {f.check for f in report.failed}
    causes = {f.component: f for f in later if f.status == "failed" and f.check not in known}
    if not causes:
        return report
    roots = {f.check: causes[f.component].check for f in report.failed if f.component in causes}
    followed = (
        replace(f, because=roots.get(f.because or f.check, f.because)) if f.status == "failed" else f
        for f in report.findings
        if f.check != ALL_RUN
    )
    return replace(report, findings=(*causes.values(), *followed))


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
    started = _youngest(observed)
    return max(0.0, now - started) if started else 0.0


def proven_since(observed: Observed, proven: ProvenStack | None) -> bool:
    """Whether the last proof is younger than every running container: none of them is still on its way."""
    started = _youngest(observed)
    return proven is not None and 0 < started <= moment(proven.when)


def _youngest(observed: Observed) -> float:
    """When the youngest running container started, as Unix time; 0 where that is not known."""
    return max((moment(c.started_at) for c in observed.containers if c.running), default=0.0)


def _fault(spec: StackSpec, service: ServiceSpec, observed: Observed, now: float) -> tuple[str, str] | None:
    """What is wrong with a component's container, and the remedy; None where nothing is."""
    name = container_name(spec.name, service.component)
    found = observed.container(service.component)
    if found is None:
        return f"container {name} is gone, though the stack was started with it", f"{START} makes it anew"
    if not found.running:
        return _down(spec, service, found)
    changed = _changed(name, service, found)
    if _begins_anew(found, now) and (found.drift or not changed):
        again = f"again and again (start {found.restarts + 1})"
        if found.oom_killed:
            return _starved(f"{name} was killed for memory {again}", service, found)
        return _ended(spec, service, found, f"{name} ends {again}", "")
    return _unreachable(spec, service, found, observed) or changed or namesake(spec, service, observed)


def _begins_anew(found: ObservedContainer, now: float) -> bool:
    """Whether a running container is between two of its ends; one that is healthy or runs for ten seconds is well."""
    started = moment(found.started_at)
    young = bool(started) and now - started < WELL_AFTER
    return found.restarts > 1 and found.health != "healthy" and young


def _unreachable(
    spec: StackSpec, service: ServiceSpec, found: ObservedContainer, observed: Observed
) -> tuple[str, str] | None:
    """Why nobody gets an answer from a container that runs."""
    name = container_name(spec.name, service.component)
    if spec.name not in observed.networks:
        return f"network {spec.name} is gone, {name} cannot be reached", f"{START} makes it anew"
    if not found.connected or found.stranded:
        return f"{name} is not connected to network {spec.name}", f"{START} connects it"
    if not in_place(spec.name, found):
        return f"container {name} was renamed to {found.name}", f"{START} gives it its name back"
    if why := unknown_there(service, found):
        return f"{name} {why}", f"{START} connects it anew"
    if found.health == "unhealthy":
        return f"{name} runs, and its health check fails", f"{AGAIN}; {LOGS.format(found.component)}"
    return None


def _changed(name: str, service: ServiceSpec, found: ObservedContainer) -> tuple[str, str] | None:
    """What was changed behind our back: it differs from the very description that it was made from."""
    if found.digest == service.digest() and (other := differences(service, found)):
        words = "; ".join(one.words for one in other)
        return f"{name} was changed outside the bundle: {words}", f"{START} puts it right"
    drift = found.drift
    if found.applied.version == service.files_digest() != found.applied.digest:
        drift = (f"current names another version than {found.applied.version[:12]}", *drift)
    if drift:
        return f"{name}: {'; '.join(drift)}", RELOAD
    return None


def _down(spec: StackSpec, service: ServiceSpec, found: ObservedContainer) -> tuple[str, str]:
    name = container_name(spec.name, service.component)
    if found.state == "paused":
        return f"{name} is paused", f"docker unpause {name}, or {START}"
    if found.state == "created":
        return f"{name} was never started", START
    again = " again and again" if found.state == "restarting" else ""
    if found.oom_killed:
        return _starved(f"{name} was killed for memory{again}", service, found)
    if again:
        return _ended(
            spec, service, found, f"{name} ends with exit code {found.exit_code} again and again", ""
        )
    return _ended(
        spec, service, found, f"{name} does not run: it ended with exit code {found.exit_code}", f"{AGAIN}; "
    )


def _ended(
    spec: StackSpec, service: ServiceSpec, found: ObservedContainer, what: str, remedy: str
) -> tuple[str, str]:
    """What its last lines say of the cause, where they were read."""
    if disk := disk_fault(spec, service, found.last_words):
        return disk.message, disk.hint
    if found.drift:
        return f"{what}: {'; '.join(found.drift)}{why(found.last_words)}", f"{START} writes the files anew"
    return f"{what}{why(found.last_words)}", remedy + LOGS.format(found.component)


def _starved(what: str, service: ServiceSpec, found: ObservedContainer) -> tuple[str, str]:
    """Its limit was too small, whoever has set it."""
    given = found.limits.memory if found.limits else None
    if given in (None, service.limits.memory):
        return f"{what}: {memory_limit(service)}", f"{more_memory(service)}, then {START}"
    wanted = service.limits.memory / MIB
    return (
        f"{what}: its limit is {(given or 0) / MIB:g} MiB instead of {wanted:g} MiB",
        f"{START} puts it right",
    )


def _remarks(spec: StackSpec, observed: Observed, at_fault: Container[str]) -> Iterator[str]:
    """What containers that run, and have no fault, have gone through; and another clock."""
    if observed.ahead:
        how = "ahead of" if observed.ahead > 0 else "behind"
        yield (
            f"the engine's clock is {short(abs(observed.ahead))} {how} this machine's: a browser here asks for other "
            "times than there are; synchronize both (timedatectl set-ntp true; Docker Desktop: restart it)"
        )
    yield from unjoined(spec, observed)
    for service in spec.services:
        found = observed.container(service.component)
        if found is None or service.component in at_fault or not (found.restarts or found.oom_killed):
            continue
        name, times = container_name(spec.name, service.component), found.restarts
        started = f"the engine has started {name} again {times} time{'s' if times > 1 else ''}"
        ended = f"monitoring-stack logs {found.component} shows why it ended"
        if found.oom_killed:
            ended = f"it was killed for memory, {memory_limit(service)}: {more_memory(service)}"
        yield f"{started}: {ended}" if times else f"{name}: {ended}"
