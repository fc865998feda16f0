"""A probe that fails is a remark: its alert is there for it."""

from __future__ import annotations

from msgspec.structs import replace

from stack.checks.blackbox import CHECKS
from stack.checks.model import Job
from stack.checks.runner import run
from tests.loopback import Asked, Reply
from tests.unit.checks.fake_stack import FakeStack, data

PROBES = next(check for check in CHECKS if check.name == "prometheus.probes")
JOB = Job("blackbox", component="blackbox")


def answering(**values: list[tuple[str, float]]) -> FakeStack:
    """A Prometheus that has these values of each metric, by instance."""

    def query(asked: Asked) -> Reply:
        name = next(name for name in values if asked.params["query"].startswith(name))
        result = [
            {"metric": {"job": "shop", "instance": at}, "value": [0, str(value)]}
            for at, value in values[name]
        ]
        return data({"resultType": "vector", "result": result})

    fake = FakeStack()
    fake.products["prometheus"]["POST /api/v1/query"] = query
    return fake


def test_a_failing_probe_is_a_remark_with_its_code() -> None:
    fake = answering(
        probe_success=[("http://a/", 1), ("http://b/", 0), ("c:1", 0)],
        probe_http_status_code=[("http://a/", 200), ("http://b/", 503)],
    )
    with fake.running() as expected:
        (found,) = run([PROBES], replace(expected, jobs=(JOB,))).findings
    assert (found.status, found.evidence) == ("ok", "1 of 3 probes succeed")
    assert found.warnings == ("probe shop of http://b/ fails (HTTP 503)", "probe shop of c:1 fails")


def test_a_probe_that_was_never_asked_is_no_fault() -> None:
    with answering(probe_success=[]).running() as expected:
        (found,) = run([PROBES], replace(expected, jobs=(JOB,))).findings
    assert (found.status, found.evidence, found.warnings) == ("ok", "no probe was asked yet", ())


def test_without_a_probe_nobody_asks() -> None:
    with FakeStack().running() as expected:
        assert not any(check.concerns(expected) for check in CHECKS)
        assert PROBES.concerns(replace(expected, jobs=(JOB,)))
