"""Rule files as people have them: taken as they are, taken out of their wrapping, or named as something else."""

from __future__ import annotations

import gzip
import json

import pytest
import yaml

from stack.common.errors import ConfigurationInvalid
from stack.validation.rule_files import RuleFile, understood

PLAIN = """\
# mine
groups:
- name: a   # of mine
  rules:
  # why
  - record: x:y
    expr: sum(up)
"""
OPERATOR = """\
# licence
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: shop
spec:
  groups:
    # first
    - name: a
      rules:
      - alert: A
        # why
        expr: |
          up
            == 0
        annotations:
          text: |
            one

            two
    - name: b
      rules: [{record: "x:y", expr: sum(up)}]
    # last
  other: 1
"""
GROUP = "- name: a\n  rules:\n  - {record: 'x:y', expr: sum(up)}\n"
GROUPS = [{"name": "a", "rules": [{"record": "x:y", "expr": "sum(up)"}]}]


def made(text: str) -> RuleFile:
    return understood(text.encode(), "f.yml")


def groups_in(found: RuleFile) -> list[dict[str, object]]:
    return list(next(yaml.safe_load_all(found.content))["groups"])


@pytest.mark.parametrize(
    "text", [PLAIN, PLAIN.replace("\n", "\r\n"), json.dumps({"groups": GROUPS}), f"---\n{PLAIN}"]
)
def test_prometheus_own_format_stays_to_the_byte(text: str) -> None:
    found = made(text)
    assert (found.content, found.wrapping, found.line(5)) == (text, "", 5)
    assert found.groups == ("a",)
    assert understood(b"\xef\xbb\xbf" + text.encode(), "f.yml").content == text


def test_what_is_wrapped_is_taken_out_with_its_comments_and_lines() -> None:
    found = made(OPERATOR)
    assert found.content.startswith("groups:\n# first\n- name: a\n  rules:\n  - alert: A\n    # why\n")
    assert found.content.endswith("# last\n") and "other" not in found.content
    assert groups_in(found) == yaml.safe_load(OPERATOR)["spec"]["groups"]
    theirs = OPERATOR.splitlines()
    for number, line in enumerate(found.content.splitlines()[1:], 2):
        assert theirs[found.line(number) - 1].strip() == line.strip()
    assert (found.wrapping, found.groups) == ("PrometheusRule", ("a", "b"))
    assert found.rules == (("a", 1, 11), ("b", 1, 22))


AS_LIST = json.dumps(
    {"kind": "List", "items": [{"kind": "PrometheusRule", "spec": {"groups": GROUPS}}, {"kind": "Pod"}]}
)
MAP = """\
kind: ConfigMap
data:
  other.txt: hello
  shop.rules: |
    groups:
    - name: a
      rules:
      - record: x:y
        expr: sum(up)
"""


@pytest.mark.parametrize(
    ("text", "wrapping"),
    [
        (AS_LIST, "PrometheusRule"),
        (
            json.dumps(
                {"kind": "PrometheusRuleList", "items": [{"kind": "VMRule", "spec": {"groups": GROUPS}}]}
            ),
            "VMRule",
        ),
        (f"namespace: shop\n{PLAIN}", "namespace"),
        (f"{PLAIN}namespace: shop\n", "namespace"),
        (json.dumps({"shop": GROUPS}), "namespace"),
        (json.dumps(GROUPS), "a list of groups"),
        (json.dumps({"prometheusAlerts": {"groups": GROUPS}}), "mixin"),
        (MAP, "ConfigMap"),
        (f"{PLAIN}---\n", ""),
        (f"kind: Service\n---\n{PLAIN}", "documents"),
    ],
)
def test_every_usual_wrapping_is_known(text: str, wrapping: str) -> None:
    found = made(text)
    assert (groups_in(found), found.wrapping) == (GROUPS, wrapping)
    (rule,) = found.rules
    line = text.splitlines()[rule[2] - 1]
    assert "x:y" in line


def test_several_documents_become_one_file() -> None:
    found = made(f"{OPERATOR}---\n{OPERATOR.replace('name: a', 'name: c').replace('name: b', 'name: d')}")
    assert found.groups == ("a", "b", "c", "d")
    assert groups_in(found)[3]["name"] == "d"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "f.yml: no rules in it: it needs groups:"),
        ("groups: []\n", "f.yml: no rules in it"),
        ("groups:\n- name: a\n", "f.yml: no rules in it"),
        ("hello\n", "f.yml: no rules in it"),
        (
            f"{PLAIN}- name: a\n  rules: []\n",
            "f.yml:8: group a is there already, in line 3: name one of them",
        ),
        (
            "groups:\n\t- name: a\n",
            "f.yml:2: found character that cannot start any token: spaces indent YAML",
        ),
        ("groups: [\n", "f.yml:2: "),
        ("{{- if .Values.rules }}\ngroups:\n", "f.yml:1: a template of Helm: render it first: helm template"),
        (
            OPERATOR.replace("name: a", 'name: "{{ .Release.Name }}"'),
            "f.yml:9: a template of Helm: render it first: helm template",
        ),
        (
            "groups:\n- name: a\n  source_tenants: [x]\n  rules: [{record: a, expr: up}]\n",
            "f.yml:3: source_tenants is for the ruler of Mimir, Prometheus does not know it: take that line out",
        ),
        (
            "groups:\n- name: a\n  partial_response_strategy: warn\n  rules: [{record: a, expr: up}]\n",
            "f.yml:3: partial_response_strategy is for the ruler of Thanos",
        ),
        (
            "groups:\n- name: a\n  type: graphite\n  rules: [{record: a, expr: up}]\n",
            "f.yml:3: type is for the ruler of VictoriaMetrics",
        ),
        (
            "ALERT Down\n  IF up == 0\n  FOR 5m\n",
            "f.yml: the rule format of Prometheus 1: promtool update rules",
        ),
        ("scrape_configs: []\n", "f.yml: a scrape configuration: put it into own/prometheus/scrape/"),
        ("route: {}\nreceivers: []\n", "f.yml: a configuration of Alertmanager"),
        ('{"panels": [], "title": "x"}', "f.yml: a dashboard of Grafana"),
        ("rule_files: [x]\ntests: []\n", "f.yml: a test for promtool"),
        ("alert: A\nexpr: up\n", "f.yml: a rule without a group: put it under groups:"),
        ("- alert: A\n  expr: up\n", "f.yml: a rule without a group"),
        ("kind: Deployment\n", "f.yml: a Deployment without rules"),
        ("kind: PrometheusRule\nspec: {}\n", "f.yml: a PrometheusRule without rules"),
        ('{"status": "success", "data": {"groups": []}}', "f.yml: an answer of Prometheus' API, not a file"),
        (
            "apiVersion: 1\ngroups:\n- orgId: 1\n  name: a\n  folder: b\n  rules: []\n",
            "f.yml: rules of Grafana's own alerting",
        ),
        (
            PLAIN.replace("sum(up)", "sum(rate(x[$__rate_interval]))"),
            "f.yml:7: $__rate_interval is a variable of Grafana",
        ),
        (
            PLAIN.replace("sum(up)", "'sum(up{job=\"[[job]]\"}) > [[limit]]'"),
            "f.yml:7: [[limit]] is a variable",
        ),
        (PLAIN.replace("sum(up)", '\'sum(rate({a="b"} |= "c" [5m]))\''), "f.yml:7: a query of Loki (LogQL)"),
        (PLAIN.replace("sum(up)", "'rate({a=\"b\"} | json [5m])'"), "f.yml:7: a query of Loki (LogQL)"),
        (
            PLAIN.replace("sum(up)", "{job=x}"),
            "f.yml:7: expr is no text: a value that begins with { or [ needs quotes",
        ),
        (
            f"{PLAIN}    labels: {{a: {{{{$value}}}}}}\n",
            "f.yml:8: labels a is no text: a value that begins with {",
        ),
        (
            f"{PLAIN}    for: 30\n",
            "f.yml:8: for: 30 is no duration: a whole number with ms, s, m, h, d, w or y",
        ),
        (f"{PLAIN}    keep_firing_for: -5m\n", "f.yml:8: keep_firing_for: -5m is no duration"),
        (f"{PLAIN}  interval: 1.5h\n", "f.yml:8: interval: 1.5h is no duration"),
        (
            f"{PLAIN}    annotations:\n      a: b: c\n",
            "f.yml:9: mapping values are not allowed in this context: a text with a colon and a blank needs quotes",
        ),
        (
            f" {PLAIN.removeprefix('# mine')[1:]}",
            "f.yml:2: did not find expected <document start>: is a line before it",
        ),
        (
            'kind: ConfigMap\ndata:\n  a.rule: "ALERT x\\n\\tIF up == 0\\n"\n',
            "f.yml: the rule format of Prometheus 1: promtool update rules",
        ),
        (
            f"groups:\n-\n{GROUP}".replace("name: a", "nome: a"),
            "f.yml:3: a group without a name: give it one",
        ),
        ("groups:\n- a\n- b\n", "f.yml:2: a group is no mapping: groups:"),
        (f"groups:\n{GROUP}  - x\n", "f.yml:5: a rule is no mapping: groups:"),
        (f"groups:\n{GROUP}".replace("name: a", "name: {{ x }}"), "f.yml:2: name is no text: a value"),
        (f"{PLAIN}    labels:\n      a: {{{{ x }}}} y\n", "f.yml:9: did not find expected key: a value that"),
        ("{\n  local a = 1,\n  x: |||\n|||\n}", "f.yml:3: Jsonnet, the source of rules: render it"),
        (
            PLAIN.replace("sum(up)", '{job="x"} == 0'),
            "f.yml:7: did not find expected key: a value that begins",
        ),
        (PLAIN.replace("    expr", "\texpr"), "f.yml:7: found a tab character"),
        (PLAIN.replace("sum(up)", "up\x07"), "f.yml:7: unacceptable character #x0007: control characters"),
        ("[" * 5000 + "]" * 5000, "f.yml:1: nested too deep: correct the YAML"),
        ("kind: Dashboard\n", "f.yml: a dashboard of Grafana: dashboard add FILE takes it"),
        ("<!DOCTYPE html>\n<p>", "f.yml: a web page, no rules: download the file itself (raw)"),
        ("{ prometheusAlerts+:: { groups+: [] } }", "f.yml: Jsonnet, the source of rules: render it"),
        (
            "serverFiles:\n  alerts.yml:\n    groups:\n    - {name: a, rules: [{record: x, expr: up}]}\n",
            "f.yml: its groups stand under serverFiles.alerts.yml: give a file",
        ),
        (
            "kind: ConfigMap\ndata:\n  a: |\n    groups:\n    - name: a\n     rules:\n",
            "f.yml:6: did not find",
        ),
        ("kind: AlertingRule\n", "f.yml: an AlertingRule without rules: they stand under spec"),
        (
            "defaults: &d {team: a}\nkind: PrometheusRule\nspec:\n  groups:\n  - name: a\n    rules:\n"
            "    - {record: x, expr: up, labels: *d}\n",
            "f.yml: its groups use an anchor of elsewhere in the file: write its value out",
        ),
    ],
)
def test_what_cannot_be_taken_is_named_with_its_line_and_remedy(text: str, says: str) -> None:
    with pytest.raises(ConfigurationInvalid) as caught:
        made(text)
    assert str(caught.value).startswith(says)
    assert caught.value.hint


@pytest.mark.parametrize("style", ['"', "|"])
def test_rules_in_a_text_of_a_config_map_however_it_is_quoted(style: str) -> None:
    inside = f"groups:\n{GROUP}"
    written = yaml.dump({"kind": "ConfigMap", "data": {"a.yml": inside}}, default_style=style, sort_keys=True)
    found = made(written)
    assert (groups_in(found), found.wrapping) == (GROUPS, "ConfigMap")
    first = next(n for n, line in enumerate(written.splitlines(), 1) if "a.yml" in line)
    assert found.rules == (("a", 1, found.line(4)),)
    assert found.line(4) > first or style == '"'


def test_values_that_are_merged_from_elsewhere_are_no_fault() -> None:
    text = f"{PLAIN}    labels: &l {{a: b}}\n  - record: z\n    expr: up\n    labels:\n      <<: *l\n"
    assert len(made(text).rules) == 2


def test_rules_without_anything_are_none_as_to_prometheus() -> None:
    assert made(PLAIN.replace("  rules:\n", "  rules:\n  -\n")).rules == (("a", 1, 7),)


@pytest.mark.parametrize("flow", [False, True])
def test_what_the_operator_leaves_out_is_left_out(flow: bool) -> None:
    text = OPERATOR.replace(
        "    - name: a\n", "    - name: a\n      partial_response_strategy: abort\n      limit: 3\n"
    )
    found = made(json.dumps(yaml.safe_load(text)) if flow else text)
    assert [sorted(group) for group in groups_in(found)] == [["limit", "name", "rules"], ["name", "rules"]]
    assert flow or "limit: 3" in text.splitlines()[found.line(4) - 1]


def test_bytes_that_are_no_text_are_named() -> None:
    with pytest.raises(ConfigurationInvalid, match=r"^f.yml: no UTF-8 .*: save it as UTF-8$"):
        understood(PLAIN.encode("utf-16"), "f.yml")


@pytest.mark.parametrize(
    "expr",
    ['label_replace(up, "a", "$1", "b", "(.*)")', 'up{job=~"^a$"}', 'count_over_time({a="b"}[5m])', "a or b"],
)
def test_what_looks_like_a_variable_and_is_none(expr: str) -> None:
    assert made(PLAIN.replace("sum(up)", json.dumps(expr))).groups == ("a",)


PATH = "own/prometheus/rules/f.yml"


@pytest.mark.parametrize(
    ("message", "retold"),
    [
        (f"{PATH}: yaml: unmarshal errors: line 7: field fo not found", "f.yaml:13: field fo not found"),
        (f'{PATH}: group "b", rule 1, "X": template: y', 'f.yaml:22, "X": template: y'),
        (f'{PATH}: 7:5: group "a", rule 1: could not parse', 'f.yaml:13: group "a", rule 1: could not parse'),
        (f"{PATH}:5 a/A fails", "f.yaml:11 a/A fails"),
        (f"{PATH}:5:3: mapping values", "f.yaml:11: mapping values"),
        (f"{PATH}: whatever", "f.yaml: whatever"),
        (f'{PATH}: 0:0: 0:0: group "b", rule 1, "": one of', 'f.yaml:22, "": one of'),
        (f'{PATH}: 5:2: 4:12: group "a", rule 1: only', 'f.yaml:11: group "a", rule 1: only'),
        ("own/prometheus/rules/other.yml:5", "own/prometheus/rules/other.yml:5"),
    ],
)
def test_messages_name_the_line_of_the_file_that_was_given(message: str, retold: str) -> None:
    assert made(OPERATOR).retold(message, PATH, "f.yaml") == retold


def test_a_compressed_file_is_told() -> None:
    with pytest.raises(ConfigurationInvalid, match=r"^f.yml: it is compressed \(gzip\): gunzip it first$"):
        understood(gzip.compress(PLAIN.encode()), "f.yml")
