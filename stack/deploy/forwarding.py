"""A sound process whose published port refuses, or says nothing: what lies between it and us is at fault.

A port refuses after the end of its docker-proxy. It is known as that only where other ports of the stack are reached
from here; where none is, see ``stack.engine.reach``. A port is silent where its docker-proxy stands still, and where a
firewall drops what is sent.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from stack.checks.model import Finding, Report
from stack.clients.http import LATE, REFUSED
from stack.common.errors import NotReady, StartFailed
from stack.common.listening import none_listens, place
from stack.deploy.condition import CHECK, START
from stack.engine.interface import Engine
from stack.model.observed import Observed
from stack.model.spec import ServiceSpec, StackSpec, container_name

SILENT_TURNS = 3
"""Turns in a row in which a component answers inside its container only; fewer may be those of a busy machine."""


def cut_off(spec: StackSpec, service: ServiceSpec, evidence: str, health: str) -> bool:
    """Whether the port of a healthy container refuses, by the ``evidence`` of a check, while others answer."""
    if REFUSED not in evidence or health != "healthy" or service.published is None:
        return False
    return others_listen(spec, service)


def others_listen(spec: StackSpec, service: ServiceSpec) -> bool:
    """Whether the port of another component is reached from here."""
    ports = [s.published for s in spec.services if s.published and s is not service]
    return bool(ports) and not none_listens(place(port.address, port.host) for port in ports)


def silent(engine: Engine, spec: StackSpec, service: ServiceSpec, evidence: str, health: str) -> bool:
    """Whether nothing came back from its port in time, by the ``evidence``, and it answers inside its container now."""
    if LATE not in evidence or health != "healthy" or service.published is None:
        return False
    return not unwell_inside(engine, spec, service)


def unwell_inside(engine: Engine, spec: StackSpec, service: ServiceSpec) -> str:
    """What a component's health command says against it now, inside its container; empty where it is well."""
    name, health = container_name(spec.name, service.component), service.health
    try:
        ran = engine.execute(name, health.test[1:], seconds=health.timeout)
    except StartFailed as error:
        return error.message
    if ran.code == 0:
        return ""
    return ran.output.strip() or f"its health command ended with {ran.code}"


def silence(spec: StackSpec, service: ServiceSpec) -> tuple[str, str]:
    """What is said of a port that is silent, and where to look."""
    port, name = service.published, container_name(spec.name, service.component)
    where = "" if port is None else ":".join(map(str, place(port.address, port.host)))
    return (
        f"{name} answers inside its container, and nothing comes back from {where}",
        "a firewall of this machine drops it? see nft list ruleset and iptables -S; STACK_REACH=network asks inside "
        "the stack's network instead",
    )


@dataclass
class Silence:
    """How many turns in a row a component has answered inside its container only."""

    turns: int = 0

    def lasts(
        self,
        engine: Engine,
        spec: StackSpec,
        service: ServiceSpec,
        evidence: str,
        health: str,
        *,
        again: bool,
    ) -> bool:
        """Whether this is one turn too many; it is counted from the beginning then.

        ``again``: the component was restarted because of it. ``NotReady`` where that has not helped, or no port of the
        stack is reached.
        """
        self.turns = self.turns + 1 if silent(engine, spec, service, evidence, health) else 0
        if self.turns < SILENT_TURNS:
            return False
        self.turns = 0
        if again or not others_listen(spec, service):
            said, hint = silence(spec, service)
            raise NotReady(said, hint=hint)
        return True


def refuse_unforwarded(spec: StackSpec, service: ServiceSpec, evidence: str, health: str) -> None:
    """NotReady where the port of a healthy container on an IPv6 address refuses, and so do all others of the stack.

    Measured on 20.10 and 28.5: an engine without its userland proxy forwards no IPv6 to a network that has none.
    """
    port = service.published
    if port is None or ":" not in port.address or REFUSED not in evidence or health != "healthy":
        return
    if not cut_off(spec, service, evidence, health):
        name, where = container_name(spec.name, service.component), f"[{port.address}]:{port.host}"
        raise NotReady(
            f"{name} is healthy and its port {where} refuses: this engine forwards no IPv6 address",
            hint='STACK_BIND=127.0.0.1, or "userland-proxy": true in the engine\'s daemon.json',
        )


def forwarding_faults(
    engine: Engine, spec: StackSpec, observed: Observed, report: Report
) -> Iterator[Finding]:
    """One finding a component that is cut off, or whose port is silent."""
    asked = {f.component: f.evidence for f in report.failed if f.stage == "ready" and not f.because}
    for service in spec.services:
        component, found = service.component, observed.container(service.component)
        evidence, check = asked.get(component, ""), f"{component}.{CHECK}"
        if found and cut_off(spec, service, evidence, found.health):
            name = container_name(spec.name, component)
            said = f"the engine no longer forwards {found.published} to {name}, which is healthy"
            yield Finding(check, component, "ready", "failed", said, f"{START} restarts it", final=True)
        elif found and silent(engine, spec, service, evidence, found.health):
            said, hint = silence(spec, service)
            yield Finding(
                check, component, "ready", "failed", said, f"{START} restarts it; {hint}", final=True
            )
