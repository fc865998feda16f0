"""What the products count against themselves: told with name and amount, and only what is of now."""

from __future__ import annotations

from typing import Any

import pytest

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


@pytest.mark.parametrize(
    ("part", "says", "hint"),
    [
        (
            {"faults": {"active": ["reject-all"]}},
            "faults is degraded: active ['reject-all']",
            "end the drill",
        ),
        (
            {"audit": {"dropped": 3, "problem": "no\x1bspace"}},
            "audit is degraded: no\\x1bspace, dropped 3",
            "restart",
        ),
        (
            {"packet_store": {"name": "PostgreSQL on x", "detail": "refused"}},
            "packet_store is degraded: refused",
            "logs postgres",
        ),
        ({"packet_store": {"detail": "disk full"}}, "packet_store is degraded: disk full", "free the disk"),
    ],
)
def test_a_part_of_the_application_is_named_with_its_reason(part: Any, says: str, hint: str) -> None:
    fake = FakeStack()
    ill = {name: {"status": "degraded", **told} for name, told in part.items()}
    fake.products["app"]["GET /health/detailed"] = health(**ill)
    with fake.running() as expected:
        finding = finding_of(CHECKS["app.health"], expected)
    assert finding.evidence == f"the application's {says}"
    assert hint in finding.hint
    assert finding.about == (("postgres",) if "postgres" in hint else ())
