"""Templates in a query become what Grafana's Prometheus data source makes of them."""

from __future__ import annotations

import pytest

from stack.boards.interpolate import Span, Unknown, Value, interpolated, names_in

SPAN = Span(1_000_000.0, 1_003_600.0, 15.0, 5.0)
VALUES = {
    "one": Value(("a.b",), text="A dot B"),
    "many": Value(("a.b", "c d"), several=True),
    "single": Value(("a.b",), several=True),
    "every": Value(("x", "y"), several=True, whole=".+", text="All"),
    "none": Value((), several=True),
    "quote": Value(("it's",)),
    "path": Value(("C:\\x",)),
    "__auto_interval_step": Value(("20s",)),
}


def put(text: str) -> str:
    return interpolated(text, VALUES, SPAN.macros())


@pytest.mark.parametrize(
    ("text", "becomes"),
    [
        ('up{a="$one"}', 'up{a="a.b"}'),
        ('up{a=~"$many"}', 'up{a=~"(a\\\\.b|c d)"}'),
        ('up{a=~"${many}"}', 'up{a=~"(a\\\\.b|c d)"}'),
        ('up{a=~"[[many]]"}', 'up{a=~"(a\\\\.b|c d)"}'),
        ('up{a=~"$single"}', 'up{a=~"a\\\\.b"}'),
        ('up{a=~"$every"}', 'up{a=~".+"}'),
        ('up{a=~"$none"}', 'up{a=~"()"}'),
        ("$quote", "it\\\\'s"),
        ("$path", "C:\\\\x"),
        ("${many:regex}", "(a\\.b|c d)"),
        ("${one:regex}", "a\\.b"),
        ("${many:pipe}", "a.b|c d"),
        ("${many:csv}", "a.b,c d"),
        ("${many:raw}", "a.b,c d"),
        ("${many:json}", '["a.b", "c d"]'),
        ("${many:glob}", "{a.b,c d}"),
        ("${many:doublequote}", '"a.b","c d"'),
        ("${many:singlequote}", "'a.b','c d'"),
        ("${quote:sqlstring}", "'it''s'"),
        ("${many:lucene}", "(a.b OR c d)"),
        ("${many:join:;}", "a.b;c d"),
        ("${many:percentencode}", "%7Ba.b%2Cc%20d%7D"),
        ("[[many:pipe]]", "a.b|c d"),
        ("${one:text}", "A dot B"),
        ("${one.text}", "A dot B"),
        ("${every:text}", "All"),
        ("x$one-y", "xa.b-y"),
        ("rate(x[$__rate_interval])", "rate(x[20s])"),
        ("rate(x[$__interval])", "rate(x[15s])"),
        ("x[$__range] + $__range_s + $__range_ms", "x[3600s] + 3600 + 3600000"),
        ("$__from $__to $__interval_ms", "1000000000 1003600000 15000"),
        ("${__from}", "1000000000"),
        ("x[$__auto_interval_step]", "x[20s]"),
        ('label_replace(up, "a", "$1", "b", "(.*)$")', 'label_replace(up, "a", "$1", "b", "(.*)$")'),
        ('up{a=~"x$|y$"}', 'up{a=~"x$|y$"}'),
    ],
)
def test_a_template_is_replaced(text: str, becomes: str) -> None:
    assert put(text) == becomes


def test_an_unknown_variable_is_named() -> None:
    with pytest.raises(Unknown, match="no variable is called tool"):
        put('up{tool="$tool"}')


def test_the_variables_of_a_text_are_known() -> None:
    assert names_in("$a ${b:regex} [[c]] $1 x$ ${d.e}") == {"a", "b", "c", "1", "d"}


def test_the_rate_interval_spans_four_scrapes() -> None:
    assert Span(0, 60, 1, 15).macros()["__rate_interval"] == "60s"
    assert Span(0, 60, 120, 15).macros()["__rate_interval"] == "135s"
    assert Span(0, 60, 0.5, 0.1).macros()["__interval"] == "500ms"
