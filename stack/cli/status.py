"""status: one look at the containers and at the targets, in one table; it changes nothing."""

from __future__ import annotations

import argparse
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from msgspec import Struct, to_builtins

from stack.checks.model import Finding
from stack.cli.far import concerns_hosts
from stack.cli.printer import Printer
from stack.cli.session import Session
from stack.clients.http import Http, HttpFailure
from stack.clients.prometheus import Prometheus, Target
from stack.common.errors import StackError
from stack.common.moments import moment, short, wall_clock
from stack.common.wait import CLOCK, TimedOut, together, until
from stack.deploy.condition import at_rest, condition
from stack.deploy.describe import Description
from stack.deploy.ends import with_last_words
from stack.deploy.receivers import untested
from stack.deploy.room import Taken, sentence, taken
from stack.deploy.volumes import examined
from stack.engine.interface import Engine
from stack.model.observed import ObservedContainer
from stack.model.spec import ServiceSpec, container_name

HEADER = ("COMPONENT", "STATE", "IMAGE", "ADDRESS", "UPTIME", "MEMORY", "AS DESCRIBED")
MIB = 1024 * 1024
TARGETS_SECONDS = 2.0


class Row(Struct, frozen=True):
    """One component as it is; ``memory`` in bytes, ``uptime`` in seconds; ``matches`` its description."""

    component: str
    state: str
    image: str
    address: str
    uptime: float
    memory: int
    matches: bool

    @property
    def up(self) -> bool:
        """Whether nothing is known against it."""
        return self.state in ("running", "running (healthy)", "running (starting)")

    def cells(self) -> tuple[str, ...]:
        """For the table."""
        uptime = short(self.uptime) if self.uptime else "-"
        memory = f"{self.memory / MIB:.0f} MiB" if self.memory else "-"
        matches = "yes" if self.matches else "no: see plan"
        return (self.component, self.state, self.image, self.address or "-", uptime, memory, matches)

    def document(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "component": self.component,
            "state": self.state,
            "image": self.image,
            "address": self.address,
            "uptime_seconds": round(self.uptime),
            "memory_bytes": self.memory,
            "digest_match": self.matches,
        }


class Look(Struct, frozen=True):
    """What was seen. ``silent``: why no targets are known; ``faults`` are those of the containers.

    ``remarks``: what is remarkable and no fault, such as a process that was killed and runs again. ``data``: the
    room that data takes.
    """

    name: str
    rows: tuple[Row, ...]
    targets: tuple[Target, ...]
    silent: str
    faults: tuple[Finding, ...]
    absent: tuple[tuple[str, str], ...]
    remarks: tuple[str, ...] = ()
    data: tuple[Taken, ...] = ()

    @property
    def down(self) -> tuple[Target, ...]:
        """Targets that are not up."""
        return tuple(t for t in self.targets if t.health != "up")

    @property
    def code(self) -> int:
        """0 when all runs and all targets are up, 5 for a container, 6 for a target."""
        if not self.rows or self.faults or not all(row.up for row in self.rows):
            return 5
        return 6 if self.down or not self.targets else 0

    @property
    def word(self) -> str:
        """All of it in one word."""
        if not any(row.state != "absent" for row in self.rows):
            return "absent"
        if not any(row.up for row in self.rows):
            return "stopped"
        if self.code:
            return "faulty"
        return "degraded" if self.absent else "running"

    def show(self, printer: Printer) -> None:
        """The table, what is wrong below it, and the document."""
        printer.table(HEADER, [row.cells() for row in self.rows])
        components = f"{sum(row.up for row in self.rows)} of {len(self.rows)} components"
        up = len(self.targets) - len(self.down)
        printer.text(f"\n{self.word}: {components}, {up} of {len(self.targets)} targets up")
        if self.data:
            printer.text(sentence(self.data))
        for fault in self.faults:
            printer.text(f"{fault.component}: {fault.evidence}: {fault.hint}")
        if self.silent:
            printer.text(f"targets: {self.silent}")
        for target in self.down:
            printer.text(
                f"target {target.job} {target.instance} is {target.health}: {target.last_error}".rstrip(": ")
            )
        for remark in self.remarks:
            printer.text(remark)
        for component, reason in self.absent:
            printer.text(f"absent: {component}: {reason}")
        printer.document(self.document())

    def document(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "name": self.name,
            "status": self.word,
            "components": [row.document() for row in self.rows],
            "targets": [to_builtins(target) for target in self.targets],
            "targets_up": bool(self.targets) and not self.down,
            "faults": [
                {"component": f.component, "cause": f.evidence, "remedy": f.hint} for f in self.faults
            ],
            "absent": [{"component": c, "reason": r} for c, r in self.absent],
            "remarks": list(self.remarks),
            "data": [one.document() for one in self.data],
        }


def status(options: argparse.Namespace, printer: Printer) -> int:
    """One table; 0 when all runs as described and all targets are up, 5 when a container is down, 6 for a target."""
    look = looked(Session.open(options, printer))
    look.show(printer)
    while options.watch:
        CLOCK.sleep(2.0)
        printer.text()
        look = looked(Session.open(options, printer))
        look.show(printer)
    return look.code


def looked(session: Session) -> Look:
    """The stack as it is now."""
    observed = session.engine.observe(session.name)
    description = session.as_it_runs(observed)
    services = {s.component: s for s in description.spec.services}
    # Side by side, since an engine takes up to a second to tell one container's memory.
    with ThreadPoolExecutor(1) as beside:
        measuring = beside.submit(taken, session.engine, description.spec, description.settings, observed)
        rows = together(lambda c: _row(session, c, services.get(c.component)), observed.containers)
    missing = [c for c in services if observed.container(c) is None]
    rows += [Row(c, "absent", services[c].image, "", 0.0, 0, False) for c in missing]
    further = _hosts(session, description)
    rows += [row for row, _ in further]
    asked = any(r.component == "prometheus" and r.up for r in rows)
    targets, silent = _targets(session, description) if asked else ((), "")
    resting = at_rest(session.name, observed, session.state.now.started)
    heard = with_last_words(session.engine, examined(session.engine, description.spec, observed))
    found = () if resting else condition(description.spec, heard, wall_clock())
    faults = tuple(f for f in found if f.status == "failed")
    remarks = (*(w for f in found for w in f.warnings), *(_probes(session, description) if targets else ()))
    if not resting:
        remarks = (*remarks, *untested(description.spec, session.state.now))
    remarks = (*remarks, *(said for _, said in further if said))
    return Look(
        session.name,
        tuple(rows),
        targets,
        silent,
        faults,
        description.spec.absent,
        remarks,
        measuring.result(),
    )


def _hosts(session: Session, description: Description) -> list[tuple[Row, str]]:
    """A row for each further host, and what is to be said of it."""
    if not concerns_hosts(session):
        return []
    from stack.cli.host_look import look

    return [
        (
            Row(h.title, h.state, h.image or "-", h.address, h.uptime, h.memory, h.matches),
            f"{h.title}: {h.says}" if h.says else "",
        )
        for h in look(session, description, memory=True)
    ]


def _probes(session: Session, description: Description) -> tuple[str, ...]:
    """The probes that fail; none where there is no probe, or nobody answers."""
    if "blackbox" not in description.spec.components:
        return ()
    from stack.checks.blackbox import failing
    from stack.deploy.asking import context_of

    try:
        return failing(context_of(session.engine, description).prometheus)[1]
    except HttpFailure:
        return ()


def _row(session: Session, container: ObservedContainer, service: ServiceSpec | None) -> Row:
    health = f" ({container.health})" if container.running and container.health else ""
    matches = service is not None and (container.digest, container.image_id, container.applied.digest) == (
        service.digest(),
        service.image_id,
        service.files_digest(),
    )
    return Row(
        container.component,
        container.state + health,
        container.image,
        container.published,
        max(0.0, wall_clock() - moment(container.started_at)) if container.running else 0.0,
        session.engine.usage(container.id).memory if container.running else 0,
        matches,
    )


def _targets(session: Session, description: Description) -> tuple[tuple[Target, ...], str]:
    """All targets; none, and why, where Prometheus gives no usable answer within two seconds."""
    remote = session.engine.info().remote
    try:
        found = until(
            lambda: (_targets_inside if remote else _targets_here)(session.engine, description),
            seconds=TARGETS_SECONDS,
            retry=(HttpFailure, StackError, ValueError, KeyError, TypeError),
        )
    except TimedOut as failure:
        return (), failure.last
    return found, ""


def _targets_here(engine: Engine, description: Description) -> tuple[Target, ...]:
    from stack.deploy.asking import address_of

    return Prometheus(Http(address_of(engine, description, "prometheus"))).targets()


def _targets_inside(engine: Engine, description: Description) -> tuple[Target, ...]:
    name = container_name(description.spec.name, "prometheus")
    url = "http://127.0.0.1:9090/api/v1/targets?state=active"
    ran = engine.execute(name, ("wget", "-q", "-O", "-", url))
    found = json.loads(ran.output)["data"]["activeTargets"]
    return tuple(
        Target(t["labels"]["job"], t["labels"]["instance"], t["health"], t["lastError"]) for t in found
    )
