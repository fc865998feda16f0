"""smoke --deep: the samples of before a restart are there after it, and an answer that fails is a finding."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from stack.checks.model import Finding
from stack.cli import deep_check
from stack.cli.session import Session
from stack.common.wait import until
from stack.deploy.describe import Description
from tests.loopback import Reply, Routes, dead_address, serve

EMPTY: Reply = (200, {"data": {"resultType": "vector", "result": []}})


def counted(value: str) -> Reply:
    return 200, {"data": {"resultType": "vector", "result": [{"metric": {}, "value": [1, value]}]}}


def asked(base: str, routes: Routes, after: Reply | None = None) -> tuple[Finding, list[str]]:
    """What is found at an address whose answer may change with the restart; which containers were restarted."""
    restarted: list[str] = []

    def restart(name: str) -> None:
        restarted.append(name)
        if after is not None:
            routes["POST /api/v1/query"] = after

    engine = SimpleNamespace(info=lambda: SimpleNamespace(remote=False), restart=restart)
    described: Any = SimpleNamespace(
        addresses=lambda remote: {"prometheus": base},
        settings=SimpleNamespace(front=""),
        spec=SimpleNamespace(name="s"),
    )
    session = cast(Session, SimpleNamespace(engine=engine))
    return deep_check.still_there(session, cast(Description, described)), restarted


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        deep_check, "until", lambda ask, seconds, retry: until(ask, seconds=0.05, retry=retry)
    )


def test_what_was_kept_is_there_after_a_restart() -> None:
    routes: Routes = {"POST /api/v1/query": counted("12"), "GET /-/ready": (200, "ready")}
    with serve(routes) as base:
        finding, restarted = asked(base, routes)
    assert (finding.status, restarted) == ("ok", ["s-prometheus"])
    assert finding.evidence == "12 samples of the last 10 minutes before and after a restart"


@pytest.mark.parametrize(
    ("answer", "says"),
    [(EMPTY, "is empty"), ((500, "broken"), "answered 500: broken"), ((200, "x"), "answered no JSON: 'x'")],
)
def test_nothing_is_restarted_where_nothing_can_be_compared(answer: Reply, says: str) -> None:
    routes: Routes = {"POST /api/v1/query": answer}
    with serve(routes) as base:
        finding, restarted = asked(base, routes)
    assert (finding.status, restarted) == ("failed", [])
    assert says in finding.evidence
    assert finding.evidence.startswith("before the restart: ")


def test_nobody_listens() -> None:
    finding, _ = asked(dead_address(), {})
    assert "connection refused: nobody listens there" in finding.evidence


def test_samples_that_are_lost_are_counted() -> None:
    routes: Routes = {"POST /api/v1/query": counted("12"), "GET /-/ready": (200, "ready")}
    with serve(routes) as base:
        finding, _ = asked(base, routes, counted("3"))
    assert finding.evidence == "3 samples after the restart, 12 before"
    assert finding.hint == "is its data volume mounted?"
