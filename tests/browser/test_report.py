"""The report in a real browser: all of it is drawn without a request, can be read, and prints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec import to_builtins

from stack.boards.interpolate import Span
from stack.checks.context import CheckContext
from stack.checks.drawn_panels import gallery
from stack.checks.model import Dashboard, Expected
from stack.checks.past_alerts import fired
from stack.config.tree import read_tree
from stack.exports.report import page
from tests.browser.chromium import Chromium
from tests.browser.geometry import faults_of
from tests.fakes.drawn_prometheus import ROOT, Waves

SPAN = Span(1_767_225_600.0, 1_767_229_200.0, 12.0, 5.0)
EVIL = "<img src=x onerror=\"document.title='pwned'\">"
BOARDS = sorted((ROOT / "grafana/dashboards").glob("*.json"))


@pytest.fixture(scope="module")
def report(prometheus: str, waves: Waves, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file as the command writes it, of all shipped dashboards."""
    labels = {"alertname": "Down", "severity": "critical", "note": EVIL}
    waves.firing = [(labels, SPAN.start + 600, SPAN.start + 900), ({"alertname": "Watchdog"}, 0, 9e9)]
    boards = tuple(Dashboard(path.stem, path.read_text("utf-8")) for path in BOARDS)
    context = CheckContext(Expected("monitoring", (("prometheus", prometheus),), dashboards=boards))
    drawn = gallery(context, boards, SPAN, lambda title: None)
    past = fired(context.prometheus.http, SPAN.start, SPAN.end)
    component = {
        "component": "app",
        "state": "running (healthy)",
        "image": EVIL,
        "version": "",
        "address": "",
    }
    document: dict[str, Any] = {
        "stack": "monitoring",
        "from": SPAN.start,
        "to": SPAN.end,
        "made": SPAN.end,
        "made_by": "1",
        "engine": "Docker 1",
        "status": "running",
        "silent": "",
        "faults": [],
        "remarks": [EVIL],
        "absent": [{"component": "grafana", "reason": EVIL}],
        "left_out": [{"title": EVIL, "uid": "x"}],
        "components": [{**component, "uptime_seconds": 99, "memory_bytes": 1 << 20}],
        "data": [{"component": "prometheus", "bytes": 1 << 20, "free_bytes": 1 << 30}],
        "targets": [{"job": "app", "instance": "a:1", "health": "up", "error": EVIL, "available": 0.999}],
        "alerts": [{**to_builtins(one), "seconds": one.seconds} for one in past.alerts],
        "alerts_step": past.step,
        "alerts_left": 0,
        "boards": to_builtins(drawn.boards),
    }
    file = tmp_path_factory.mktemp("report") / "report.html"
    file.write_text(page(f"monitoring {EVIL}", document, read_tree(ROOT)), encoding="utf-8")
    return file


@pytest.fixture
def opened(browser: Chromium, report: Path) -> Chromium:
    """The report, as somebody opens it."""
    browser.open(report.as_uri())
    browser.until("document.querySelector('#report h2')")
    return browser


def test_it_asks_nobody_and_runs_nothing_of_its_data(opened: Chromium, report: Path) -> None:
    opened.run("dispatchEvent(new Event('beforeprint'))")
    assert {url.partition(":")[0] for url in opened.requested()} <= {"file", "data", "about"}
    assert opened.requested().count(report.as_uri()) == 1
    assert opened.run("document.querySelectorAll('img').length") == 0
    assert opened.run("document.title").startswith("monitoring <img")
    assert opened.faults() == []


def test_it_has_alerts_objectives_targets_versions_and_every_panel(opened: Chromium) -> None:
    text = opened.run("document.querySelector('#report').innerText")
    assert "Down" in text and "5 minutes" in text and "99.90%" in text and "Error budget left by gate" in text
    assert "1 MiB" in text and "Docker 1" in text
    opened.run("dispatchEvent(new Event('beforeprint'))")
    assert opened.run("document.querySelectorAll('.plot[data-board]').length") == 0
    assert opened.run("document.querySelectorAll('.plot > *').length") > 30


def test_it_can_be_read(opened: Chromium) -> None:
    opened.run("dispatchEvent(new Event('beforeprint'))")
    assert faults_of(opened) == []


def test_it_can_be_read_printed(opened: Chromium, report: Path) -> None:
    pdf = opened.printed()
    pages = pdf.count(b"/Type /Page\n") + pdf.count(b"/Type /Page/")
    print(f"report: {report.stat().st_size / 1e6:.2f} MB, printed {len(pdf) / 1e6:.2f} MB")
    assert pdf.startswith(b"%PDF") and pages != 1
    try:
        opened.call("Emulation.setEmulatedMedia", media="print")
        opened.call(
            "Emulation.setDeviceMetricsOverride", width=720, height=1000, deviceScaleFactor=1, mobile=False
        )
        opened.run("dispatchEvent(new Event('beforeprint'))")
        assert faults_of(opened) == []
    finally:
        opened.call("Emulation.clearDeviceMetricsOverride")
        opened.call("Emulation.setEmulatedMedia", media="")


def test_its_size_has_a_budget(report: Path) -> None:
    assert report.stat().st_size < 3_000_000
