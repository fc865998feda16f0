"""What the products count against themselves: told with name and amount, and only what is of now."""

from __future__ import annotations

from typing import Any

import pytest

from stack.checks import app
from stack.checks.model import Finding
from stack.components import all_checks
from tests.loopback import Asked, Reply
from tests.unit.checks.fake_stack import FakeStack, data, health, vector
from tests.unit.checks.test_checks_products import finding_of

CHECKS = {check.name: check for check in all_checks() if not check.unless}


def series(value: str, **labels: str) -> Reply:
    return data({"resultType": "vector", "result": [{"metric": labels, "value": [1, value]}]})


def found(name: str, answers: dict[str, Reply], metrics: str = "", **expected: Any) -> Finding:
    """What a check finds where the query that holds a word has another answer."""
    fake = FakeStack()

    def answer(asked: Asked) -> Reply:
        query = asked.params["query"]
        default = vector("1") if query.startswith("time()") else vector()
        return next((reply for word, reply in answers.items() if word in query), default)

    fake.products["prometheus"]["POST /api/v1/query"] = answer
    fake.products["prometheus"]["GET /metrics"] = (200, f"up 1\n{metrics}")
    with fake.running(**expected) as stack:
        return finding_of(CHECKS[name], stack)


def test_lost_notices_are_named_with_whom_and_why() -> None:
    lost = series(
        "4", __name__="alertmanager_notifications_failed_total", integration="slack", reason="clientError"
    )
    finding = found("prometheus.reports", {"notifications_failed": lost}, age=1000.0)
    assert finding.evidence == (
        "notices are lost: alertmanager_notifications_failed_total (slack clientError) grew to 4"
    )
    assert finding.hint == "monitoring-stack logs alertmanager names the address and the answer"


def test_a_young_stack_may_have_missed_itself() -> None:
    lost = series("1", __name__="prometheus_notifications_errors_total")
    assert found("prometheus.reports", {"notifications_failed": lost}, age=20.0).status == "ok"


def test_what_the_host_does_not_tell_is_named() -> None:
    finding = found("prometheus.reports", {"node_scrape": series("0", collector="filesystem")})
    assert finding.evidence == "node_exporter cannot read filesystem"


def test_a_full_disk_is_told_by_its_counters_and_at_once() -> None:
    finding = found(
        "prometheus.storage", {"time()": vector()}, "prometheus_tsdb_wal_writes_failed_total 12\n"
    )
    assert finding.evidence == (
        "Prometheus stores nothing: no sample of the last 5 minutes; prometheus_tsdb_wal_writes_failed_total is 12"
    )
    assert "docker system df" in finding.hint
    assert finding.final


def test_a_failure_of_last_week_is_none_of_now() -> None:
    finding = found("prometheus.storage", {}, "prometheus_tsdb_compactions_failed_total 3\n")
    assert finding.status == "ok", finding.evidence


DAMAGED = "SQLite /data/packets.db: database disk image is malformed"


@pytest.mark.parametrize(
    ("parts", "says", "hint"),
    [
        ({"faults": {"active": ["reject-all"]}}, "faults: active ['reject-all']", "end the drill"),
        (
            {"audit": {"dropped": 3, "problem": "no\x1bspace"}},
            "audit: no\\x1bspace, dropped 3",
            "monitoring-stack logs shows why",
        ),
        (
            {"packet_store": {"name": "PostgreSQL on x", "detail": "refused"}},
            "packet_store: refused",
            "logs postgres",
        ),
        ({"packet_store": {"detail": "disk full"}}, "packet_store: disk full", "free the disk"),
        (
            {"audit": {"problem": DAMAGED}, "alerts": {"problem": DAMAGED}, "ingest": {"waiting": 1}},
            f"audit and alerts: {DAMAGED}; ingest: waiting 1",
            "put back a good copy",
        ),
        ({"audit": {}}, "audit: degraded", "monitoring-stack logs shows why"),
    ],
)
def test_a_part_of_the_application_is_named_with_its_reason(parts: Any, says: str, hint: str) -> None:
    finding = of_app({name: {"status": "degraded", **told} for name, told in parts.items()})
    assert finding.evidence == f"the application is degraded: {says}"
    assert hint in finding.hint
    assert finding.about == (("postgres",) if "postgres" in hint else ())


def of_app(*answers: dict[str, Any]) -> Finding:
    """What is found where the application says this, one answer after the other and then the last one."""
    fake, left = FakeStack(), list(answers)
    fake.products["app"]["GET /health/detailed"] = lambda asked: health(
        **(left.pop(0) if len(left) > 1 else left[0])
    )
    with fake.running() as expected:
        return finding_of(CHECKS["app.health"], expected)


def surprised(times: int) -> dict[str, Any]:
    return {"load": {"status": "degraded", "surprises": {"memory-write": times}}}


def test_what_was_counted_once_and_does_not_grow_is_a_remark(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "GROWS_WITHIN", 0.0)
    finding = of_app(surprised(1))
    assert finding.status == "ok", finding.evidence
    assert finding.warnings == (
        "the application's load counts surprises {'memory-write': 1} since its start",
    )


def test_what_grows_is_of_now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "GROWS_WITHIN", 0.0)
    finding = of_app(*map(surprised, range(1, 200)))
    assert finding.status == "failed"
    assert finding.evidence.startswith("the application is degraded: load: surprises {'memory-write': ")
