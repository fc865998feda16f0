"""A rule's labels are applied as Prometheus applies them, and what would be refused is found."""

from __future__ import annotations

import pytest

from stack.checks.model import Pairs, Rule
from stack.checks.rule_results import applied, outcome, remedy

A: Pairs = (("__name__", "up"), ("instance", "a"), ("job", "j"))
B: Pairs = (("__name__", "up"), ("instance", "b"), ("job", "j"))


def rule(kind: str = "recording", labels: Pairs = (), limit: int = 0) -> Rule:
    name = "a:b" if kind == "recording" else "Down"
    place = ("rules/x.yml", 7)
    if kind == "recording":
        return Rule("g", name, "recording", "up", *place, labels=labels, limit=limit)
    return Rule("g", name, "alerting", "up", *place, labels=labels, limit=limit)


def test_a_recording_has_its_name_and_its_labels() -> None:
    found = applied(rule(labels=(("instance", "all"), ("new", "{{ $labels.job }}"))), A)
    assert found == (
        ("__name__", "a:b"),
        ("instance", "all"),
        ("job", "j"),
        ("new", "{{ $labels.job }}"),
    )


def test_an_alert_loses_the_name_and_expands_simple_templates() -> None:
    labels = (("service", "{{ $labels.job }}-{{.Labels.instance}}"), ("gone", "{{ $labels.nothing }}"))
    assert applied(rule("alerting", labels), A) == (
        ("alertname", "Down"),
        ("instance", "a"),
        ("job", "j"),
        ("service", "j-a"),
    )


@pytest.mark.parametrize("kind", ["recording", "alerting"])
def test_series_that_become_one_are_an_error(kind: str) -> None:
    found = outcome(rule(kind, (("instance", "all"),)), [A, B])
    assert "same labelset after applying" in found.error
    assert "instance=all" in found.error
    assert "prometheus/rules/x.yml:7 g/" in found.remedy
    assert outcome(rule(kind), [A, B]).error == ""


def test_of_what_cannot_be_expanded_nothing_is_claimed() -> None:
    labels = (("instance", '{{ if eq $labels.job "j" }}x{{ else }}y{{ end }}'),)
    assert outcome(rule("alerting", labels), [A, B]).error == ""


def test_the_limit_of_the_group() -> None:
    assert outcome(rule(limit=1), [A, B]).error == "exceeded limit of 1 with 2 series"
    assert outcome(rule(limit=2), [A, B]).error == ""


@pytest.mark.parametrize(
    ("error", "says"),
    [
        ("found duplicate series for the match group {} ...; many-to-many matching not allowed", "on(...)"),
        ("multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)", "group_left"),
        ("multiple matches for labels: grouping labels must ensure unique matches", "leave out labels"),
        ("vector cannot contain metrics with the same labelset", "removes the name or label"),
        ("query processing would load too many samples into memory in query execution", "a shorter range"),
        ("vector contains metrics with the same labelset after applying rule labels", "its labels replace"),
        ("unknown function", "mend the expression"),
    ],
)  # fmt: skip
def test_each_error_of_evaluation_has_its_remedy(error: str, says: str) -> None:
    assert says in remedy(rule(), error)
    assert remedy(rule(), error).startswith("prometheus/rules/x.yml:7 g/a:b: ")
