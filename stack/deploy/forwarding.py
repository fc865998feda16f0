"""A sound process whose published port refuses: the engine forwards it no more, as after the end of its docker-proxy.

Known as that only where other ports of the stack are reached from here; where none is, see ``stack.engine.reach``.
"""

from __future__ import annotations

from collections.abc import Iterator

from stack.checks.model import Finding, Report
from stack.clients.http import REFUSED
from stack.common.errors import NotReady
from stack.common.listening import none_listens, place
from stack.deploy.condition import CHECK, START
from stack.model.observed import Observed
from stack.model.spec import ServiceSpec, StackSpec, container_name


def cut_off(spec: StackSpec, service: ServiceSpec, evidence: str, health: str) -> bool:
    """Whether the port of a healthy container refuses, by the ``evidence`` of a check, while others answer."""
    if REFUSED not in evidence or health != "healthy" or service.published is None:
        return False
    ports = [s.published for s in spec.services if s.published and s is not service]
    return bool(ports) and not none_listens(place(port.address, port.host) for port in ports)


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


def forwarding_faults(spec: StackSpec, observed: Observed, report: Report) -> Iterator[Finding]:
    """One finding a component that is cut off."""
    silent = {f.component: f.evidence for f in report.failed if f.stage == "ready" and not f.because}
    for service in spec.services:
        component, found = service.component, observed.container(service.component)
        if found and cut_off(spec, service, silent.get(component, ""), found.health):
            name = container_name(spec.name, component)
            said = f"the engine no longer forwards {found.published} to {name}, which is healthy"
            check, hint = f"{component}.{CHECK}", f"{START} restarts it"
            yield Finding(check, component, "ready", "failed", said, hint, final=True)
