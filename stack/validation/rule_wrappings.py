"""In what rules come wrapped, and what is taken for rules and is something else. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

import yaml
from msgspec import Struct
from msgspec.structs import replace

from stack.common import yaml_edit as edit
from stack.common.yaml_bounds import LOADER, bounded

OPERATORS = ("PrometheusRule", "VMRule", "Rules", "ClusterRules", "GlobalRules", "AlertingRule")
"""Kinds whose ``spec`` is a rule file: of the Prometheus operator, VictoriaMetrics', Google's and OpenShift's."""
OLD_FORMAT = re.compile(r"^\s*ALERT\s+\w+\s*$[\s\S]*^\s*IF\s", re.MULTILINE)
OLD = ("the rule format of Prometheus 1", "promtool update rules of Prometheus 2 makes YAML of it")
THANOS = "partial_response_strategy"
"""A key that the operator leaves out for Prometheus."""
OTHER_RULERS = {
    **dict.fromkeys(("source_tenants", "align_evaluation_time_on_interval", "evaluation_delay"), "Mimir"),
    THANOS: "Thanos",
    **dict.fromkeys(
        ("type", "concurrency", "params", "headers", "notifier_headers", "eval_offset"), "VictoriaMetrics"
    ),
    **dict.fromkeys(("eval_delay", "eval_alignment", "tenant", "debug"), "VictoriaMetrics"),
}
"""Keys of a group that Prometheus does not have, and whose ruler has them."""
DEPTH = 5
MIXIN = ("prometheusAlerts", "prometheusRules")
GRAFANA = {"folder", "orgId"}
FOREIGN = (
    ({"scrape_configs"}, "a scrape configuration", "put it into own/prometheus/scrape/"),
    (
        {"route", "receivers"},
        "a configuration of Alertmanager",
        "put it into own/alertmanager/alertmanager.yml",
    ),
    ({"panels"}, "a dashboard of Grafana", "put it into own/grafana/dashboards/"),
    ({"dashboard"}, "a dashboard of Grafana", "put it into own/grafana/dashboards/"),
    ({"tests", "rule_files"}, "a test for promtool", "give the files that it names under rule_files"),
    ({"rule_files"}, "Prometheus' main file", "give the files that it names under rule_files"),
    ({"status", "data"}, "an answer of Prometheus' API, not a file", "give the file that the rules stand in"),
    ({"alert", "expr"}, "a rule without a group", "put it under groups: [{name: NAME, rules: [...]}]"),
    ({"record", "expr"}, "a rule without a group", "put it under groups: [{name: NAME, rules: [...]}]"),
    ({"rules"}, "rules without a group", "put it under groups: [{name: NAME, rules: [...]}]"),
)


class Body(Struct, frozen=True):
    """A list of groups, and what it was wrapped in. ``text``: the text that it stands in, where that is inside another.

    ``above``: lines of the file above that text. ``at``: the one line that it begins on, where its own are not the
    file's: a text in quotes.
    """

    groups: yaml.SequenceNode
    wrapping: str = ""
    text: str | None = None
    above: int = 0
    at: int = 0

    def line(self, number: int) -> int:
        """The line of the user's file, from 1, of line ``number``, from 0, of what the groups stand in."""
        return self.at or number + 1 + self.above


def bodies(document: yaml.Node) -> Iterator[Body]:
    """The lists of groups in a document."""
    if isinstance(document, yaml.SequenceNode):
        if _are_groups(document):
            yield Body(document, "a list of groups")
        return
    kind = edit.text_of(edit.member(document, "kind"))
    yield from _of_kind(document, kind) if kind else _plain(document)


def _of_kind(document: yaml.Node, kind: str) -> Iterator[Body]:
    """What Kubernetes knows it as."""
    if kind.endswith("List"):
        for item in edit.items(edit.member(document, "items")):
            yield from bodies(item)
    elif kind == "ConfigMap":
        yield from _of_config_map(edit.member(document, "data"))
    elif kind in OPERATORS:
        inner = edit.member(edit.member(document, "spec"), "groups")
        if isinstance(inner, yaml.SequenceNode):
            yield Body(inner, kind)


def _plain(document: yaml.Node) -> Iterator[Body]:
    """Prometheus' own, that of Mimir and Loki's tools with a namespace, and what a mixin yields."""
    keys, groups = edit.keys(document), edit.member(document, "groups")
    if isinstance(groups, yaml.SequenceNode):
        if not _of_grafana(document):
            yield Body(groups, "namespace" if keys == {"namespace", "groups"} else "")
    elif keys & {*MIXIN}:
        for name in MIXIN:
            if (part := edit.member(document, name)) is not None:
                yield from (Body(body.groups, "mixin") for body in bodies(part))
    elif isinstance(document, yaml.MappingNode) and document.value:
        found = [value for _, value in document.value]
        if all(isinstance(one, yaml.SequenceNode) and _are_groups(one) for one in found):
            yield from (Body(one, "namespace") for one in found)


def _of_config_map(data: yaml.Node | None) -> Iterator[Body]:
    for _, value in data.value if isinstance(data, yaml.MappingNode) else ():
        if not isinstance(value, yaml.ScalarNode) or "groups" not in value.value:
            continue
        line = int(value.start_mark.line) + 1
        whole = Body(edit.EMPTY, "ConfigMap", value.value, line, 0 if value.style == "|" else line)
        for body in bodies(_inside(whole)):
            yield replace(whole, groups=body.groups)


def _inside(body: Body) -> yaml.Node:
    """The document in a text; what is wrong with it is said with the line of the file."""
    try:
        return yaml.compose(bounded(body.text or ""), Loader=LOADER) or edit.EMPTY
    except yaml.MarkedYAMLError as error:
        if mark := error.problem_mark:
            mark = yaml.Mark(mark.name, mark.index, body.line(mark.line) - 1, mark.column, None, 0)
        raise yaml.MarkedYAMLError(problem=error.problem, problem_mark=mark) from error


def _are_groups(node: yaml.SequenceNode) -> bool:
    found = edit.items(node)
    return bool(found) and all({"name", "rules"} <= edit.keys(group) for group in found)


def _of_grafana(document: yaml.Node) -> bool:
    groups = edit.items(edit.member(document, "groups"))
    return any(GRAFANA & edit.keys(group) for group in groups)


def foreign(document: yaml.Node) -> tuple[str, str] | None:
    """What a document without rules is, and what to do with it; None where nobody knows."""
    keys, kind = edit.keys(document), edit.text_of(edit.member(document, "kind"))
    if _of_grafana(document):
        return (
            "rules of Grafana's own alerting",
            "Grafana evaluates them: put it into grafana/provisioning/alerting/",
        )
    if kind == "ConfigMap" and any(OLD_FORMAT.search(text) for text in _texts(document)):
        return OLD
    if kind:
        return _object(kind)
    if isinstance(document, yaml.SequenceNode):
        first = document.value[0] if document.value else None
        return foreign(first) if isinstance(first, yaml.MappingNode) else None
    if found := next(((what, hint) for wanted, what, hint in FOREIGN if wanted <= keys), None):
        return found
    deeper = next(_deeper(document, ()), "")
    return (
        (f"its groups stand under {deeper}", "give a file with what stands there alone") if deeper else None
    )


def _object(kind: str) -> tuple[str, str]:
    """An object of Kubernetes in which no rules were found."""
    if kind in ("Dashboard", "GrafanaDashboard"):
        return "a dashboard of Grafana", "dashboard add FILE takes it"
    hint = "give the PrometheusRule, or the file that its groups stand in"
    if kind in OPERATORS:
        hint = "they stand under spec: groups: [{name: NAME, rules: [...]}]"
    return f"{'an' if kind[0] in 'AEIOU' else 'a'} {kind} without rules", hint


def _deeper(node: yaml.Node, keys: tuple[str, ...]) -> Iterator[str]:
    """Keys below which there are groups, as in the values of a Helm chart."""
    for key, value in node.value if isinstance(node, yaml.MappingNode) and len(keys) < DEPTH else ():
        if isinstance(value, yaml.SequenceNode) and _are_groups(value):
            yield ".".join(keys)
        yield from _deeper(value, (*keys, str(key.value)))


def _texts(document: yaml.Node) -> Iterator[str]:
    data = edit.member(document, "data")
    yield from (
        edit.text_of(value) for _, value in (data.value if isinstance(data, yaml.MappingNode) else ())
    )


def of_thanos(body: Body) -> set[int]:
    """The lines, from 0, on which groups of an operator say what is for Thanos alone; it is taken out of the nodes."""
    lines: set[int] = set()
    for group in edit.items(body.groups) if body.wrapping in OPERATORS else ():
        for key, value in group.value:
            if key.value == THANOS and key.start_mark.line != group.start_mark.line:
                lines |= {*range(key.start_mark.line, value.end_mark.line + 1)}
        group.value = [pair for pair in group.value if pair[0].value != THANOS]
    return lines


def of_other_rulers(body: Body) -> Iterator[tuple[yaml.Node, str]]:
    """The keys of groups that only the ruler of another product reads, and that product."""
    for group in edit.items(body.groups):
        for key, _ in group.value if isinstance(group, yaml.MappingNode) else ():
            if (whose := OTHER_RULERS.get(str(key.value))) and not (
                key.value == THANOS and body.wrapping in OPERATORS
            ):
                yield key, whose
