"""Both probers run the same checks; the one inside the network keeps passwords out of arguments."""

from __future__ import annotations

from base64 import b64encode
from pathlib import PurePosixPath
from typing import cast

import pytest
from msgspec.structs import replace

from stack.checks.check import Check
from stack.checks.context import CheckContext
from stack.checks.messages import Order, dump_order, dump_report, load_order
from stack.checks.model import Expected, Finding, Report
from stack.checks.prober import LocalProber, NetworkProber, answer
from stack.clients.http import Http
from stack.common.errors import SmokeFailed
from stack.components import all_checks
from stack.engine.interface import Engine, Job, Ran
from stack.model.events import Progress
from stack.model.spec import Health, Limits, ServiceSpec, StackSpec
from tests.loopback import Asked, Reply, dead_address, serve
from tests.unit.checks.fake_stack import PASSWORD, FakeStack, expectation

SPEC = StackSpec(
    "s",
    tuple(
        ServiceSpec(component, "i", "id", port, "/", Limits(1, 1.0), Health(("CMD", "true")))
        for component, port in (("app", 8000), ("node_exporter", 9100))
    ),
)


class OneJob:
    """An engine that can only run jobs and answers with a fixed output."""

    def __init__(self, output: str, code: int = 0) -> None:
        self.output, self.code = output, code
        self.jobs: list[tuple[str, Job]] = []

    def run(self, stack: str, job: Job) -> Ran:
        self.jobs.append((stack, job))
        return Ran(self.code, self.output)


def network(engine: OneJob) -> NetworkProber:
    return NetworkProber(cast(Engine, engine), SPEC, "app:image", LocalProber(all_checks()))


def test_the_local_prober_asks_only_what_is_named() -> None:
    heard: list[Finding] = []
    with FakeStack().running() as expected:
        report = LocalProber(all_checks()).run(expected, heard.append, names=("app.ready", "grafana.ready"))
    assert sorted(f.check for f in heard) == ["app.ready", "grafana.ready"]
    assert report.ok


@pytest.mark.parametrize("component", ["prometheus", "app"])
def test_a_login_of_others_goes_to_the_component_that_it_stands_before(component: str) -> None:
    def locked(asked: Asked) -> Reply:
        known = asked.headers.get("authorization") == f"Basic {b64encode(b'me:pw').decode()}"
        return (200, {"status": "healthy"}) if known else (401, "who?")

    check = Check("c", "", component, "ready", ask, seconds=0.05)
    with serve({"GET /health": locked}) as base:
        expected = Expected("s", ((component, base),))
        door = {component: Http(base, auth=("me", "pw"))}
        assert LocalProber((check,), doors=door).run(expected).ok
        (refused,) = LocalProber((check,)).run(expected).findings
    assert "answered 401: who?" in refused.evidence


def ask(context: CheckContext) -> str:
    """As the checks of each component do."""
    http = context.app.http if context.expected.has("app") else context.prometheus.http
    return http.get("/health").text


def test_the_job_gets_its_order_as_a_private_file() -> None:
    with FakeStack().running() as expected:
        report = LocalProber(all_checks()).run(expected, names=("app.ready",))
    engine = OneJob("log line\n" + dump_report(report) + "\n")
    heard: list[Finding] = []
    brought = network(engine).run(expectation(), heard.append, stages=("ready",))
    assert brought.findings == report.findings and brought.seconds >= report.seconds
    assert tuple(heard) == report.findings
    ((stack, job),) = engine.jobs
    assert (stack, job.network, job.image, job.user) == ("s", "s", "app:image", "65534:65534")
    assert PASSWORD not in " ".join(job.argv)
    (order_file,) = job.files
    assert (order_file.mode, order_file.uid, order_file.secret) == (0o400, 65534, True)
    assert str(PurePosixPath(job.folder) / order_file.path) in job.argv
    order = load_order(order_file.content.decode())
    assert order.stages == ("ready",)
    assert order.expected.addresses == (
        ("app", "http://app:8000"),
        ("node_exporter", "http://node-exporter:9100"),
    )


def test_from_elsewhere_only_the_asking_itself_is_told() -> None:
    told: list[Progress] = []
    network(OneJob(dump_report(Report(())))).run(expectation(), tell=told.append)
    assert [t.detail for t in told] == ["asked inside the network of s", ""]
    with pytest.raises(SmokeFailed):
        network(OneJob("")).run(expectation(), tell=told.append)
    assert told[2:] == told[:2], "it ends even without a report"


@pytest.mark.parametrize("output", ["", "Traceback (most recent call last):\nboom", '{"ok": true}'])
def test_no_report_is_a_failure_with_the_last_lines(output: str) -> None:
    with pytest.raises(SmokeFailed, match="gave no report \\(exit code 3\\)") as caught:
        network(OneJob(output, 3)).run(expectation())
    assert caught.value.logs == tuple(output.splitlines())


def test_the_container_answers_its_order() -> None:
    with FakeStack().running() as expected:
        report = answer(dump_order(Order(expected, names=("prometheus.ready",))), all_checks())
    assert [f.check for f in report.findings] == ["prometheus.ready"]
    assert report.ok


def test_haste_reaches_the_container() -> None:
    engine = OneJob(dump_report(Report(())))
    prober = replace(network(engine), at_most=(("ready", 0.2),))
    prober.run(expectation())
    order = load_order(engine.jobs[0][1].files[0].content.decode())
    nobody = replace(order.expected, addresses=(("app", dead_address()),))
    dead = replace(order, names=("app.ready",), expected=nobody)
    (finding,) = answer(dump_order(dead), all_checks()).findings
    assert finding.status == "failed" and 0.15 < finding.seconds < 5
