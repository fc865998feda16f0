"""report: what a stack did, in one file; its summary as JSON; what it cannot do is said."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stack.checks.context import CheckContext
from stack.checks.model import Dashboard, Expected
from stack.common.errors import StackError, StartFailed, UsageError
from tests.fakes.drawn_prometheus import ROOT, Waves, drawn_prometheus
from tests.scenarios.commands import Client

BOARDS = ("gate-security", "slo")


@pytest.fixture
def running(client: Client, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """A started stack whose Prometheus answers."""
    assert client("start") == 0
    boards = tuple(
        Dashboard(uid, (ROOT / f"grafana/dashboards/{uid}.json").read_text("utf-8")) for uid in BOARDS
    )
    labels = {"__name__": "ALERTS", "alertstate": "firing", "alertname": "Down", "severity": "critical"}
    with drawn_prometheus(Waves(firing=[(labels, 0, 9e9)])) as address:
        context = CheckContext(Expected("monitoring", (("prometheus", address),), dashboards=boards))
        monkeypatch.setattr("stack.deploy.asking.context_of", lambda engine, description: context)
        yield client


def written(client: Client, *words: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The summary, and the data in the file."""
    code, said = client.run("report", *words)
    assert code == 0
    (summary,) = said.documents
    found = re.search(r'id="data">(.*?)</script>', Path(summary["file"]).read_text("utf-8"))
    assert found
    return summary, json.loads(found[1])


def test_it_holds_dashboards_alerts_targets_versions(running: Client) -> None:
    summary, data = written(running, "--range", "2h")
    assert summary["file"].startswith(str(running.home / "reports" / "report-monitoring-"))
    assert (
        [one["uid"] for one in summary["dashboards"]]
        == list(BOARDS)
        == [one["uid"] for one in data["boards"]]
    )
    assert summary["panels"] == 15 and summary["panels_without_data"] == 0
    assert data["to"] - data["from"] == pytest.approx(7200, abs=0.01)
    assert [(one["name"], one["firing"], one["earlier"]) for one in data["alerts"]] == [("Down", True, True)]
    assert data["targets"][0]["health"] == "up" and {one["component"] for one in data["components"]} >= {
        "app"
    }
    assert next(one["version"] for one in data["components"] if one["component"] == "prometheus") == "3.13.5"


def test_one_dashboard_into_a_file_or_a_folder(running: Client) -> None:
    target = running.home / "deep" / "one.html"
    summary, data = written(running, "-o", str(target), "--dashboard", "slo")
    assert summary["file"] == str(target) and [one["uid"] for one in data["boards"]] == ["slo"]
    summary, _ = written(running, "-o", str(target.parent), "--dashboard", "slo")
    assert re.fullmatch(r".*/deep/report-monitoring-\d{8}-\d{6}\.html", summary["file"])


def test_what_is_left_out_is_named(running: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stack.checks.drawn_panels.MOST_PANELS", 7)
    summary, data = written(running)
    assert [one["uid"] for one in summary["left_out"]] == ["slo"] == [one["uid"] for one in data["left_out"]]


def test_a_place_that_cannot_be_written_is_named(running: Client) -> None:
    (running.home / "file").write_text("")
    with pytest.raises(StackError, match=r"file/x\.html: cannot be written"):
        running("report", "-o", str(running.home / "file" / "x.html"))


def test_an_unknown_dashboard_is_refused_with_those_that_there_are(running: Client) -> None:
    with pytest.raises(UsageError, match="--dashboard nobody: there is gate-security, slo"):
        running("report", "--dashboard", "nobody")
    assert not (running.home / "reports").exists()


def test_a_stack_at_rest_has_nothing_to_report(client: Client) -> None:
    with pytest.raises(StartFailed, match="does not run"):
        client("report")
