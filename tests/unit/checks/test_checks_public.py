"""The public address: each product must know it, and what answers there is told, with warnings where it is wrong."""

from __future__ import annotations

import pytest
from msgspec.structs import replace as replaced

from stack.checks.check import Check
from stack.checks.model import Expected, Finding
from stack.checks.runner import run
from stack.components import all_checks
from stack.engine.interface import Ran
from tests.loopback import Asked, Reply, Route, serve
from tests.unit.checks.fake_stack import PUBLIC, PUBLIC_HOST, FakeStack, data

CHECKS = {check.name: check for check in all_checks() if check.addressed}
BAD: dict[str, tuple[str, Route, str]] = {
    "prometheus": (
        "GET /api/v1/status/flags",
        data({"web.external-url": "http://127.0.0.1:9090"}),
        "its address for people is http://127",
    ),
    "alertmanager": ("GET /debug/pprof/cmdline", (200, "/bin/alertmanager"), "is none, not https://"),
    "grafana": (
        "GET /api/frontend/settings",
        (200, {"appUrl": "http://localhost:3000/"}),
        "is http://localhost",
    ),
    "app": ("GET /health", (400, {}), f"it refuses to be asked as {PUBLIC_HOST}"),
}


def nothing_run(component: str, argv: tuple[str, ...]) -> Ran:
    raise AssertionError(f"{component}: {argv}")


def asked(check: Check, expected: Expected) -> Finding:
    (found,) = run([check], expected, run_in=nothing_run).findings
    return found


@pytest.fixture
def stack() -> FakeStack:
    """Its application answers to its public name alone."""
    made = FakeStack()

    def health(asked: Asked) -> Reply:
        return (200, {"status": "ok"}) if asked.headers["host"] == PUBLIC_HOST else (400, {})

    made.products["app"]["GET /health"] = health
    return made


@pytest.mark.parametrize("component", BAD)
def test_a_product_that_knows_its_address(stack: FakeStack, component: str) -> None:
    with stack.running(public=PUBLIC) as expected:
        found = asked(CHECKS[f"{component}.address"], expected)
    assert found.status == "ok" and PUBLIC_HOST in found.evidence


@pytest.mark.parametrize("component", BAD)
def test_a_product_that_makes_its_links_from_another(stack: FakeStack, component: str) -> None:
    route, reply, said = BAD[component]
    stack.products[component][route] = reply
    check = CHECKS[f"{component}.address"]
    with stack.running(public=PUBLIC) as expected:
        found = asked(
            Check(check.name, "", component, "checked", check.run, check.hint, seconds=0.05), expected
        )
    assert found.status == "failed" and said in found.evidence
    assert "render --own" in found.hint


def test_without_a_public_address_nothing_is_asked(stack: FakeStack) -> None:
    with stack.running() as expected:
        assert run(list(CHECKS.values()), expected, run_in=nothing_run).findings == ()


def test_what_answers_at_the_addresses_is_told_and_what_is_wrong_warns(stack: FakeStack) -> None:
    front: dict[str, Route] = {
        "GET /prometheus/-/ready": (200, "Prometheus Server is Ready."),
        "GET /alertmanager/-/ready": (502, ""),
        "GET /app/health": (401, ""),
    }
    with serve(front) as base, stack.running() as expected:
        changed = {
            "public": tuple((c, f"{base}/{c}") for c, _ in PUBLIC),
            "ready_paths": (("prometheus", "/-/ready"), ("alertmanager", "/-/ready"), ("app", "/health")),
        }
        found = asked(CHECKS["prometheus.public"], replaced(expected, **changed))
    assert found.status == "ok"
    assert found.evidence.startswith(f"{base}/prometheus answers; ")
    assert f"{base}/app asks for a login (401)" in found.evidence
    (warning,) = found.warnings
    assert warning.startswith(f"{base}/alertmanager/-/ready answers 502")


def test_of_one_that_nobody_answers_nothing_more_is_asked(stack: FakeStack) -> None:
    with stack.running() as expected:
        public = tuple((c, f"http://127.0.0.1:1/{c}") for c, _ in PUBLIC)
        ready = (("prometheus", "/-/ready"), ("alertmanager", "/-/ready"))
        found = asked(CHECKS["prometheus.public"], replaced(expected, public=public, ready_paths=ready))
    assert len(found.warnings) == 1 and "nobody listens" in found.warnings[0]
