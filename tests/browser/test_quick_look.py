"""The quick look in a real browser: every dashboard can be read; addresses, variables, times and keys work."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.browser.chromium import Chromium
from tests.browser.geometry import difference, faults_of, shades
from tests.fakes.drawn_prometheus import ROOT, Waves

BOARDS = {
    path.stem: json.loads(path.read_text("utf-8")) for path in (ROOT / "grafana/dashboards").glob("*.json")
}
SHADES = Path(__file__).with_name("quick_look_shades.json")
SPAN = "from=1767225600000&to=1767229200000"
"""An hour in the past: what is drawn is the same at each run."""
DRAWN = "/^Updated/.test(document.querySelector('#state').textContent)"
WEIGHT = 120_000
"""Bytes of the page's own files; without dashboards and runbooks."""
RECORD = "STACK_RECORD_SHADES"


def show(browser: Chromium, prometheus: str, address: str) -> None:
    browser.open(f"{prometheus}/user/{address}")
    browser.until(DRAWN)


def box_of(browser: Chromium, selector: str) -> tuple[float, float, float, float]:
    """Left, top, width and height of the first such element."""
    box = browser.run(f"document.querySelector('{selector}').getBoundingClientRect().toJSON()")
    return box["x"], box["y"], box["width"], box["height"]


def hash_of(browser: Chromium) -> str:
    found: str = browser.run("location.hash")
    return found


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("uid", sorted(BOARDS))
def test_a_dashboard_can_be_read(browser: Chromium, prometheus: str, uid: str, theme: str) -> None:
    show(browser, prometheus, f"#{uid}?{SPAN}")
    browser.run(f"document.documentElement.dataset.theme = '{theme}'")
    assert browser.run("document.querySelector('#title').textContent") == BOARDS[uid]["title"]
    assert browser.run("document.querySelectorAll('.plot').length") == len(BOARDS[uid]["panels"])
    assert faults_of(browser) == []
    assert browser.faults() == []


@pytest.mark.parametrize("width", [700, 2200])
def test_it_can_be_read_on_other_screens(browser: Chromium, prometheus: str, width: int) -> None:
    try:
        browser.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False
        )
        show(browser, prometheus, f"#gate-security?{SPAN}")
        assert faults_of(browser) == []
    finally:
        browser.call("Emulation.clearDeviceMetricsOverride")


def test_it_looks_as_it_did(browser: Chromium, prometheus: str) -> None:
    seen = {}
    for theme in ("light", "dark"):
        show(browser, prometheus, f"#gate-security?{SPAN}")
        browser.run(f"document.documentElement.dataset.theme = '{theme}'")
        seen[theme] = shades(browser, browser.picture())
    if os.environ.get(RECORD):
        SHADES.write_text(json.dumps(seen) + "\n")
    for theme, expected in json.loads(SHADES.read_text()).items():
        apart = difference(seen[theme], expected)
        assert apart["mean"] < 8 and apart["far"] < 0.04, (theme, apart, f"{RECORD}=1 records anew")
    assert difference(seen["light"], seen["dark"])["mean"] > 100, "dark is another theme"


def test_the_address_names_dashboard_time_and_variables(
    browser: Chromium, prometheus: str, waves: Waves
) -> None:
    show(browser, prometheus, "#slo")
    assert browser.run("document.querySelector('#title').textContent") == BOARDS["slo"]["title"]
    waves.queries.clear()
    show(browser, prometheus, f"#gate-security?{SPAN}&var-instance=app%3A8000")
    assert browser.run("document.querySelector('#from').value") == "1767225600000"
    asked = [query for query in waves.queries if "gate_invocations_total" in query]
    assert asked and all('instance=~"app:8000"' in query for query in asked)
    show(browser, prometheus, "#gate-security.json")
    assert browser.run("document.querySelector('#title').textContent") == BOARDS["gate-security"]["title"]


def test_a_choice_of_a_variable_is_asked_for(browser: Chromium, prometheus: str, waves: Waves) -> None:
    show(browser, prometheus, f"#gate-security?{SPAN}")
    waves.queries.clear()
    browser.run("""(() => { const field = document.querySelector('#variables [name=instance]');
        for (const one of field.options) one.selected = one.value === 'prometheus:9090';
        field.dispatchEvent(new Event('change', { bubbles: true })); })()""")
    browser.until("location.hash.includes('var-instance=prometheus')")
    browser.until(DRAWN)
    browser.until("document.querySelector('#variables [name=instance]').selectedOptions.length === 1")
    assert any('instance=~"prometheus:9090"' in query for query in waves.queries)


def test_a_span_that_is_dragged_over_is_looked_at(browser: Chromium, prometheus: str) -> None:
    show(browser, prometheus, f"#host?{SPAN}")
    x, y, wide, _ = box_of(browser, "svg.chart")
    y += 40
    browser.drag((x + wide * 0.4, y), (x + wide * 0.6, y))
    browser.until("document.querySelector('#from').value !== '1767225600000'")
    start, end = browser.run(
        "[Number(document.querySelector('#from').value), Number(document.querySelector('#to').value)]"
    )
    assert 1767225600000 < start < end < 1767229200000
    assert 0.1 < (end - start) / 3_600_000 < 0.35


def test_the_mouse_tells_the_figures_of_a_moment(browser: Chromium, prometheus: str) -> None:
    show(browser, prometheus, f"#host?{SPAN}")
    x, y, wide, _ = box_of(browser, "svg.chart")
    browser.hover(x + wide / 2, y + 30)
    told = browser.run("document.querySelector('.tip:not([hidden])').innerText")
    assert "2026-01-01 00:" in told and "%" in told


def test_keys_move_through_time_and_dashboards(browser: Chromium, prometheus: str) -> None:
    show(browser, prometheus, f"#host?{SPAN}")
    browser.press("ArrowLeft")
    browser.until("document.querySelector('#from').value === '1767223800000'")
    browser.press("-")
    browser.until("document.querySelector('#from').value === '1767222000000'")
    browser.press("n")
    browser.until("location.hash.includes('from=now-7200s&to=now')")
    before = browser.run("document.documentElement.dataset.theme")
    browser.press("d")
    assert browser.run("document.documentElement.dataset.theme") != before
    browser.press("]")
    browser.until("document.querySelector('#title').textContent !== 'Host'")
    browser.press("?")
    assert browser.run("document.querySelector('#keys').open") is True


def test_the_keyboard_reads_a_chart(browser: Chromium, prometheus: str) -> None:
    show(browser, prometheus, f"#host?{SPAN}")
    browser.run("document.querySelector('svg.chart').focus()")
    browser.press("ArrowRight")
    assert "2026-01-01 00:00" in browser.run("document.querySelector('.tip:not([hidden])').innerText")
    assert SPAN in hash_of(browser), "the time stays"


def test_a_name_in_the_legend_shows_its_series_alone(browser: Chromium, prometheus: str) -> None:
    show(browser, prometheus, f"#gate-security?{SPAN}")
    count = "document.querySelector('.plot').querySelectorAll('g.series').length"
    all_of_them = browser.run(count)
    browser.run("document.querySelector('.plot button.key').click()")
    assert browser.run(count) == 1 < all_of_them
    browser.run("document.querySelector('.plot button.key').click()")
    assert browser.run(count) == all_of_them


def test_a_moment_that_is_none_is_said(browser: Chromium, prometheus: str) -> None:
    show(browser, prometheus, f"#host?{SPAN}")
    browser.run(
        "document.querySelector('#from').value = 'yesterday'; document.querySelector('#times').requestSubmit()"
    )
    assert "is no moment" in browser.run("document.querySelector('#state').textContent")
    browser.open(f"{prometheus}/user/#nobody")
    browser.until("document.querySelector('#state').textContent.includes('There is no dashboard nobody')")


def test_what_a_file_says_is_text_and_never_markup(browser: Chromium, prometheus: str, waves: Waves) -> None:
    evil = "<img src=x onerror=\"document.title='pwned'\">"
    target = {"refId": "A", "expr": "up", "legendFormat": f"{evil}{{{{job}}}}"}
    kinds = ("timeseries", "stat", "gauge", "bargauge", "piechart", "table", "heatmap", "text", "unknown")
    result = {"text": evil, "color": evil}
    field = {
        "unit": evil,
        "color": {"mode": "fixed", "fixedColor": evil},
        "mappings": [{"type": "range", "options": {"from": 0, "to": 1, "result": result}}],
    }
    told = {"title": evil, "description": evil, "targets": [target], "options": {"content": evil}}
    shape = {"gridPos": {"w": 8, "h": 8}, "fieldConfig": {"defaults": field}}
    panels = [{"id": n, "type": kind, **told, **shape} for n, kind in enumerate(kinds, 1)]
    waves.extra["~own+evil.json"] = {"uid": "evil", "title": evil, "description": evil, "panels": panels}
    try:
        show(browser, prometheus, f"#evil?{SPAN}")
        browser.until("document.querySelectorAll('nav a').length === 6")
        assert browser.run("document.querySelectorAll('img').length") == 0
        assert browser.run("document.title").endswith("(quick look)")
    finally:
        waves.extra.clear()


def test_its_weight_and_its_time(browser: Chromium, prometheus: str) -> None:
    files = [path for path in (ROOT / "prometheus/user").iterdir() if path.suffix in (".html", ".js", ".css")]
    weight = sum(path.stat().st_size for path in files)
    show(browser, prometheus, f"#gate-security?{SPAN}")
    there = browser.run("performance.getEntriesByType('navigation')[0].domInteractive")
    drawn = browser.run("performance.getEntriesByName('drawn')[0].startTime")
    print(f"quick look: {weight / 1000:.0f} kB, interactive after {there:.0f} ms, drawn after {drawn:.0f} ms")
    assert weight < WEIGHT
    outside = [url for url in browser.requested() if not url.startswith((prometheus, "data:", "about:"))]
    assert outside == []
