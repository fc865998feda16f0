"""Grafana beyond its checks: what a refused login means, and the reload of provisioning near and far."""

from __future__ import annotations

from typing import cast

import pytest
from msgspec.structs import replace

from stack.checks.grafana import classify_login, reload_provisioning
from stack.checks.messages import Order, dump_order, dump_report, load_order
from stack.checks.model import Finding, Report
from stack.checks.prober import answer
from stack.common.errors import StartFailed
from stack.components import all_checks
from stack.engine.interface import Engine, EngineInfo, Job, Ran
from stack.model.spec import StackSpec
from tests.loopback import dead_address
from tests.unit.checks.fake_stack import FakeStack, expectation

SPEC = StackSpec("s")
RELOADS = [f"POST /api/admin/provisioning/{kind}/reload" for kind in ("datasources", "dashboards")]


class FakeEngine:
    """Near or far; a far one answers jobs with a fixed report."""

    def __init__(self, *, remote: bool, report: Report | None = None) -> None:
        self.remote, self.report = remote, report
        self.jobs: list[Job] = []

    def info(self) -> EngineInfo:
        return EngineInfo("v", "a", "x", self.remote, "linux", "amd64", 1, 1)

    def logs(self, name: str, lines: int) -> tuple[str, ...]:
        return (f'{name}: error="data source with the same uid already exists"',)

    def run(self, stack: str, job: Job) -> Ran:
        self.jobs.append(job)
        return Ran(0, dump_report(self.report) if self.report else "")


def as_engine(fake: FakeEngine) -> Engine:
    return cast(Engine, fake)


@pytest.mark.parametrize(
    ("status", "logs", "verdict"),
    [
        (200, (), "ok"),
        (401, ("msg=Unauthorized",), "wrong"),
        (
            401,
            (
                "msg=x",
                'error="too many consecutive incorrect login attempts for user - login for user temporarily blocked"',
            ),
            "locked",
        ),
    ],
)
def test_only_the_log_tells_a_lock_from_a_wrong_password(
    status: int, logs: tuple[str, ...], verdict: str
) -> None:
    assert classify_login(status, logs) == verdict


def test_a_near_grafana_is_asked_directly() -> None:
    fake = FakeStack()
    fake.products["grafana"].update(dict.fromkeys(RELOADS, (200, {"message": "reloaded"})))
    with fake.running() as expected:
        reload_provisioning(as_engine(FakeEngine(remote=False)), SPEC, expected, "image")


@pytest.mark.parametrize("broken", [500, 401])
def test_a_refused_reload_says_so(broken: int) -> None:
    fake = FakeStack()
    fake.products["grafana"].update(dict.fromkeys(RELOADS, (broken, {"message": "Internal Server Error"})))
    with fake.running() as expected, pytest.raises(StartFailed, match=str(broken)) as error:
        reload_provisioning(as_engine(FakeEngine(remote=False)), SPEC, expected, "image")
    assert error.value.logs == ('s-grafana: error="data source with the same uid already exists"',)


def test_a_refused_login_says_so_near_and_far() -> None:
    fake = FakeStack()
    with fake.running(grafana_password="other") as expected, pytest.raises(StartFailed, match="401"):
        reload_provisioning(as_engine(FakeEngine(remote=False)), SPEC, expected, "image")
    with fake.running(grafana_password="other") as expected:
        report = answer(
            dump_order(Order(expected, names=("grafana.ready",), reload_provisioning=True)), all_checks()
        )
    with pytest.raises(StartFailed, match="401"):
        reload_provisioning(as_engine(FakeEngine(remote=True, report=report)), SPEC, expectation(), "image")


def test_nobody_listens_to_the_reload() -> None:
    gone = replace(expectation(), addresses=(("grafana", dead_address()),))
    with pytest.raises(StartFailed, match="refused"):
        reload_provisioning(as_engine(FakeEngine(remote=False)), SPEC, gone, "image")


def test_a_far_grafana_is_asked_from_inside() -> None:
    done = Report((Finding("grafana.ready", "grafana", "ready", "ok", "fine"),))
    engine = FakeEngine(remote=True, report=done)
    reload_provisioning(as_engine(engine), SPEC, expectation(), "image")
    (job,) = engine.jobs
    order = load_order(job.files[0].content.decode())
    assert order.reload_provisioning
    assert order.names == ("grafana.ready",)


def test_a_far_refusal_says_so() -> None:
    refused = Report((Finding("grafana.reload", "grafana", "ready", "failed", "answered 500"),))
    with pytest.raises(StartFailed, match="answered 500"):
        reload_provisioning(as_engine(FakeEngine(remote=True, report=refused)), SPEC, expectation(), "image")


def test_the_container_reloads_before_it_asks() -> None:
    fake = FakeStack()
    fake.products["grafana"].update(dict.fromkeys(RELOADS, (200, {"message": "reloaded"})))
    with fake.running() as expected:
        order = Order(expected, names=("grafana.ready",), reload_provisioning=True)
        assert answer(dump_order(order), all_checks()).ok
        fake.products["grafana"][RELOADS[0]] = (500, {"message": "Internal Server Error"})
        (finding,) = answer(dump_order(order), all_checks()).findings
    assert (finding.check, finding.status) == ("grafana.reload", "failed")
    assert "500" in finding.evidence
