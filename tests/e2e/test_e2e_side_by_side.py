"""Stacks beside each other, two commands at once, and a port that somebody else holds."""

from __future__ import annotations

import socket

import pytest

from stack.common.wait import NotYet, until
from tests.e2e.conftest import Make
from tests.e2e.stack_command import Stack

pytestmark = pytest.mark.e2e


def locked(stack: Stack) -> None:
    """Somebody holds the stack's lock."""
    if "lock" not in stack.keepers():
        raise NotYet("nobody holds the lock yet")


def test_a_neighbour_comes_and_goes_without_a_trace(make_stack: Make, grafana_image: str) -> None:
    first = make_stack("e2e-near", 27100, STACK_GRAFANA="required", STACK_GRAFANA_IMAGE=grafana_image)
    second = make_stack("e2e-near-app", 27110)  # the name of a container of the other
    first.ok("start")
    before = first.starts()
    document = second.ok("start", "--without", "grafana", "--quick", "--json").json()
    assert document["status"] == "running"
    assert set(second.inspect()) == {"prometheus", "alertmanager", "node_exporter", "app"}
    assert first.ok("plan", "--json").json()["plan"] == []
    second.ok("destroy", "--volumes", "--yes")
    assert second.left() == []
    assert first.starts() == before
    first.ok("smoke")


def test_of_two_starts_at_once_one_works_and_the_other_names_it(make_stack: Make) -> None:
    stack = make_stack("e2e-twice", 27120, STACK_GRAFANA="off")
    worker = stack.begin("start", "--quick")
    until(lambda: locked(stack), seconds=30)
    late = stack("start", "--quick")
    _, errors = worker.communicate(timeout=300)
    assert worker.returncode == 0, errors
    assert late.code == 5
    (line,) = late.err.splitlines()
    assert line.startswith("error: another command works on stack e2e-twice: monitoring-stack start by ")
    assert f"process {worker.pid}, since " in line and line.endswith(": wait for it to end")
    assert stack.ok("plan", "--json").json()["plan"] == []


def test_a_taken_port_is_named_with_the_way_out_and_the_next_start_converges(make_stack: Make) -> None:
    stack = make_stack("e2e-port", 27130, STACK_GRAFANA="off")
    with socket.create_server(("127.0.0.1", 27132)):
        ran = stack("start", "--quick")
    assert ran.code == 5
    (line,) = ran.err.splitlines()
    assert line.startswith("error: alertmanager: port 127.0.0.1:27132 is taken")
    assert "STACK_ALERTMANAGER_PORT=PORT or --port-base" in line
    document = stack.ok("start", "--quick", "--json").json()
    assert {step["target"] for step in document["plan"]} >= {"e2e-port-alertmanager"}
    assert set(stack.inspect()) == {"prometheus", "alertmanager", "node_exporter", "app"}
    assert stack.ok("plan", "--json").json()["plan"] == []
