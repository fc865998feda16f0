"""Panels are asked for with the stack's own scrape interval, and waited for as long as that takes after a load."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from stack.checks.check import Check
from stack.checks.model import DataSource, Finding
from stack.checks.runner import hurried, run
from stack.components import all_checks
from tests.unit.checks.fake_stack import FakeStack, data, expectation, runtime, vector

CHECKS = {check.name: check for check in all_checks()}
PANELS = CHECKS["prometheus.panels"]
SLOW = tuple(replace(s, interval="30s" if s.type == "prometheus" else "") for s in expectation().data_sources)


def in_a_hurry(fake: FakeStack, check: Check, **changes: Any) -> Finding:
    (asked,) = hurried([replace(check, seconds=3, every=0.01, after=())], {"proven": 0.01})
    with fake.running(**changes) as expected:
        (finding,) = run([asked], replace(expected, addresses=_without_grafana(expected.addresses))).findings
    return finding


def _without_grafana(addresses: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    return tuple((name, url) for name, url in addresses if name != "grafana")


def test_the_windows_are_those_that_grafana_would_take() -> None:
    asked: list[dict[str, str]] = []
    fake = FakeStack()
    answer = data({"result": [{"metric": {}, "values": [[1, "1"]]}]})

    def keep(seen: Any) -> Any:
        asked.append(seen.params)
        return answer

    fake.products["prometheus"]["POST /api/v1/query_range"] = keep
    assert in_a_hurry(fake, PANELS, data_sources=SLOW).status == "ok"
    assert {one["step"] for one in asked} == {"30"}
    assert any("[120s]" in one["query"] for one in asked), asked


@pytest.mark.parametrize(
    ("loaded_for", "status"), [(50.0, "ok"), (76.0, "ok"), (78.0, "failed"), (3600.0, "failed")]
)
def test_an_empty_panel_is_waited_for_until_two_scrapes_and_a_turn_of_the_rules(
    loaded_for: float, status: str
) -> None:
    fake = FakeStack()
    rounds: list[int] = []

    def later(seen: Any) -> Any:
        rounds.append(1)
        return data({"result": [{"metric": {}, "values": [[1, "1"]]}] if len(rounds) > 20 else []})

    fake.products["prometheus"]["GET /api/v1/status/runtimeinfo"] = runtime(loaded_for=loaded_for)
    fake.products["prometheus"]["POST /api/v1/query_range"] = later
    fake.products["prometheus"]["POST /api/v1/query"] = vector("1")
    found = in_a_hurry(fake, PANELS, data_sources=SLOW, shipped_interval=30.0)
    assert found.status == status, found.evidence


@pytest.mark.parametrize(
    ("written", "seconds"), [("", 5.0), ("5s", 5.0), ("1m30s", 90.0), ("100ms", 1.0), ("$EVERY", 5.0)]
)
def test_the_interval_of_panels_is_that_of_the_data_source(written: str, seconds: float) -> None:
    sources = (
        DataSource("alertmanager", "A", "alertmanager", "", interval="9s"),
        DataSource("prometheus", "P", "prometheus", "", interval=written),
    )
    assert replace(expectation(), data_sources=sources).panel_interval == seconds
