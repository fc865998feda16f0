"""One form for all spellings of an expression, and the series that an expression relies on."""

from __future__ import annotations

import pytest

from stack.checks.promql import Matcher, normal, plain, reading


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("sum(up) by (job,instance)", "sum by (job, instance) (up)"),
        ("rate(x[300s])", "rate(x[5m])"),
        ("x{b='c', a=\"d\"}", 'x{a="d",b="c"}'),
        ("a\n  /\n on(job) group_left\n b", "a / on (job) group_left () b"),
        ("x > 0.50", "x > 0.5"),
    ],
)
def test_other_spellings_are_one_expression(text: str, shown: str) -> None:
    assert normal(text) == normal(shown) is not None


@pytest.mark.parametrize(
    ("text", "other"),
    [("x > 1", "x > 2"), ("rate(x[5m])", "rate(x[1m])"), ('x{a="b c"}', 'x{a="bc"}'), ("a / b", "b / a")],
)
def test_other_expressions_are_not(text: str, other: str) -> None:
    assert normal(text) != normal(other)
    assert plain(text) != plain(other)


def test_white_space_counts_inside_of_strings_only() -> None:
    assert plain('sum( x{a="b  c"} )\n') == 'sum(x{a="b  c"})'
    assert plain(r'x{a="\" b"} > 1') == r'x{a="\" b"}>1'


def test_what_the_parser_does_not_know_is_not_judged() -> None:
    assert normal("x ? y") is None
    assert reading("x ? y") is None


@pytest.mark.parametrize(
    ("text", "selectors"),
    [
        ("sum(rate(x{a=~'b|c', d!='e'}[5m] offset 1h)) > 1", ['x{a=~"b|c",d!="e"}']),
        ("foo unless bar", ["foo"]),
        ("foo unless bar > 5", ["foo", "bar"]),
        ("sum(foo or vector(0)) > 1", []),
        ("(sum(foo) or (vector(0) + 1)) > 1", []),
        ("foo or bar", ["foo", "bar"]),
        ("absent(foo) and bar", ["bar"]),
        ('up{job="g"} == 0 or absent(up{job="g"})', []),
        ('{__name__="x", a="b"}', ['x{a="b"}']),
        ('{"with.dots", a="b"}', ['{"with.dots",a="b"}']),
        ('{job="x"}', ['{job="x"}']),
        ("topk(scalar(n), x)", ["n", "x"]),
        ("max_over_time(rate(x[5m])[1h:1m])", ["x"]),
        ("vector(1)", []),
    ],
)
def test_what_an_expression_relies_on(text: str, selectors: list[str]) -> None:
    found = reading(text)
    assert found is not None
    assert sorted(str(s) for s in found.selectors) == sorted(selectors)


@pytest.mark.parametrize(
    ("text", "chooses"),
    [
        ("a > 1", True),
        ("a > bool 1", False),
        ("a and b", True),
        ("sum(a) / sum(b)", False),
        ("a unless b", True),
    ],
)
def test_whether_it_may_rightly_yield_nothing(text: str, chooses: bool) -> None:
    found = reading(text)
    assert found is not None
    assert found.chooses is chooses


@pytest.mark.parametrize(
    ("matcher", "demands"),
    [
        (Matcher("a", "=", "x"), True),
        (Matcher("a", "=", ""), False),
        (Matcher("a", "=~", "x|y"), True),
        (Matcher("a", "=~", ".*"), False),
        (Matcher("a", "=~", "x|"), False),
        (Matcher("a", "!=", "x"), False),
        (Matcher("a", "!~", "x"), False),
    ],
)
def test_a_condition_that_a_series_without_the_label_fails(matcher: Matcher, demands: bool) -> None:
    assert matcher.demands is demands


def test_an_expression_of_another_dialect_is_not_held_against_a_series() -> None:
    assert Matcher("a", "=~", r"\pN(").accepts("x")
