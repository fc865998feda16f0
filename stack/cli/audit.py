"""audit: the running containers against the CIS Docker Benchmark; 6 where something has no written reason."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from msgspec import to_builtins

from stack.cli.far import concerns_hosts
from stack.cli.printer import Printer
from stack.cli.session import Session
from stack.common.errors import SmokeFailed, StartFailed
from stack.common.wait import together
from stack.components import BY_NAME
from stack.config.settings import environment
from stack.deploy.hardening import judged
from stack.deploy.hardening_reasons import FAR_AWAY, reasons
from stack.deploy.hardening_values import Host, Judged, Seen
from stack.engine.interface import Engine
from stack.model.spec import container_name

HEADER = ("ID", "RESULT", "CONTAINERS", "WHAT", "EVIDENCE")
TRUST = "DOCKER_CONTENT_TRUST"
RANK = ("warn", "info", "note", "pass")


def audit(options: argparse.Namespace, printer: Printer) -> int:
    """Asks the engine about each running container; nothing is run in any."""
    session = Session.open(options, printer)
    ours = [c.name for c in session.engine.observe(session.name).containers if c.running]
    names = [one.name for one in session.engine.neighbours() if one.running] if options.all else ours
    if not names:
        raise StartFailed(f"stack {session.name} does not run", hint="monitoring-stack start")
    info = session.engine.info()
    host = Host(info.swarm, info.security, environment(TRUST).get(TRUST) == "1")
    seen = together(lambda name: _seen(session.engine, name), names)
    beside = _beside_host(session)
    found = (
        *judged(seen, host, reasons(host, lambda one: one.name in ours, beside)),
        *_further(session, names),
    )
    printer.table(HEADER, _rows(found))
    _tell_findings(printer, found)
    faults = [one for one in found if one.fault]
    printer.document({"ok": not faults, "containers": names, "findings": to_builtins(found)})
    if faults:
        first = faults[0]
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        raise SmokeFailed(
            f"{first.id} {first.container or 'engine'}: {first.evidence}{more}",
            hint="docs/security.md says how the stack's containers are started",
        )
    return 0


def _further(session: Session, names: list[str]) -> Iterator[Judged]:
    """The same of further hosts; ``names`` gets their containers. Of one without an answer it is told why."""
    if not concerns_hosts(session):
        return
    from stack.cli.hosts import inspected

    wished = bool(session.plain.values.get("node_exporter.host_network"))
    for name, info, seen in inspected(session, _seen):
        host, beside = Host(info.swarm, info.security), (name,) if wished else ()
        names.append(name)
        yield from judged([seen], host, reasons(host, lambda one: True, beside, published=FAR_AWAY))


def _beside_host(session: Session) -> tuple[str, ...]:
    """The containers that the settings put into the machine's network."""
    values = session.plain.values
    return tuple(container_name(session.name, c) for c in BY_NAME if values.get(f"{c}.host_network"))


def _seen(engine: Engine, name: str) -> Seen:
    inspect = engine.inspect(name)
    image = engine.image(str(inspect.get("Image")))
    return Seen(inspect, engine.processes(name), image is not None and image.has_check)


def _rows(found: tuple[Judged, ...]) -> Iterator[tuple[str, ...]]:
    """One line a recommendation: its worst result."""
    for rule in dict.fromkeys(one.id for one in found):
        mine = [one for one in found if one.id == rule]
        worst = min(mine, key=lambda one: RANK.index(one.result))
        count = sum(one.result == worst.result for one in mine)
        said = worst.evidence if worst.result == "pass" else f"{count} of {len(mine)}, below"
        yield rule, _shown(worst), str(len(mine)), worst.title, said


def _shown(one: Judged) -> str:
    return "reason" if one.result == "warn" and one.reason else one.result


def _tell_findings(printer: Printer, found: tuple[Judged, ...]) -> None:
    for one in found:
        if one.result in ("warn", "info"):
            why = f" - {one.reason}" if one.reason else ""
            printer.text(f"{one.id:<5} {_shown(one):<7} {one.container or 'engine'}: {one.evidence}{why}")
