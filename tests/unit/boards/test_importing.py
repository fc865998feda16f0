"""A dashboard in any form that Grafana gives away becomes a file that this stack's Grafana takes."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
import yaml

from stack.boards.board import Board, slug
from stack.boards.importing import imported
from stack.boards.model import panels, source_name
from stack.boards.reading import Refused
from stack.model.spec import ConfigFile
from stack.validation.provisioning import check_provisioning

PANEL = {
    "id": 1,
    "type": "timeseries",
    "title": "Up",
    "gridPos": {"x": 0, "y": 0, "w": 12, "h": 8},
    "datasource": {"type": "prometheus", "uid": "${DS_PROMETHEUS}"},
    "targets": [
        {"refId": "A", "expr": "up", "datasource": {"type": "prometheus", "uid": "${DS_PROMETHEUS}"}}
    ],
}
INPUT = {"name": "DS_PROMETHEUS", "label": "Prometheus", "type": "datasource", "pluginId": "prometheus"}
PLAIN = {"uid": "abc", "title": "Mine", "panels": [PANEL], "time": {"from": "now-6h", "to": "now"}}


def take(document: Any, **more: str) -> Board:
    """The board; held to what this stack's own validation asks of a file."""
    content = document if isinstance(document, bytes) else json.dumps(document).encode()
    board = imported(content, "file.json", **more)
    check_provisioning((ConfigFile("dashboards/x.json", board.text().encode()),))
    return board


def sources(board: Board) -> set[str]:
    """The uids of data sources that panels and queries name."""
    named = [one for panel in panels(board.model) for one in (panel, *panel.get("targets", []))]
    return {source_name(one["datasource"]) for one in named if one.get("datasource")}


@pytest.mark.parametrize(
    "document",
    [
        PLAIN,
        {"dashboard": PLAIN, "meta": {"slug": "mine"}},
        {"dashboard": PLAIN, "overwrite": True, "folderUid": "x", "inputs": []},
        {"json": PLAIN, "id": 1860, "revision": 3},
        {
            "apiVersion": "dashboard.grafana.app/v1beta1",
            "kind": "Dashboard",
            "metadata": {"name": "abc"},
            "spec": PLAIN,
        },
        {
            "apiVersion": "dashboard.grafana.app/v0alpha1",
            "kind": "Dashboard",
            "metadata": {"name": "abc"},
            "spec": {k: v for k, v in PLAIN.items() if k != "uid"},
        },
        {
            "kind": "GrafanaDashboard",
            "apiVersion": "grafana.integreatly.org/v1beta1",
            "spec": {"json": json.dumps(PLAIN)},
        },
        b"\xef\xbb\xbf" + json.dumps(PLAIN).encode(),
    ],
    ids=["plain", "api", "import", "catalogue", "v1", "v0", "operator", "byte order mark"],
)
def test_every_wrapping_is_taken_off(document: Any) -> None:
    board = take(document)
    assert (board.uid, board.title) == ("abc", "Mine")
    assert len(board.model["panels"]) == 1 and board.notes == ()


def test_inputs_of_an_export_become_the_data_source_variable() -> None:
    board = take({**PLAIN, "__inputs": [INPUT], "__requires": [], "__elements": {}, "id": 7, "version": 3})
    assert sources(board) == {"${datasource}"}
    (variable,) = board.model["templating"]["list"]
    assert (variable["name"], variable["type"], variable["query"]) == (
        "datasource",
        "datasource",
        "prometheus",
    )
    assert not {"__inputs", "__requires", "__elements", "id", "version"} & board.model.keys()


@pytest.mark.parametrize(
    "named",
    ["Prometheus", "default", None, {"uid": "P1809F7CD0C75ACF3"}, {"type": "prometheus", "uid": "x"}, {}],
)
def test_a_data_source_of_somebody_else_becomes_ours(named: Any) -> None:
    panel = {**PANEL, "datasource": named, "targets": [{"refId": "A", "expr": "up", "datasource": named}]}
    assert sources(take({**PLAIN, "panels": [panel]})) == {"${datasource}"}


def test_a_variable_for_the_data_source_is_kept_and_names_ours() -> None:
    variable = {
        "name": "ds",
        "type": "datasource",
        "query": "prometheus",
        "regex": "/prod-.*/",
        "current": {"value": "prod-1"},
    }
    panels_ = [
        {**PANEL, "datasource": "$ds", "targets": [{"refId": "A", "expr": "up"}]},
        {**PANEL, "datasource": "Thanos"},
    ]
    board = take({**PLAIN, "panels": panels_, "templating": {"list": [variable]}})
    assert sources(board) == {"${ds}"}
    (kept,) = board.model["templating"]["list"]
    assert (kept["current"]["value"], kept["regex"]) == ("prometheus", "")


def test_other_kinds_of_prometheus_are_asked_as_ours_and_other_sources_are_named() -> None:
    amazon = {
        **PANEL,
        "datasource": {"type": "grafana-amazonprometheus-datasource", "uid": "amp"},
        "targets": [{"expr": "up"}],
    }
    loki = {
        **PANEL,
        "title": "Logs",
        "datasource": {"type": "loki", "uid": "l"},
        "targets": [{"expr": "{a=~'.+'}"}],
    }
    logs = {"name": "DS_LOKI", "type": "datasource", "pluginId": "loki"}
    also = {**PANEL, "title": "More", "datasource": {"uid": "${DS_LOKI}"}, "targets": [{"expr": "{a=~'.+'}"}]}
    board = take({**PLAIN, "panels": [amazon, loki, also], "__inputs": [logs]})
    assert sources(board) == {"${datasource}", "l", "${DS_LOKI}"}
    assert board.notes == ("2 panels ask a loki data source, which is none of this stack: Logs, More",)
    assert {v["name"]: v["query"] for v in board.model["templating"]["list"]} == {
        "datasource": "prometheus",
        "DS_LOKI": "loki",
    }


@pytest.mark.parametrize("own", ["-- Grafana --", "-- Mixed --", "-- Dashboard --", "grafana"])
def test_grafanas_own_sources_stay(own: str) -> None:
    panel = {**PANEL, "datasource": {"type": "datasource", "uid": own}, "targets": [{"refId": "A"}]}
    assert sources(take({**PLAIN, "panels": [panel]})) == {own}


def test_queries_of_a_mixed_panel_name_theirs() -> None:
    targets = [
        {"refId": "A", "expr": "up"},
        {"refId": "B", "type": "math", "expression": "$A", "datasource": {"uid": "__expr__"}},
    ]
    panel = {**PANEL, "datasource": {"type": "datasource", "uid": "-- Mixed --"}, "targets": targets}
    assert sources(take({**PLAIN, "panels": [panel]})) == {"-- Mixed --", "${datasource}", "__expr__"}


def test_variables_and_annotations_ask_ours_too() -> None:
    variable = {
        "name": "job",
        "type": "query",
        "query": "label_values(up, job)",
        "datasource": "${DS_PROMETHEUS}",
    }
    annotation = {"name": "Alerts", "datasource": "Prometheus", "expr": "ALERTS"}
    built_in = {"builtIn": 1, "datasource": "-- Grafana --", "name": "Annotations & Alerts"}
    board = take(
        {
            **PLAIN,
            "__inputs": [INPUT],
            "templating": {"list": [variable]},
            "annotations": {"list": [built_in, annotation]},
        }
    )
    ours = {"type": "prometheus", "uid": "${datasource}"}
    assert board.model["templating"]["list"][1]["datasource"] == ours
    assert [one["datasource"] for one in board.model["annotations"]["list"]] == ["-- Grafana --", ours]


def test_constants_of_an_export_get_their_value() -> None:
    inputs = [
        {"name": "VAR_PREFIX", "type": "constant", "value": "app"},
        {"name": "VAR_NONE", "type": "constant"},
    ]
    panel = {**PANEL, "targets": [{"refId": "A", "expr": "${VAR_PREFIX}_up${VAR_NONE}"}]}
    board = take({**PLAIN, "panels": [panel], "__inputs": inputs})
    assert board.model["panels"][0]["targets"][0]["expr"] == "app_up"
    assert board.notes == ("the input VAR_NONE has no value in the file: it is empty",)


def test_library_panels_of_the_file_are_put_in_and_missing_ones_named() -> None:
    elements = {
        "lib1": {
            "kind": 1,
            "uid": "lib1",
            "name": "L",
            "model": {"type": "stat", "targets": PANEL["targets"]},
        }
    }
    shown = {"id": 4, "gridPos": PANEL["gridPos"], "libraryPanel": {"uid": "lib1", "name": "L"}}
    missing = {"id": 5, "gridPos": PANEL["gridPos"], "libraryPanel": {"uid": "lib2", "name": "Other"}}
    board = take({**PLAIN, "panels": [shown, missing], "__elements": elements})
    assert (board.model["panels"][0]["type"], board.model["panels"][0]["id"]) == ("stat", 4)
    assert "library panels are not in the file: Other" in board.notes[0]


def test_rows_of_old_files_become_a_grid() -> None:
    old = {"type": "graph", "span": 6, "targets": [{"expr": "up"}], "datasource": "Prometheus"}
    rows = [
        {
            "title": "First",
            "showTitle": True,
            "height": "250px",
            "panels": [{**old, "id": 1}, {**old, "id": 2}, {**old, "id": 3}],
        },
        {"title": "Closed", "collapse": True, "panels": [{**old, "id": 4}]},
    ]
    board = take({"title": "Old", "rows": rows, "schemaVersion": 12})
    shown = board.model["panels"]
    assert [(p["type"], p["gridPos"]["x"], p["gridPos"]["y"]) for p in shown] == [
        ("row", 0, 0), ("timeseries", 0, 1), ("timeseries", 12, 1), ("timeseries", 0, 9), ("row", 0, 17),
    ]  # fmt: skip
    assert [p["title"] for p in shown if p["type"] == "row"] == ["First", "Closed"]
    assert len(shown[-1]["panels"]) == 1 and shown[-1]["collapsed"]
    assert "4 graph panels became timeseries" in board.notes
    assert len({p["id"] for p in panels(board.model)}) == 6


def test_each_panel_gets_a_number_and_a_place_of_its_own() -> None:
    twins = [{**PANEL, "gridPos": None}, PANEL, {**PANEL, "id": None}]
    board = take({**PLAIN, "panels": twins})
    assert sorted(p["id"] for p in board.model["panels"]) == [1, 2, 3]
    assert all(p["gridPos"]["w"] for p in board.model["panels"])


@pytest.mark.parametrize(
    ("said", "more", "uid", "title"),
    [
        ({"uid": "", "title": " Müller & Söhne "}, {}, "muller-sohne", "Müller & Söhne"),
        ({"uid": None, "title": None}, {}, "file", "file"),
        ({"uid": "a" * 50}, {}, "a" * 40, "Mine"),
        ({"uid": "a/b c"}, {}, "a-b-c", "Mine"),
        ({}, {"uid": "other", "title": "Other"}, "other", "Other"),
    ],
)
def test_uid_and_title_are_what_grafana_takes(
    said: dict[str, Any], more: dict[str, str], uid: str, title: str
) -> None:
    board = take({**PLAIN, **said}, **more)
    assert (board.uid, board.title) == (uid, title)


@pytest.mark.parametrize(
    ("refresh", "kept"), [("1s", "5s"), ("30s", "30s"), (False, ""), (None, ""), ("auto", "auto"), ("x", "")]
)
def test_the_refresh_is_one_that_grafana_keeps(refresh: Any, kept: str) -> None:
    assert take({**PLAIN, "refresh": refresh}).model["refresh"] == kept


def test_a_time_that_is_over_becomes_the_last_hour() -> None:
    fixed = {"from": "2024-01-01T00:00:00.000Z", "to": "2024-01-02T00:00:00.000Z"}
    board = take({**PLAIN, "time": fixed})
    assert board.model["time"] == {"from": "now-1h", "to": "now"} and "its time was fixed" in board.notes[0]
    assert take({**PLAIN, "time": {"from": "now-2d/d", "to": "now-1d/d"}}).notes == ()


def test_names_without_a_type_are_known_by_what_they_are_asked() -> None:
    """As files from before Grafana 8.3 have them."""

    def asks(source: object, **target: str) -> dict[str, Any]:
        return {"type": "timeseries", "title": str(target), "datasource": source, "targets": [target]}

    board = take(
        {
            "title": "Old",
            "panels": [
                asks("Logs", expr='{app="x"} |= "e"'),
                asks("Logs", expr='count_over_time({app="x"}[5m])'),
                asks("Numbers", expr="up"),
                asks("Tables", rawSql="select 1"),
                asks({"uid": "Lines"}, measurement="cpu"),
            ],
        }
    )
    ours, loki = {"type": "prometheus", "uid": "${datasource}"}, {"type": "loki", "uid": "Logs"}
    found = [panel["datasource"] for panel in board.model["panels"]]
    assert found == [loki, loki, ours, "Tables", {"uid": "Lines"}]
    assert [note.partition(",")[0] for note in board.notes] == [
        "2 panels ask a loki data source",
        "1 panel asks a Tables data source",
        "1 panel asks a Lines data source",
    ]


YAML = """\
apiVersion: dashboard.grafana.app/v1
kind: Dashboard
metadata:
  name: shop
spec:
  title: 2024-01-01
  panels:
    - type: stat
      gridPos: {x: 0, "y": 0, w: 12, h: 8}
      fieldConfig: {defaults: {min: 0.5, max: 1e3, decimals: 2, custom: {on: off, no: true}}}
      targets:
        - expr: |
            up
"""


def test_a_resource_in_yaml_is_what_it_is_in_json() -> None:
    board = imported(YAML.encode(), "shop.yaml")
    assert (board.uid, board.title) == ("shop", "2024-01-01")
    (panel,) = board.model["panels"]
    assert panel["fieldConfig"]["defaults"] == {
        "min": 0.5, "max": 1000.0, "decimals": 2, "custom": {"on": "off", "no": True},
    }  # fmt: skip
    assert [target["expr"] for target in panel["targets"]] == ["up\n"]


@pytest.mark.parametrize("kind", ["ConfigMap", "ConfigMapList", "YAML", "a list"])
def test_the_one_dashboard_in_what_holds_several(kind: str) -> None:
    one = {"kind": "ConfigMap", "data": {"shop.json": json.dumps({"title": "Shop", "panels": []})}}
    made = {
        "ConfigMap": one,
        "YAML": one,
        "ConfigMapList": {"kind": "ConfigMapList", "items": [one]},
        "a list": [{"title": "Shop", "panels": []}],
    }[kind]
    text = yaml.safe_dump(made) if kind == "YAML" else json.dumps(made)
    assert imported(text.encode(), "f").title == "Shop"


def test_half_a_character_is_what_grafana_makes_of_it() -> None:
    board = imported(b'{"title": "a\\ud83d", "panels": []}', "f")
    assert (board.title, board.text().encode().decode()) == ("a\ufffd", board.text())


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"<!DOCTYPE html><html>", "a web page, no JSON: download the file itself (raw)"),
        (b'{"a": }', "file.json:1:7: no JSON"),
        (b"\xff\xfe{", "not UTF-8"),
        (b"[]", "a list, no dashboard"),
        (b"3", "it has no list of panels"),
        (b"{}", "it has no list of panels: in Grafana: Export"),
        (b'{"panels": {}}', "it has no list of panels"),
        (b'{"kind": "ConfigMap", "data": {"x": "-"}}', "a resource ConfigMap"),
        (b'{"kind": "ConfigMap", "data": {"x.json": "{}"}}', "file.json, x.json: no dashboard"),
        (
            b'{"kind": "ConfigMap", "data": {"x": "{}", "y": "{}"}}',
            "2 dashboards in one file: x, y: give the JSON",
        ),
        (
            b'{"kind": "ConfigMapList", "items": [{"kind": "ConfigMap", "data": {"x": "{}"}},'
            b' {"kind": "ConfigMap", "metadata": {"name": "m"}, "data": {"x": "{}"}}]}',
            "2 dashboards in one file: 1/x, m/x: give the JSON",
        ),
        (b"kind: ConfigMap\ndata:\n  a: |\n    {\n  b: [\n", "file.json:6: no YAML: did not find"),
        (b" \n", "an empty file"),
        (b'{"panels":\n[{"min": NaN}]}', "file.json:2: no JSON: NaN is no number of JSON"),
        (b'{"panels": [{"max": 1e999}]}', "file.json:1: no JSON: 1e999 is no number of JSON"),
        (b'{"panels": [{"max": %s}]}' % (b"9" * 5000), "no JSON: 99999999999999999999... is no number"),
        (b'{"kind": "GrafanaDashboard", "spec": {"url": "http://x"}}', "only says where its dashboard is"),
        (b'{"kind": "Folder", "apiVersion": "folder.grafana.app/v1"}', "a resource Folder"),
        (b'{"groups": []}', "alert rules"),
        (b'{"name": "P", "url": "http://p", "access": "proxy"}', "a data source"),
        (b'{"uid": "l", "kind": 1, "model": {"type": "stat"}}', "a library panel"),
        (b'{"kind": "Dashboard", "metadata": {}, "spec": {"panels": {}}}', "a dashboard of Perses"),
        (b"[" * 100_000, "no JSON: nested too deep"),
    ],
    ids=lambda value: value[:24] if isinstance(value, bytes) else "",
)
def test_what_is_no_dashboard_is_refused_with_what_it_is(content: bytes, says: str) -> None:
    with pytest.raises(Refused) as caught:
        imported(content, "file.json")
    assert says in str(caught.value)


def test_the_file_that_was_read_is_not_changed() -> None:
    before = json.dumps(PLAIN)
    take(PLAIN)
    assert json.dumps(PLAIN) == before


@pytest.mark.parametrize(
    ("text", "name"), [("A b", "a-b"), ("", "dashboard"), ("---", "dashboard"), ("x" * 60, "x" * 40)]
)
def test_a_slug_is_a_uid(text: str, name: str) -> None:
    assert slug(text) == name


@pytest.mark.parametrize(
    ("panel", "said"),
    [
        ({"type": "grafana-polystat-panel"}, "a plug-in that Grafana does not bring"),
        (
            {"type": "natel-discrete-panel"},
            "which Grafana does not load any more: state-timeline shows the same",
        ),
        ({"type": "xychart"}, ""),
        ({"type": "nodeGraph"}, ""),
    ],
)
def test_a_kind_of_panel_that_grafana_does_not_have_is_named(panel: dict[str, Any], said: str) -> None:
    notes = take({**PLAIN, "panels": [{**PANEL, **panel}]}).notes
    assert said in notes[0] if said else notes == ()


def test_a_compressed_file_is_told() -> None:
    with pytest.raises(Refused, match=r"it is compressed \(gzip\)"):
        imported(gzip.compress(json.dumps(PLAIN).encode()), "f.json")
