"""What is wrong with a rule that Prometheus takes: found by its text; and what looks alike and is none."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from msgspec.structs import replace

from stack.checks.expect_prometheus import rules_of
from stack.checks.model import Job, Rule
from stack.checks.rule_lint import World, remarks, windows
from stack.checks.rule_windows import Intervals, intervals_of, rare_jobs

JOBS = (Job("shop", interval=30.0), Job("app", interval=5.0))
GOOD: dict[str, Any] = {"duration": 300.0, "labels": (("severity", "warning"),)}


def rule(expr: str, kind: Literal["alerting", "recording"] = "alerting", **changes: Any) -> Rule:
    made = Rule(
        "g",
        "Down" if kind == "alerting" else "job:x:sum",
        kind,
        expr,
        "rules/a.yml",
        3,
        **GOOD,
        interval=15.0,
    )
    return replace(made, **changes)


def found(one: Rule, *others: Rule, known: dict[str, tuple[str, ...]] | None = None) -> list[str]:
    rules = (one, *others)
    return [f"{r.check}: {r.text}" for r in remarks([one], World(rules, intervals_of(JOBS, rules, known)))]


@pytest.mark.parametrize(
    "expr",
    [
        "up == 0",
        "vector(1)",
        "1",
        "absent(up)",
        "absent_over_time(up[5m])",
        "count(up == 0)",
        "sum by (job) (rate(x_total[5m])) > 0 unless on (job) y",
        "(a or vector(0)) > 5",
        "a > 1 or b > 1",
        'ALERTS{alertstate="firing"}',
        "sum(x > bool 1) > 3",
        "-(x) < 5",
        "5 < x",
        "x and y",
        "quantile(0.9, x > 0)",
        "this is no PromQL (",
    ],
)
def test_an_alert_with_a_condition_is_fine(expr: str) -> None:
    assert not [one for one in found(rule(expr)) if one.startswith("alerts/comparison")]


@pytest.mark.parametrize(
    ("expr", "says"),
    [
        ("sum(rate(x_total[5m]))", "it has no condition"),
        ("x", "it has no condition"),
        ("sum(x) - sum(y)", "it has no condition"),
        ("x > 5 or y", "it has no condition"),
        ("topk(3, x)", "it has no condition"),
        ("x > bool 1", "bool makes 0 or 1"),
        ("sum(x > bool 1)", "bool makes 0 or 1"),
        ("sum(x > 1) or vector(0)", "or with a constant is always there"),
        ("(x > 1 or (vector(0)))", "or with a constant is always there"),
        ("absent(x) == 0", "absent() yields 1 or nothing"),
        ("absent(x) < 1", "absent() yields 1 or nothing"),
    ],
)
def test_one_without_fires_always_or_never(expr: str, says: str) -> None:
    (said,) = [one for one in found(rule(expr)) if one.startswith("alerts/comparison")]
    assert said.startswith(f"alerts/comparison: {says}")


def test_an_alert_on_a_recorded_condition_has_one() -> None:
    recorded = rule("x > 5", "recording", name="a:b")
    assert found(rule("a:b"), replace(recorded, name="a:b")) == []
    assert "no condition" in found(rule("a:b"), replace(recorded, name="a:b", expr="x"))[0]


@pytest.mark.parametrize(
    ("expr", "seconds", "says"),
    [
        ("up == 0", 0.0, "one bad sample fires it, as it has no for: add one, such as for: 5m"),
        ("increase(x_total[1s]) > 5", 0.0, "one bad sample"),
        (
            "absent(up)",
            0.0,
            "without for it fires with absent(): each start of Prometheus begins without series",
        ),
        ("absent(up)", 5.0, "for: 5s is too short for absent()"),
        ("up == 0", 86400.0, "for: 1d: an hour without Prometheus begins the wait anew"),
    ],
)
def test_for_that_is_missing_or_out_of_all_measure(expr: str, seconds: float, says: str) -> None:
    (said,) = [one for one in found(rule(expr, duration=seconds)) if one.startswith("alerts/for")]
    assert says in said


@pytest.mark.parametrize(
    ("expr", "seconds"),
    [
        ("increase(x_total[5m]) > 0", 0.0),
        ("max_over_time(up[5m]) == 0", 0.0),
        ("time() - done_timestamp_seconds > 3600", 0.0),
        ('ALERTS{alertname="X"} == 1', 0.0),
        ("vector(1)", 0.0),
        ("absent_over_time(up[5m])", 0.0),
        ("absent(up)", 10.0),
        ("up == 0", 60.0),
    ],
)
def test_what_looks_back_needs_none(expr: str, seconds: float) -> None:
    assert not [one for one in found(rule(expr, duration=seconds)) if one.startswith("alerts/for")]


@pytest.mark.parametrize(
    ("expr", "says"),
    [
        (
            'rate(x_total{job="shop"}[40s]) > 0',
            "rate(x_total[40s]) needs two samples, and job shop is scraped each 30s: make it 2m, 1m at the least",
        ),
        ('increase(x_total{job=~"sh.*|app"}[40s]) > 0', "job shop is scraped each 30s"),
        ("rate(x_total[5s]) > 0", "no job is scraped more often than each 5s"),
        ("rate(told_total[40s]) > 0", "job shop is scraped each 30s"),
        ("delta(job:x:sum[20s]) > 0", "job:x:sum is recorded each 15s: make it 1m, 30s at the least"),
    ],
)
def test_a_window_below_two_samples_is_told_with_the_interval(expr: str, says: str) -> None:
    recorded = rule("sum(x)", "recording")
    said = [
        o for o in found(rule(expr), recorded, known={"told_total": ("shop",)}) if o.startswith("promql/rate")
    ]
    assert len(said) == 1 and says in said[0]
    intervals = intervals_of(JOBS, (recorded,), {"told_total": ("shop",)})
    assert [f"promql/rate: {one.text}" for one in windows([rule(expr)], intervals)] == said


@pytest.mark.parametrize(
    "expr",
    [
        'rate(x_total{job="shop"}[1m]) > 0',
        'rate(x_total{job="app"}[10s]) > 0',
        "rate(x_total[10s]) > 0",
        'rate(x_total{job="elsewhere"}[1s]) > 0',
        "max_over_time(x[1s]) > 0",
        "rate(x_total[5m:1s]) > 0",
    ],
)
def test_a_window_that_suffices_or_is_of_nobody_known_is_fine(expr: str) -> None:
    assert not [one for one in found(rule(expr)) if one.startswith("promql/rate")]
    assert windows([rule("x >")], Intervals()) == []


@pytest.mark.parametrize(
    ("expr", "says"),
    [
        (
            "histogram_quantile(0.9, sum by (job) (rate(x_bucket[5m]))) > 1",
            "without the label le yields nothing",
        ),
        ("histogram_quantile(95, sum by (le) (rate(x_bucket[5m]))) > 1", "a quantile is from 0 to 1"),
        ("rate(sum(x_total)[5m:1m]) > 0", "sum the rates instead"),
        ("sum by (job) (a) / sum by (instance) (b) > 1", "the left has job, the right instance"),
        ("sum(a) / sum by (job) (b) > 1", "the left has none, the right job"),
        ('x_bucket{le="1"} > 0', 'x_bucket{le="1"} finds nothing: Prometheus 3 writes le="1.0"'),
        ('x{quantile=~"0.5|1"} > 0', 'Prometheus 3 writes quantile="1.0"'),
        ("x_total > 100", "x_total is a counter"),
        ("sum by (job) (errors_total) >= 10", "errors_total is a counter"),
        ("100 < x_total", "x_total is a counter"),
    ],
)
def test_a_mistake_within_an_expression_is_told(expr: str, says: str) -> None:
    assert any(says in one for one in found(rule(expr))), found(rule(expr))


@pytest.mark.parametrize(
    "expr",
    [
        "histogram_quantile(0.9, sum by (job, le) (rate(x_bucket[5m]))) > 1",
        "histogram_quantile(0.9, sum by (job) (rate(x[5m]))) > 1",
        "histogram_quantile(0.9, sum without (job) (rate(x_bucket[5m]))) > 1",
        "sum by (job) (a) / sum by (job) (b) > 1",
        "sum by (job) (a) / on () group_left sum(b) > 1",
        "sum(a) / count(b) > 1",
        "sum by (job, instance) (a) / on (job) group_left sum by (job) (b) > 1",
        "a / b > 1",
        "sum by (job) (a) > 1 or sum by (instance) (b) > 1",
        'x_bucket{le="1.0"} > 0',
        'x_bucket{le="+Inf"} > 0',
        'x{code="1"} > 0',
        "rate(x_total[5m]) > 100",
        "x_total - x_total offset 5m > 100",
        "x_total > 0",
        "count(x_total) > 5",
        "job:x_total > 100",
        "changes(x_total[5m]) > 1",
        "rate(sum(rate(x_total[5m]))[5m:1m]) > 0",
    ],
)
def test_what_looks_like_a_mistake_and_is_none(expr: str) -> None:
    assert found(rule(expr)) == []


LABELS = "sum by (job) (up) > 0"


@pytest.mark.parametrize(
    ("expr", "text", "says"),
    [
        (LABELS, "{{ $labels.instance }}", "$labels.instance is empty: the expression yields only job"),
        (LABELS, "{{.Labels.instance}}", "$labels.instance is empty: the expression yields only job"),
        (LABELS, '{{ index $labels "instance" }}', "$labels.instance is empty"),
        ("sum(up) > 0", "{{ $labels.job }}", "$labels.job is empty: the expression yields no labels"),
        (
            "sum without (job) (up) > 0",
            "{{ $labels.job }}",
            "$labels.job is empty: the expression leaves that label",
        ),
        (
            'absent(up{job="a",x=~"b"})',
            "{{ $labels.x }}",
            "$labels.x is empty: the expression yields only job",
        ),
        ("up > 0", "{{ $labels.alertname }}", "$labels.alertname is not known while an alert is made"),
        ("up > 0", "{{ .CommonLabels.job }}", ".CommonLabels is not known here"),
        ("up > 0", "{{`{{ $labels.job }}`}}", "{{` is an escape for Helm"),
        ("up > 0", '{{ with query "sum(up" }}{{ end }}', 'query "sum(up" cannot be parsed'),
    ],
)
def test_a_template_that_shows_nothing_is_told(expr: str, text: str, says: str) -> None:
    (said,) = found(rule(expr, annotations=(("summary", text),)))
    assert said.startswith(f"alerts/template: annotation summary: {says}")


def test_the_value_in_a_label_makes_ever_new_alerts() -> None:
    (said,) = found(rule("up > 0", labels=(("value", "{{ $value }}"),)))
    assert said.startswith("alerts/template: label value: with the value in a label")


@pytest.mark.parametrize(
    "text",
    [
        "{{ $labels.job }} at {{ $value | humanize }} of {{ $externalLabels.stack }}",
        "{{ with query \"up{x='1'}\" }}{{ . | first | value }}{{ .Foo }}{{ end }}",
        '{{ printf "%.2f .Foo" .Value }} {{ .ExternalURL }}/x.Foo',
        "plain .CommonLabels",
        '{{ reReplaceAll "$labels.instance" "" $labels.job }}',
    ],
)
def test_a_template_that_shows_something_is_fine(text: str) -> None:
    assert found(rule(LABELS, annotations=(("summary", text),))) == []


def test_alerts_that_nobody_can_tell_apart_and_records_twice() -> None:
    one, other = rule("up == 0"), rule("up < 1", line=9)
    assert found(one, other) == [
        "rule/duplicate: prometheus/rules/a.yml:9 g/Down is an alert of that name with the same labels: "
        "give one a label that differs"
    ]
    assert found(one, replace(other, labels=(("severity", "critical"),))) == []
    record = rule("sum(up)", "recording")
    assert found(record, replace(record, expr="sum( up )", line=9)) == [
        "rule/duplicate: prometheus/rules/a.yml:9 g/job:x:sum records the same"
    ]
    assert found(record, replace(record, expr="sum(down)", line=9)) == []


def test_names_turns_and_jobs_that_leave_gaps() -> None:
    named = replace(rule("sum(up)", "recording"), name="job.rate")
    assert found(named) == ['rule/name: job.rate is no plain metric name: a query must write {"job.rate"}']
    assert found(replace(named, name="a:b", interval=600.0)) == [
        "group/interval: its group has a turn each 10m, and a sample is seen for 5m: what it yields has gaps"
    ]
    (gap,) = rare_jobs([*JOBS, Job("slow", "scrape/a.yml", 2, interval=600.0)])
    assert gap.startswith("prometheus/scrape/a.yml:2: scrape_interval of job slow is 10m")


COMMENTS = """\
groups:
- name: g
  rules:
  # pint disable alerts/for
  - alert: A
    expr: up == 0
  - alert: B
    expr: up == 0
"""


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (COMMENTS, ["B"]),
        (COMMENTS.replace("disable", "file/disable"), []),
        (COMMENTS.replace("disable alerts/for", "ignore/file"), []),
        (COMMENTS.replace("alerts/for", "alerts/comparison"), ["A", "B"]),
    ],
)
def test_comments_of_pint_are_honoured(text: str, left: list[str]) -> None:
    from stack.common.yaml_text import load_yaml

    rules = list(rules_of({"rules/a.yml": load_yaml(text)}, {"rules/a.yml": text}, ()))
    assert [one.rule.name for one in remarks(rules, World(rules))] == left
