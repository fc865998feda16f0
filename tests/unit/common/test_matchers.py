"""Matchers: read as Alertmanager reads them, and honest about labels that nobody knows."""

from __future__ import annotations

import pytest

from stack.common.matchers import UNREADABLE, Labels, Matcher, match, parse

KNOWN = Labels({"alertname": "TargetDown", "severity": "critical"})
PARTLY = Labels({"alertname": "TargetDown", "job": "{{ $labels.job }}"}, frozenset({"job", "team"}))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('severity="critical"', [Matcher("severity", "=", "critical")]),
        ("severity = critical", [Matcher("severity", "=", "critical")]),
        ('a=~"x|y", b!="z"', [Matcher("a", "=~", "x|y"), Matcher("b", "!=", "z")]),
        ('{a="x",b!~"y,{2}"}', [Matcher("a", "=", "x"), Matcher("b", "!~", "y,{2}")]),
        (r'"a b"="say \"no\" \\ \d"', [Matcher("a b", "=", 'say "no" \\ \\d')]),
        ('a=""', [Matcher("a", "=", "")]),
        ("a=", [Matcher("a", "=", "")]),
        ("no matcher", [Matcher("no matcher", UNREADABLE, "")]),
        ("", []),
    ],
)
def test_an_entry_is_read(text: str, found: list[Matcher]) -> None:
    assert parse(text) == tuple(found)


@pytest.mark.parametrize(
    ("text", "labels", "verdict"),
    [
        ('severity="critical"', KNOWN, True),
        ('severity!="critical"', KNOWN, False),
        ('severity=~"crit"', KNOWN, False),
        ('severity=~"crit.*"', KNOWN, True),
        ('team=""', KNOWN, True),
        ('team!=""', KNOWN, False),
        ('team="a"', PARTLY, None),
        ('job="a"', PARTLY, None),
        ('job!~"a"', PARTLY, None),
        ('job=~".*"', PARTLY, True),
        ('job!~".*"', PARTLY, False),
        ('job=~".+"', PARTLY, None),
        ('alertname="Other", job="a"', PARTLY, False),
        ('alertname="TargetDown", job="a"', PARTLY, None),
        ('alertname=~"(?<"', PARTLY, None),
        ('severity=~"[[:alpha:]]+"', KNOWN, None),
        ("gibberish", KNOWN, None),
        ("", KNOWN, True),
    ],
)
def test_a_verdict_is_only_given_where_it_holds(text: str, labels: Labels, verdict: bool | None) -> None:
    assert match(parse(text), labels) is verdict


def test_a_matcher_is_shown_as_it_is_written() -> None:
    assert str(Matcher("a", "=~", "x|y")) == 'a=~"x|y"'
