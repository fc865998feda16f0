"""status, logs, credentials, validate: looks, and changes nothing."""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from stack.cli.main import usage
from stack.cli.printer import Printer
from stack.cli.session import Session
from stack.clients.http import Http, HttpFailure
from stack.clients.prometheus import Prometheus
from stack.common.errors import StackError
from stack.common.wait import CLOCK, TimedOut, together, until
from stack.components import BY_NAME, COMPONENTS
from stack.components.build import url_of
from stack.deploy.describe import Description
from stack.engine.interface import Engine
from stack.model.observed import ObservedContainer
from stack.model.spec import ServiceSpec, container_name
from stack.validation.files import validate as validate_files

HEADER = ("COMPONENT", "STATE", "IMAGE", "ADDRESS", "UPTIME", "MEMORY", "AS DESCRIBED")
UNITS = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))
MIB = 1024 * 1024
TARGETS_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Row:
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


def status(options: argparse.Namespace, printer: Printer) -> int:
    """One table; 0 when all runs as described and all targets are up, 5 when a container is down, 6 for a target."""
    code = _status(Session.open(options, printer))
    while options.watch:
        CLOCK.sleep(2.0)
        printer.text()
        code = _status(Session.open(options, printer))
    return code


def _status(session: Session) -> int:
    observed = session.engine.observe(session.name)
    description = session.as_it_runs(observed)
    services = {s.component: s for s in description.spec.services}
    # Side by side, since an engine takes up to a second to tell one container's memory.
    rows = together(lambda c: _row(session, c, services.get(c.component)), observed.containers)
    missing = [c for c in services if observed.container(c) is None]
    rows += [Row(c, "absent", services[c].image, "", 0.0, 0, False) for c in missing]
    targets = (
        _targets(session, description) if any(r.component == "prometheus" and r.up for r in rows) else []
    )
    word = _word(rows, targets, description)
    _show(session, rows, targets, word, description)
    if not rows or not all(row.up for row in rows):
        return 5
    return 0 if targets and all(t["health"] == "up" for t in targets) else 6


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
        _age(container.started_at) if container.running else 0.0,
        session.engine.usage(container.id).memory if container.running else 0,
        matches,
    )


def _targets(session: Session, description: Description) -> list[dict[str, Any]]:
    """All targets; none where Prometheus gives no usable answer within two seconds."""
    remote = session.engine.info().remote
    try:
        return until(
            lambda: (_targets_inside if remote else _targets_here)(session.engine, description),
            seconds=TARGETS_SECONDS,
            retry=(HttpFailure, StackError, ValueError, KeyError),
        )
    except TimedOut:
        return []


def _targets_here(engine: Engine, description: Description) -> list[dict[str, Any]]:
    del engine
    api = Prometheus(Http(description.build.url("prometheus")))
    return [{"job": t.job, "instance": t.instance, "health": t.health} for t in api.targets()]


def _targets_inside(engine: Engine, description: Description) -> list[dict[str, Any]]:
    name = container_name(description.spec.name, "prometheus")
    url = "http://127.0.0.1:9090/api/v1/targets?state=active"
    ran = engine.execute(name, ("wget", "-q", "-O", "-", url))
    found = json.loads(ran.output)["data"]["activeTargets"]
    return [
        {"job": t["labels"]["job"], "instance": t["labels"]["instance"], "health": t["health"]} for t in found
    ]


def _word(rows: list[Row], targets: list[dict[str, Any]], description: Description) -> str:
    if not any(row.state != "absent" for row in rows):
        return "absent"
    if not any(row.up for row in rows):
        return "stopped"
    if not all(row.up for row in rows) or not targets or any(t["health"] != "up" for t in targets):
        return "faulty"
    return "degraded" if description.spec.absent else "running"


def _show(
    session: Session, rows: list[Row], targets: list[dict[str, Any]], word: str, description: Description
) -> None:
    printer = session.printer
    printer.table(HEADER, [_cells(row) for row in rows])
    up = sum(t["health"] == "up" for t in targets)
    printer.text(
        f"\n{word}: {sum(row.up for row in rows)} of {len(rows)} components, {up} of {len(targets)} targets up"
    )
    for component, reason in description.spec.absent:
        printer.text(f"absent: {component}: {reason}")
    keys = ("component", "state", "image", "address", "uptime_seconds", "memory_bytes", "digest_match")
    document = {
        "name": session.name,
        "status": word,
        "components": [
            dict(
                zip(
                    keys,
                    (r.component, r.state, r.image, r.address, round(r.uptime), r.memory, r.matches),
                    strict=True,
                )
            )
            for r in rows
        ],
        "targets": targets,
        "targets_up": bool(targets) and up == len(targets),
        "absent": [{"component": c, "reason": r} for c, r in description.spec.absent],
    }
    printer.document(document)


def _cells(row: Row) -> tuple[str, ...]:
    uptime = _short(row.uptime) if row.uptime else "-"
    memory = f"{row.memory / MIB:.0f} MiB" if row.memory else "-"
    matches = "yes" if row.matches else "no: see plan"
    return (row.component, row.state, row.image, row.address or "-", uptime, memory, matches)


def _age(started: str) -> float:
    moment = datetime.fromisoformat(started[:19] + "+00:00")
    return max(0.0, (datetime.now(UTC) - moment).total_seconds())


def _short(seconds: float) -> str:
    unit, size = next(((u, s) for u, s in UNITS if seconds >= s), ("s", 1))
    return f"{seconds / size:.0f}{unit}"


def logs(options: argparse.Namespace, printer: Printer) -> int:
    """The last lines of one component, or of all with their names before them."""
    session = Session.open(options, printer)
    observed = session.engine.observe(session.name)
    found = [c for c in observed.containers if options.component in (None, c.component)]
    if not found:
        what = options.component or "any component"
        raise usage(
            f"no container of {what}; there are {', '.join(c.component for c in observed.containers) or 'none'}"
        )
    if options.follow and len(found) > 1:
        raise usage("--follow needs the name of one component")
    for container in found:
        prefix = f"{container.component:<14} " if len(found) > 1 else ""
        lines = session.engine.follow if options.follow else session.engine.logs
        for line in lines(container.id, options.tail):
            printer.raw(prefix + line)
    return 0


def credentials(options: argparse.Namespace, printer: Printer) -> int:
    """Addresses, users and passwords of this stack; the one command that shows a secret."""
    session = Session.open(options, printer)
    settings = session.placed(session.engine.observe(session.name))
    told = {}
    for component in COMPONENTS:
        login = component.login
        if login is None or component.name not in settings.components:
            continue
        if (password := session.secrets.get(login.secret)) is None:
            raise StackError(f"{component.title} has no password yet", hint="start makes it")
        address = url_of(settings, component.name)
        told[component.name] = {"address": address, "user": login.user, "password": password.reveal()}
        printer.text(f"{component.title:<9} {address}\nuser      {login.user}\npassword  {password.reveal()}")
    printer.document(told)
    return 0


def validate(options: argparse.Namespace, printer: Printer) -> int:
    """All configuration files through their own tools, whatever was found good before."""
    session = Session.open(options, printer)
    description = session.described(provide=False)
    good = validate_files(description.spec, session.engine, BY_NAME, lambda identity: False, description.idle)
    idle = [len(files) for _, files in description.idle if files]
    count = sum(len(s.files) for s in description.spec.services) + sum(idle)
    printer.line("valid", f"{count} files of {len(good) + len(idle)} components")
    printer.document({"ok": True, "files": count})
    return 0
