"""The rules that cloudflare/pint and kube-prometheus hold alerting rules to, as far as they need no server."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml

from stack.components.exporters.kinds import KINDS
from stack.dashboards.promql import KNOWN
from stack.telemetry.catalogue import BY_NAME
from tests.promql_nodes import COUNTING, calls_above, kinds, matchers, metrics, nodes, parse, selectors

ROOT = Path(__file__).resolve().parents[3]
GENERATED = "stack-digest.yml"
FILES = sorted(path for path in (ROOT / "prometheus/rules").rglob("*.yml") if path.name != GENERATED)
COMPONENTS = (
    *("prometheus", "alertmanager", "grafana", "node_exporter", "app", "blackbox"),
    *(kind.name for kind in KINDS),
)
SCRAPE = timedelta(seconds=5)
COMPARING = frozenset({"==", "!=", ">", "<", ">=", "<="})
SERIES_COUNTS = frozenset({"count", "group"})


def loaded(path: Path) -> list[dict[str, Any]]:
    groups: list[dict[str, Any]] = yaml.safe_load(path.read_text("utf-8"))["groups"]
    return groups


def kept(aggregation: Any) -> list[str]:
    """The labels that an aggregation keeps."""
    return sorted(aggregation.modifier.labels) if aggregation.modifier else []


GROUPS = [(path, group) for path in FILES for group in loaded(path)]
RULES = [rule for _, group in GROUPS for rule in group["rules"]]
ALERTS = [rule for rule in RULES if "alert" in rule]
RECORDS = [rule for rule in RULES if "record" in rule]
EACH = pytest.mark.parametrize("rule", RULES, ids=[rule.get("alert") or rule["record"] for rule in RULES])
EACH_ALERT = pytest.mark.parametrize("rule", ALERTS, ids=[rule["alert"] for rule in ALERTS])
GATE_ALERTS = {
    "GateHighRejectionRate": ("2m", "warning"),
    "URLGateHighHostDenials": ("5m", "critical"),
    "ExtractionGateZipBombDetection": ("1m", "critical"),
    "FilesystemGateTraversalDetection": ("1m", "critical"),
    "GateLatencyHigh": ("5m", "warning"),
    "GateUnavailable": ("2m", "critical"),
    "DBBoundaryViolationAttempt": ("0m", "critical"),
    "StorageGateFailures": ("1m", "warning"),
}
OTHER_ALERTS = {
    *("GateErrorBudgetBurnFast", "GateErrorBudgetBurnSlow"),
    *(
        "ToolErrorRateHigh",
        "ToolLatencyHigh",
        "ToolTimeouts",
        "MemorySubstrateUnhealthy",
        "MemoryWriteErrors",
    ),
    *("Watchdog", "TargetDown", "PrometheusConfigReloadFailed", "PrometheusRuleFailures"),
    *("PrometheusNotificationsDropped", "PrometheusStorageNearLimit"),
    *("AlertmanagerConfigReloadFailed", "AlertmanagerNotificationsFailing", "GrafanaDown"),
    *("HostDiskWillFill", "HostMemoryLow", "HostClockSkew"),
    *("RemoteWriteFailing", "RemoteWriteBehind"),
    *("ProbeFailed", "ProbeSlow", "CertificateExpiresSoon"),
    *("PostgresDown", "PostgresConnectionsNearLimit", "PostgresDeadlocks", "PostgresLongTransaction"),
    *("RedisDown", "RedisMemoryNearLimit", "RedisConnectionsRefused", "RedisSaveFailed"),
    *("MySQLDown", "MySQLConnectionsNearLimit", "MySQLSlowQueries", "MySQLConnectionsFailing"),
    *("NginxDown", "NginxConnectionsDropped"),
    *(
        "MemcachedDown",
        "MemcachedConnectionsNearLimit",
        "MemcachedConnectionsRefused",
        "MemcachedOutOfMemory",
    ),
    *("HAProxyDown", "HAProxyBackendDown", "HAProxyServerDown", "HAProxyErrors"),
    *("ProcessesGone", "ProcessesRestarting", "ProcessesZombies"),
}


def test_the_gate_alerts_are_the_promised_ones() -> None:
    (group,) = [group for _, group in GROUPS if group["name"] == "gate_security_alerts"]
    found = {r["alert"]: (r.get("for", "0m"), r["labels"]["severity"]) for r in group["rules"]}
    assert group["interval"] == "30s"
    assert found == GATE_ALERTS


def test_the_other_alerts_are_the_promised_ones() -> None:
    assert {rule["alert"] for rule in ALERTS} - set(GATE_ALERTS) == OTHER_ALERTS


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_a_file_begins_with_its_component(path: Path) -> None:
    assert path.stem.startswith(COMPONENTS)


def test_names_of_groups_and_rules_are_unique() -> None:
    names = [group["name"] for _, group in GROUPS]
    assert len(set(names)) == len(names)
    named = [rule.get("alert") or rule["record"] for rule in RULES]
    assert len(set(named)) == len(named)


def test_group_intervals_leave_no_gap() -> None:
    """group/interval: a group is evaluated at least each 5 minutes; ours far within, the Watchdog's the soonest."""
    intervals = {group["name"]: group.get("interval", "15s") for _, group in GROUPS}
    assert set(intervals.values()) == {"5s", "15s", "30s"}
    assert [name for name, interval in intervals.items() if interval == "5s"] == ["stack_watchdog"]


@pytest.mark.parametrize("rule", RECORDS, ids=[rule["record"] for rule in RECORDS])
def test_record_is_called_level_metric_operation(rule: dict[str, Any]) -> None:
    level, metric, operation = rule["record"].split(":")
    assert all((level, metric, operation))
    for node, _ in kinds(parse(rule["expr"]), promql_parser.AggregateExpr):
        assert {"job", "instance"} <= set(kept(node)), "a level that starts with instance keeps both"


@EACH
def test_metrics_exist(rule: dict[str, Any]) -> None:
    """promql/series and rule/dependency: the catalogue, a product or another rule has every name."""
    assert metrics(rule["expr"]) <= KNOWN | {record["record"] for record in RECORDS}


@EACH
def test_label_values_exist(rule: dict[str, Any]) -> None:
    for selector, _ in selectors(rule["expr"]):
        name = selector.name.removesuffix("_bucket")
        for label, (operator, value) in matchers(selector).items():
            allowed = BY_NAME[name].values.get(label) if name in BY_NAME else None
            if allowed and "=" in operator and "~" not in operator:
                assert value in allowed, f"{selector}: no {label} is called {value}"


@EACH
def test_ranges_hold_enough_samples(rule: dict[str, Any]) -> None:
    """promql/rate: at least two scrapes; four, so that a missed one leaves no gap."""
    for matrix, _ in kinds(parse(rule["expr"]), promql_parser.MatrixSelector):
        assert matrix.range >= 4 * SCRAPE


@EACH
def test_counters_are_counted(rule: dict[str, Any]) -> None:
    """promql/counter: a counter's raw value says nothing; whether its series exists may be asked."""
    for selector, parents in selectors(rule["expr"]):
        if selector.name.endswith(("_total", "_bucket")):
            around = calls_above(parents)[-1:]
            counted = any(str(parent.op) in SERIES_COUNTS for parent in parents if hasattr(parent, "param"))
            assert counted or around[0] in COUNTING | {"absent"}, str(selector)


@EACH
def test_regular_expressions_are_needed(rule: dict[str, Any]) -> None:
    """promql/regexp: a pattern that is a plain word should be =, one that matches everything should go."""
    for selector, _ in selectors(rule["expr"]):
        for operator, value in matchers(selector).values():
            if "~" in operator:
                assert set(value) & set("|.*+[("), str(selector)
                assert value not in {".*", ""}


@EACH
def test_no_division_inside_an_aggregation(rule: dict[str, Any]) -> None:
    """promql/nan: 0/0 inside a sum makes the whole sum NaN."""
    for node, parents in kinds(parse(rule["expr"]), promql_parser.BinaryExpr):
        if str(node.op) == "/":
            assert not [parent for parent in parents if isinstance(parent, promql_parser.AggregateExpr)]


@EACH
def test_both_sides_of_a_ratio_are_aggregated_alike(rule: dict[str, Any]) -> None:
    for node, _ in kinds(parse(rule["expr"]), promql_parser.BinaryExpr):
        sides = [side for side in (node.lhs, node.rhs) if isinstance(side, promql_parser.AggregateExpr)]
        if str(node.op) == "/" and len(sides) == 2:
            assert kept(sides[0]) == kept(sides[1])


@EACH_ALERT
def test_alert_compares(rule: dict[str, Any]) -> None:
    """alerts/comparison; Watchdog fires always, on purpose."""
    found = [str(n.op) for n, _ in kinds(parse(rule["expr"]), promql_parser.BinaryExpr)]
    assert set(found) & COMPARING or rule["alert"] == "Watchdog"


@EACH_ALERT
def test_alert_is_not_fragile(rule: dict[str, Any]) -> None:
    """promql/fragile: a ranking changes its members, and so its alerts."""
    aggregations = {str(n.op) for n, _ in nodes(parse(rule["expr"])) if hasattr(n, "param")}
    assert not aggregations & {"topk", "bottomk", "limitk"}


@EACH_ALERT
def test_alert_waits_only_when_it_says_so(rule: dict[str, Any]) -> None:
    """alerts/for: a duration of 0 is the default and is left out."""
    assert rule.get("for") not in {"0", "0s", "0m"}


@EACH_ALERT
def test_absent_waits_for_two_scrapes(rule: dict[str, Any]) -> None:
    """alerts/absent."""
    if "absent(" in rule["expr"]:
        assert rule["for"] == "2m"


@EACH_ALERT
def test_labels(rule: dict[str, Any]) -> None:
    """rule/label and alerts/template: bounded values, and none taken from the query's value."""
    assert set(rule["labels"]) == {"severity", "component"}
    assert rule["labels"]["severity"] in {"critical", "warning", "none"}
    assert (rule["labels"]["severity"] == "none") == (rule["alert"] == "Watchdog")
    component = rule["labels"]["component"]
    assert component in COMPONENTS or "$labels.job" in component
    assert "$value" not in component


@EACH_ALERT
def test_annotations(rule: dict[str, Any]) -> None:
    """alerts/annotation: the value in the description, never in the summary, which stays the same."""
    notes = rule["annotations"]
    assert set(notes) == {"summary", "description", "dashboard", "runbook_url"}
    assert "{{" not in notes["summary"]
    assert "$value" in notes["description"]
    assert notes["runbook_url"] == f"{{{{ $externalURL }}}}/user/runbooks/{rule['alert']}.html"


@EACH_ALERT
def test_links_lead_somewhere(rule: dict[str, Any]) -> None:
    """rule/link: the runbook and the dashboard are files of ours."""
    assert (ROOT / f"prometheus/user/runbooks/{rule['alert']}.html").is_file()
    uid = rule["annotations"]["dashboard"].removeprefix("/d/")
    folders = ("dashboards", "optional")
    assert any((ROOT / f"grafana/{folder}/{uid}.json").is_file() for folder in folders)


@EACH_ALERT
def test_alert_has_a_firing_and_a_silent_case(rule: dict[str, Any]) -> None:
    (path,) = [path for path, group in GROUPS if rule in group["rules"]]
    cases = yaml.safe_load((ROOT / f"prometheus/tests/{path.name}").read_text("utf-8"))["tests"]
    expected = [
        bool(test["exp_alerts"])
        for case in cases
        for test in case["alert_rule_test"]
        if test["alertname"] == rule["alert"]
    ]
    assert set(expected) == ({True} if rule["alert"] == "Watchdog" else {True, False})
