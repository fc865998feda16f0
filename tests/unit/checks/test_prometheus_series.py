"""What the rules read must exist: a slip in a name, a label or a value is found, and only that."""

from __future__ import annotations

import re
from typing import Any

import pytest
from msgspec.structs import replace

from stack.checks import prometheus, prometheus_rules
from stack.checks.batches import MARK
from stack.checks.model import Finding, Pairs, Rule
from stack.checks.promql import Matcher, Selector, reading
from stack.checks.runner import run
from tests.loopback import Asked, Reply
from tests.unit.checks.fake_stack import FakeStack, data, runtime

CHECK = next(check for check in prometheus.CHECKS if check.name == "prometheus.series")
STORED: list[dict[str, str]] = [
    {"__name__": "requests_total", "job": "shop", "code": "200"},
    {"__name__": "requests_total", "job": "shop", "code": "500"},
    {"__name__": "latency_bucket", "job": "shop", "le": "1.0"},
    {"__name__": "latency_bucket", "job": "shop", "le": "+Inf"},
    {"__name__": "up", "job": "shop"},
]


def fits(matcher: Matcher, series: dict[str, str]) -> bool:
    value = series.get(matcher.label, "")
    if matcher.op in ("=", "!="):
        return (value == matcher.value) == (matcher.op == "=")
    return bool(re.fullmatch(matcher.value, value)) == (matcher.op == "=~")


def picked(selector: Selector) -> list[dict[str, str]]:
    named = [s for s in STORED if selector.metric in ("", s["__name__"])]
    return [s for s in named if all(fits(m, s) for m in selector.matchers)]


def only(text: str) -> Selector:
    found = reading(text)
    assert found is not None
    (selector,) = found.selectors
    return selector


class Server:
    """A Prometheus with a few series, which yields for each expression what a test says."""

    def __init__(self, yields: dict[str, list[dict[str, str]]] | None = None) -> None:
        self.yields = yields or {}
        self.asked: list[str] = []

    def query(self, asked: Asked) -> Reply:
        query = asked.params["query"]
        self.asked.append(query)
        if MARK in query:
            questions = re.findall(rf'label_replace\(group\((.*?)\), "{MARK}", "(\d+)"', query)
            found = [{MARK: number} for text, number in questions if picked(only(text))]
        else:
            found = self.yields.get(query, [{"job": "shop"}])
        result = [{"metric": metric, "value": [1, "1"]} for metric in found]
        return data({"resultType": "vector", "result": result})

    def values(self, label: str) -> Any:
        def answer(asked: Asked) -> Reply:
            match = asked.params.get("match[]", "")
            series = picked(only(match)) if match else STORED
            return data(sorted({s[label] for s in series if label in s}))

        return answer


def rule(expr: str, kind: str = "alerting", name: str = "R", **changes: Any) -> Rule:
    made = Rule("g", name, "alerting" if kind == "alerting" else "recording", expr, "rules/x.yml", 7)
    return replace(made, **changes)


def found_by(
    *rules: Rule, server: Server | None = None, loaded_for: float = 3600.0, age: float = 0.0
) -> Finding:
    server = server or Server()
    fake = FakeStack()
    prometheus = fake.products["prometheus"]
    prometheus["POST /api/v1/query"] = server.query
    prometheus["GET /api/v1/status/runtimeinfo"] = runtime(loaded_for=loaded_for)
    for label in ("__name__", "code", "le", "job", "gone"):
        prometheus[f"GET /api/v1/label/{label}/values"] = server.values(label)
    with fake.running(rules=rules, age=age) as expected:
        (finding,) = run([replace(CHECK, seconds=0.02)], expected).findings
    return finding


@pytest.mark.parametrize(
    "expr",
    [
        "sum(rate(requests_total{code='500'}[5m])) > 1",
        'requests_total{code=~"5..|4.."}',
        'requests_total{code!="200", nothing!~"x"}',
        'requests_total{nothing=""}',
        'absent(gone_total) or requests_total{code="200"}',
        "up unless gone_total",
        "sum(gone_total or vector(0))",
        'up{job="other"} == 0 or absent(up{job="other"})',
        '{job="shop"}',
        "ALERTS",
        'ALERTS{alertname="R"}',
        "vector(1)",
    ],
)
def test_what_is_there_or_need_not_be(expr: str) -> None:
    finding = found_by(rule(expr))
    assert (finding.status, finding.warnings) == ("ok", ()), finding.evidence


@pytest.mark.parametrize(
    ("expr", "says"),
    [
        ("request_total > 1", "no series has the name request_total; there is requests_total"),
        ("nothing_like_it > 1", "no series has the name nothing_like_it"),
        ('requests_total{code="404"}', 'no series of requests_total has code="404"; there is "200", "500"'),
        ('latency_bucket{le="1"}', 'no series of latency_bucket has le="1"; there is "1.0", "+Inf"'),
        ('requests_total{gone="x"}', "no series of requests_total has the label gone"),
        (
            'latency_bucket{job="shop",le=~"2|3"}',
            'no series of latency_bucket has le=~"2|3"; there is "+Inf", "1.0"',
        ),
        ('{job="nobody"}', 'no series of any metric has job="nobody"'),
        ("up unless gone_total > 5", "no series has the name gone_total"),
        ('ALERTS{alertname="Nobody"}', 'ALERTS{alertname="Nobody"}: no rule has the alert Nobody'),
    ],
)
def test_a_slip_fails_a_shipped_rule_and_is_a_remark_on_the_users(expr: str, says: str) -> None:
    finding = found_by(rule(expr))
    assert finding.status == "failed"
    assert finding.evidence == f"prometheus/rules/x.yml:7 g/R: {says}"
    assert "# pint disable promql/series" in finding.hint
    own = found_by(rule(expr, own=True))
    assert (own.status, own.warnings[0]) == ("ok", finding.evidence)


def test_values_that_exist_but_not_together() -> None:
    STORED.append({"__name__": "requests_total", "job": "other", "code": "302"})
    try:
        finding = found_by(rule('requests_total{job="other",code="200"}'))
    finally:
        STORED.pop()
    assert 'no series of requests_total has job="other" and code="200" at once' in finding.evidence


@pytest.mark.parametrize(
    "unchecked",
    [
        (("", ""),),
        (("requests_total", ""),),
        (('requests_total{code="404"}', ""),),
        (('{code="404"}', ""),),
        (("", "code"),),
        (("requests_total", "code"),),
    ],
)
def test_what_the_file_asks_to_leave_is_not_looked_for(unchecked: Pairs) -> None:
    assert found_by(rule('requests_total{code="404"}', unchecked=unchecked)).status == "ok"


@pytest.mark.parametrize("unchecked", [(("up", ""),), (('requests_total{code="1"}', ""),), (("", "job"),)])
def test_a_wish_for_something_else_changes_nothing(unchecked: Pairs) -> None:
    assert found_by(rule('requests_total{code="404"}', unchecked=unchecked)).status == "failed"


RECORDED = rule("sum by (job) (up)", "recording", "job:up:sum")


def test_a_recorded_metric_counts_before_its_rule_has_had_its_turn() -> None:
    assert found_by(RECORDED, rule('job:up:sum{job="shop"} > 1')).status == "ok"


def test_a_label_that_a_recording_does_not_keep() -> None:
    finding = found_by(RECORDED, rule('job:up:sum{code="200"} > 1'))
    assert "no series of job:up:sum has the label code" in finding.evidence


def test_one_that_reads_what_is_yet_to_be_recorded_may_record_nothing_so_far() -> None:
    later = rule("job:up:sum > bool 1", "recording", "job:up:more", own=True)
    finding = found_by(RECORDED, later, server=Server({later.expr: []}))
    assert (finding.status, finding.warnings) == ("ok", ())


def test_a_recording_rule_that_records_nothing() -> None:
    server = Server({RECORDED.expr: []})
    finding = found_by(RECORDED, rule("job:up:sum > 1"), server=server)
    assert finding.evidence == (
        "prometheus/rules/x.yml:7 g/job:up:sum: it records nothing, though there are series of all that it reads"
    )


def test_a_recording_that_chooses_may_record_nothing() -> None:
    choosing = rule("up == 0", "recording", "down")
    assert found_by(choosing, server=Server({"up == 0": []})).status == "ok"


def test_nothing_is_held_against_a_server_that_has_just_begun() -> None:
    remark = found_by(rule("gone > 1", own=True), loaded_for=13.0)
    waited_for = found_by(rule("gone > 1", own=True), loaded_for=11.0)
    assert found_by(rule("gone > 1", own=True), loaded_for=11.0, age=61.0).warnings == remark.warnings
    assert (remark.status, waited_for.status) == ("ok", "failed")


def test_all_selectors_are_one_question() -> None:
    server = Server()
    finding = found_by(*(rule(f'up{{job=~"shop|{n}"}}', name=f"R{n}") for n in range(30)), server=server)
    assert finding.evidence == "30 selectors of 30 rules find series"
    assert len([q for q in server.asked if MARK in q]) == 1


def test_two_series_that_become_one_are_in_error_before_the_first_turn() -> None:
    server = Server({"up": [{"job": "a"}, {"job": "b"}]})
    finding = found_by(rule("up", labels=(("job", "all"),)), server=server)
    assert (finding.status, finding.final) == ("failed", True)
    assert "same labelset after applying alert labels" in finding.evidence
    assert "prometheus/rules/x.yml:7 g/R" in finding.hint


def test_what_is_wrong_with_the_users_rules_all_the_same_is_a_remark() -> None:
    own = found_by(rule("rate(requests_total[1s]) > 1", own=True), rule("up == 0", own=True, name="S"))
    assert own.status == "ok"
    assert own.warnings == (
        "prometheus/rules/x.yml:7 g/R: rate(requests_total[1s]) needs two samples, and no job is scraped more often "
        "than each 1m: make it 4m, 2m at the least",
    ), "a missing for is no matter of a proof"
    assert found_by(rule("rate(requests_total[1s]) > 1")).warnings == ()


def test_the_interval_is_that_of_the_jobs_that_have_the_metric() -> None:
    server = Server()
    asked = 'group by (__name__, job) ({__name__=~"requests_total"})'
    server.yields[asked] = [{"__name__": "requests_total", "job": "app"}]
    (said,) = found_by(rule("rate(requests_total[1m]) > 1", own=True), server=server).warnings
    assert "job app is scraped each 1m" in said


def test_remarks_are_bounded() -> None:
    many = [rule(f"gone_{n} > 1", own=True, name=f"R{n}") for n in range(30)]
    told = found_by(*many).warnings
    assert len(told) == 21 and told[-1] == "10 more remarks"


def test_what_one_rule_of_the_users_lacks_is_one_line() -> None:
    own = found_by(rule("gone_a + gone_a + gone_b + gone_c + gone_d > 1", own=True))
    assert own.warnings[0] == (
        "prometheus/rules/x.yml:7 g/R: no series has the name gone_a; no series has the name gone_b; "
        "no series has the name gone_c and 1 more"
    )


def test_a_multitude_of_the_users_rules_is_left_to_prometheus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prometheus_rules, "ENOUGH", -1.0)
    server = Server({"sum(up)": []})
    own = rule("sum(up)", "recording", "mine", own=True)
    finding = found_by(rule("up == 0"), own, rule("mine > 1", own=True, name="S"), server=server)
    assert (finding.status, finding.warnings) == ("ok", ()), "nothing is claimed of what was not asked for"
    assert "up == 0" in server.asked and "sum(up)" not in server.asked
    with FakeStack().running(rules=(rule("up == 0"), own)) as expected:
        (told,) = run(
            [next(c for c in prometheus.CHECKS if c.name == "prometheus.expressions")], expected
        ).findings
    assert told.evidence == (
        "2 rules healthy: each expression evaluated, but for 1 of your own, which Prometheus evaluates in their turns"
    )
