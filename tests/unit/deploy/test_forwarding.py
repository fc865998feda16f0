"""A port that refuses while its container is healthy and others are reached: the engine forwards it no more."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from stack.checks.model import Finding, Report
from stack.common.errors import NotReady
from stack.deploy.forwarding import (
    SILENT_TURNS,
    Silence,
    cut_off,
    forwarding_faults,
    refuse_unforwarded,
)
from stack.engine.interface import Ran
from stack.model.observed import Observed, ObservedContainer
from stack.model.spec import Port, StackSpec
from tests.fakes.engine.memory import MemoryEngine
from tests.loopback import free_port
from tests.unit.deploy.plan_samples import NAME, service

REFUSED = "GET http://127.0.0.1:1/-/ready: connection refused: nobody listens there"
SLOW = "GET http://127.0.0.1:1/-/ready: no whole answer within 1.5 s"
SILENT = Finding("prometheus.ready", "prometheus", "ready", "failed", REFUSED)


@pytest.fixture
def spec() -> Iterator[StackSpec]:
    """Prometheus' port refuses, Alertmanager's answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        prometheus = replace(service("prometheus"), published=Port(9090, free_port()))
        alertmanager = replace(service("alertmanager"), published=Port(9093, server.getsockname()[1]))
        yield StackSpec(NAME, (prometheus, alertmanager, replace(service("app"), published=None)))


def seen(health: str) -> Observed:
    found = ObservedContainer(
        "1", "x", "prometheus", "", "i", "i", "running", health=health, published="127.0.0.1:9090"
    )
    return Observed(NAME, (found,))


def test_a_healthy_container_whose_port_refuses_is_cut_off(spec: StackSpec) -> None:
    (found,) = forwarding_faults(MemoryEngine(), spec, seen("healthy"), Report((SILENT,)))
    assert found.check == "prometheus.container" and "no longer forwards 127.0.0.1:9090" in found.evidence
    assert found.hint == "monitoring-stack start restarts it"


@pytest.mark.parametrize("health", ["unhealthy", "starting", ""])
def test_one_that_is_not_healthy_refuses_by_itself(spec: StackSpec, health: str) -> None:
    assert not list(forwarding_faults(MemoryEngine(), spec, seen(health), Report((SILENT,))))


@pytest.mark.parametrize("evidence", ["answered 503", "the answer was cut off"])
def test_another_failure_is_no_fault_of_what_lies_between(spec: StackSpec, evidence: str) -> None:
    other = replace(SILENT, evidence=evidence)
    assert not list(forwarding_faults(running(), spec, seen("healthy"), Report((other,))))


def running(code: int = 0) -> MemoryEngine:
    """An engine with Prometheus' container, in which its health command ends with ``code``."""
    engine = MemoryEngine(program=lambda argv, files: Ran(code, ""))
    prometheus = service("prometheus")
    engine.hold(prometheus.image)
    engine.create_network(NAME)
    engine.start(engine.create(NAME, prometheus))
    return engine


def test_a_port_that_is_silent_where_its_process_answers_inside(spec: StackSpec) -> None:
    (found,) = forwarding_faults(running(), spec, seen("healthy"), Report((replace(SILENT, evidence=SLOW),)))
    assert found.check == "prometheus.container" and found.hint.startswith(
        "monitoring-stack start restarts it; a fire"
    )
    port = spec.services[0].published
    assert port is not None
    assert found.evidence == (
        f"{NAME}-prometheus answers inside its container, and nothing comes back from 127.0.0.1:{port.host}"
    )


@pytest.mark.parametrize(
    ("engine", "health"), [(running(1), "healthy"), (running(), "starting"), (MemoryEngine(), "healthy")]
)
def test_one_that_does_not_answer_inside_is_silent_by_itself(
    spec: StackSpec, engine: MemoryEngine, health: str
) -> None:
    assert not list(forwarding_faults(engine, spec, seen(health), Report((replace(SILENT, evidence=SLOW),))))


def test_a_silent_port_is_restarted_once_where_others_answer(spec: StackSpec) -> None:
    """After turns enough to know that it is not the machine that is busy."""
    silence, engine, prometheus = Silence(), running(), spec.services[0]

    def turn(evidence: str = SLOW, *, again: bool = False) -> bool:
        return silence.lasts(engine, spec, prometheus, evidence, "healthy", again=again)

    assert [turn(), turn(), turn("answered 503"), turn(), turn(), turn()] == [False] * 5 + [True]
    assert [turn(again=True), turn(again=True)] == [False, False]
    with pytest.raises(
        NotReady, match=r"answers inside .* nothing comes back from 127\.0\.0\.1:\d+: a firewall"
    ):
        turn(again=True)


def test_nothing_is_restarted_where_no_port_is_reached(spec: StackSpec) -> None:
    silence, alone = Silence(), replace(spec, services=(spec.services[0],))
    with pytest.raises(NotReady, match="STACK_REACH=network"):
        for _ in range(SILENT_TURNS):
            assert not silence.lasts(running(), alone, alone.services[0], SLOW, "healthy", again=False)


def test_where_no_port_is_reached_it_is_not_known_who_is_at_fault(spec: StackSpec) -> None:
    alone = replace(spec, services=(spec.services[0], spec.services[2]))
    assert not cut_off(alone, alone.services[0], REFUSED, "healthy")
    nowhere = replace(spec.services[1], published=Port(9093, free_port()))
    assert not cut_off(
        replace(spec, services=(spec.services[0], nowhere)), spec.services[0], REFUSED, "healthy"
    )


def test_what_is_not_published_cannot_be_cut_off(spec: StackSpec) -> None:
    assert not cut_off(spec, spec.services[2], REFUSED, "healthy")


@pytest.mark.parametrize(
    ("address", "evidence", "health", "told"),
    [
        ("::1", REFUSED, "healthy", True),
        ("::1", REFUSED, "starting", False),
        ("::1", "no whole answer within 1.5 s", "healthy", False),
        ("127.0.0.1", REFUSED, "healthy", False),
    ],
)
def test_ipv6_that_no_port_of_the_stack_is_forwarded_from(
    address: str, evidence: str, health: str, told: bool
) -> None:
    alone = replace(service("prometheus"), published=Port(9090, free_port(), address))
    spec = StackSpec(NAME, (alone, replace(service("app"), published=None)))
    if not told:
        refuse_unforwarded(spec, alone, evidence, health)
        return
    with pytest.raises(
        NotReady, match=r"port \[::1\]:\d+ refuses: this engine forwards no IPv6 address"
    ) as error:
        refuse_unforwarded(spec, alone, evidence, health)
    assert "STACK_BIND=127.0.0.1" in str(error.value)
