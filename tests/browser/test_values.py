"""Values, axes and times as the pages write them, in the browser's own JavaScript: as Grafana 12 writes the same."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.browser.chromium import Chromium
from tests.fakes.drawn_prometheus import ROOT

SCRIPTS = ("values.js", "units.js", "times.js", "chart.js", "panels.js")


STEPS = [{"color": "green", "value": None}, {"color": "red", "value": 40}]


def mapped(kind: str, **options: Any) -> dict[str, Any]:
    return {"type": kind, "options": {**options, "result": {"text": "Named"}}}


@pytest.fixture(scope="module")
def page(browser: Chromium) -> Chromium:
    """An empty page with the functions."""
    browser.open("about:blank")
    for name in SCRIPTS:
        browser.run((ROOT / f"prometheus/user/{name}").read_text("utf-8") + "\n;0")
    return browser


@pytest.mark.parametrize(
    ("value", "unit", "decimals", "text"),
    [
        (1234, "short", None, "1.23 K"), (2.5e6, "short", None, "2.50 Mil"), (100, "short", None, "100"),
        (0.123, "s", None, "123 ms"), (90, "s", None, "1.50 min"), (0, "s", None, "0 s"), (1e-5, "s", None, "10.0 µs"),
        (0.32, "ms", None, "0.320 ms"), (1500, "ms", None, "1.50 s"), (172800, "s", None, "2 day"),
        (1536, "bytes", None, "1.50 KiB"), (512, "bytes", None, "512 B"), (1500, "decbytes", None, "1.50 kB"),
        (12345678, "Bps", None, "12.3 MB/s"), (0.9912, "percentunit", 1, "99.1%"), (3.2, "percent", None, "3.20%"),
        (1500, "reqps", None, "1.50K req/s"), (250, "cps", None, "250 c/s"), (3, "ops", None, "3 ops/s"),
        (5, "suffix:rows", None, "5 rows"), (5, "prefix:$", None, "$5"), (7, "unheardof", None, "7 unheardof"),
        (12.345, "none", 1, "12.3"), (90061, "dtdurations", None, "1 day, 1 hour"), (3661, "dthms", None, "01:01:01"),
        (1, "bool", None, "True"), (-1.5, "short", None, "-1.50"), (21.04, "celsius", None, "21.0 °C"),
        (1767225600000, "dateTimeAsIso", None, "2026-01-01 00:00:00"),
    ],
)  # fmt: skip
def test_a_value_is_written_with_its_unit(
    page: Chromium, value: float, unit: str, decimals: int | None, text: str
) -> None:
    assert page.run(f"format({value}, {json.dumps(unit)}, {json.dumps(decimals)} ?? undefined)") == text


@pytest.mark.parametrize(
    ("low", "high", "count", "unit", "texts"),
    [
        (0, 1.05, 5, "percentunit", ["0%", "25%", "50%", "75%", "100%"]),
        (0, 3e9, 5, "bytes", ["0 B", "1 GiB", "2 GiB"]),
        (0, 900, 5, "s", ["0 s", "5 min", "10 min", "15 min"]),
        (0.2, 7.7, 5, "short", ["2", "4", "6"]),
        (-10, 10, 4, "short", ["-10", "-5", "0", "5", "10"]),
        (3, 3, 5, "short", ["3"]),
    ],
)
def test_an_axis_has_round_places(
    page: Chromium, low: float, high: float, count: int, unit: str, texts: list[str]
) -> None:
    assert page.run(f"places({low}, {high}, {count}, '{unit}').map((one) => short(one, '{unit}'))") == texts


@pytest.mark.parametrize(
    ("value", "field", "told"),
    [
        (1, {"mappings": [{"type": "value", "options": {"1": {"text": "Up", "color": "green"}}}]}, ["Up", "green"]),
        (5, {"mappings": [mapped("range", **{"from": 0, "to": 9})]}, ["Named", None]),
        (None, {"mappings": [mapped("special", match="null")]}, ["Named", None]),
        (80, {"max": 200, "thresholds": {"mode": "percentage", "steps": STEPS}}, ["80", "red"]),
        (30, {"thresholds": {"steps": STEPS}}, ["30", "green"]),
    ],
)  # fmt: skip
def test_a_value_has_the_name_and_colour_of_its_field(
    page: Chromium, value: float | None, field: dict[str, Any], told: list[str | None]
) -> None:
    found = page.run(f"state({json.dumps(value)}, {json.dumps(field)})")
    assert [found["text"], found.get("color")] == told


def test_an_override_by_name_or_expression_wins(page: Chromium) -> None:
    def override(kind: str, options: str, key: str, value: object) -> dict[str, Any]:
        return {"matcher": {"id": kind, "options": options}, "properties": [{"id": key, "value": value}]}

    overrides = [
        override("byName", "a", "unit", "bytes"),
        override("byRegexp", "/^b/", "custom.fillOpacity", 9),
        override("byFrameRefID", "C", "displayName", "X"),
    ]
    panel = {"fieldConfig": {"defaults": {"unit": "s"}, "overrides": overrides}}
    each = "['a', 'bb', 'c'].map((name) => fieldOf(panel, { name, ref: name.toUpperCase() }))"
    found = page.run(f"((panel) => {each})({json.dumps(panel)})")
    assert [one["unit"] for one in found] == ["bytes", "s", "s"]
    assert found[1]["custom"] == {"fillOpacity": 9} and found[2]["displayName"] == "X"


@pytest.mark.parametrize("color", ["red;background:url(//x)", "<b>", 'x"y', "expression(1)}"])
def test_a_colour_is_a_colour_or_that_of_the_text(page: Chromium, color: str) -> None:
    assert page.run(f"paint({json.dumps(color)})") == "var(--text)"


def test_colours_of_grafana_are_known(page: Chromium) -> None:
    assert page.run("paint('dark-red')") == "#c4162a"
    assert page.run("paint('green')") == "var(--green, #73bf69)"
    assert page.run("paint('#12ab34')") == "#12ab34" and page.run("paint('rgb(1, 2, 3)')") == "rgb(1, 2, 3)"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("now", 1e6), ("now-90m", 1e6 - 5400), ("now-1h30m", 1e6 - 5400), ("1767225600000", 1767225600),
     ("1767225600", 1767225600), ("2026-01-01T00:00Z", 1767225600), ("yesterday", None), ("now-x", None)],
)  # fmt: skip
def test_a_moment_is_read_as_people_write_it(page: Chromium, text: str, seconds: float | None) -> None:
    assert (
        page.run(
            f"(() => {{ const at = momentOf({json.dumps(text)}, 1e6); return Number.isNaN(at) ? null : at; }})()"
        )
        == seconds
    )


def test_an_address_comes_back_as_it_was(page: Chromium) -> None:
    told = {
        "name": "a b/ü",
        "from": "now-6h",
        "to": "now",
        "variables": {"x": ["1", "a&b=c"], "y": ["$__all"]},
    }
    assert page.run(f"addressed(address({json.dumps(told)}))") == told


def test_a_line_breaks_where_values_are_missing(page: Chromium) -> None:
    assert page.run("pieces([0, 5, 10, 30, 35, 40], [1, 1, NaN, 1, 1, 1], 5)") == [[0, 1], [3, 4, 5]]
