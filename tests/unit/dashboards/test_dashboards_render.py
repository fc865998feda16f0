"""The committed dashboards and runbooks are what the code renders, and hold the panels that users were promised."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from stack.dashboards import render
from stack.dashboards.__main__ import write

ROOT = Path(__file__).resolve().parents[3]
RENDERED = render()


@pytest.mark.parametrize("path", RENDERED)
def test_committed_file_is_the_rendered_one(path: str) -> None:
    assert (ROOT / path).read_text("utf-8") == RENDERED[path], f"{path} drifted: render it again and commit"


def test_nothing_else_is_committed() -> None:
    folders = ("grafana/dashboards", "grafana/optional", "prometheus/user/runbooks")
    committed = {str(file.relative_to(ROOT)) for folder in folders for file in (ROOT / folder).iterdir()}
    assert committed == set(RENDERED)


def panels(uid: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(RENDERED[f"grafana/dashboards/{uid}.json"])["panels"]
    return found


def test_gate_security_has_its_seven_panels() -> None:
    assert [panel["type"] for panel in panels("gate-security")] == [
        "timeseries",
        "timeseries",
        "stat",
        "piechart",
        "gauge",
        "bargauge",
        "heatmap",
    ]


def test_current_latency_ends_at_50_ms() -> None:
    gauge = next(panel for panel in panels("gate-security") if panel["type"] == "gauge")
    assert gauge["fieldConfig"]["defaults"] | {"max": 50, "unit": "ms"} == gauge["fieldConfig"]["defaults"]


def test_tool_observability_has_its_eight_panels() -> None:
    assert [panel["type"] for panel in panels("l9-tool-observability")] == ["timeseries"] * 4 + ["stat"] * 4


@pytest.mark.parametrize(
    ("title", "yellow", "red"), [("Error rate 5m", 0.01, 0.05), ("Average latency p50 5m", 100, 500)]
)
def test_tool_thresholds(title: str, yellow: float, red: float) -> None:
    panel = next(panel for panel in panels("l9-tool-observability") if panel["title"] == title)
    steps = [
        (step["value"], step["color"]) for step in panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
    ]
    assert steps == [(None, "green"), (yellow, "yellow"), (red, "red")]


def test_uids_and_titles_are_unique() -> None:
    documents = [json.loads(text) for path, text in RENDERED.items() if path.endswith(".json")]
    assert {one["uid"] for one in documents} == {
        "gate-security",
        "l9-tool-observability",
        "slo",
        "stack-health",
        "host",
        "probes",
        *("postgres", "redis", "mysql", "nginx", "memcached", "haproxy", "processes"),
    }
    assert len({one["title"] for one in documents}) == len(documents)
    assert all("id" not in one for one in documents), "Grafana gives the number"


def test_rendering_writes_what_differs_and_nothing_else(tmp_path: Path) -> None:
    assert set(write(tmp_path)) == set(RENDERED)
    assert write(tmp_path) == ()
    changed = "grafana/dashboards/slo.json"
    (tmp_path / changed).write_text("{}")
    assert write(tmp_path) == (changed,)
