"""A variable has the value that a browser gives it: the file's where it is still one of the options."""

from __future__ import annotations

from typing import Any

import pytest

from stack.boards.durations import range_of, seconds_of
from stack.boards.interpolate import Span, Value
from stack.boards.options import filtered, fixed_options
from stack.boards.variables import Question, Variable, question_of, value_of, variables_of

SPAN = Span(0.0, 3600.0, 15.0)


def only(**said: Any) -> Variable:
    (variable,) = variables_of({"templating": {"list": [{"name": "x", **said}]}})
    return variable


def chosen(found: tuple[str, ...] = (), **said: Any) -> Value:
    variable = only(**said)
    options = filtered(variable, found) if variable.asks else fixed_options(variable)
    return value_of(variable, options, SPAN)


@pytest.mark.parametrize(
    ("query", "asks"),
    [
        ("label_values(up, job)", Question("label_values", "up", "job")),
        (
            'label_values(up{a="b,c", d=~"$e"}, job)',
            Question("label_values", 'up{a="b,c", d=~"$e"}', "job"),
        ),
        ("label_values(job)", Question("label_values", "", "job")),
        (" label_values( up , job ) ", Question("label_values", "up", "job")),
        ("label_names()", Question("label_names", "")),
        ("label_names(up)", Question("label_names", "up")),
        ("metrics(node_.*)", Question("metrics", "node_.*")),
        ("query_result(sum(up) by (job))", Question("query_result", "sum(up) by (job)")),
        ('up{job="a"}', Question("series", 'up{job="a"}')),
        ({"query": "label_values(up, job)", "refId": "A"}, Question("label_values", "up", "job")),
        (
            {
                "qryType": 1,
                "metric": "up",
                "label": "job",
                "labelFilters": [{"label": "a", "op": "=~", "value": "b"}],
            },
            Question("label_values", 'up{a=~"b"}', "job"),
        ),
        ({"qryType": 3, "varQuery": "sum(up)"}, Question("query_result", "sum(up)")),
        ({"qryType": 0, "match": "up"}, Question("label_names", "up")),
        ("", None),
        (None, None),
        ({}, None),
    ],
)
def test_what_a_query_variable_asks(query: Any, asks: Question | None) -> None:
    assert question_of(query) == asks


@pytest.mark.parametrize(
    ("said", "found", "value"),
    [
        ({"current": {"value": "b"}}, ("a", "b"), Value(("b",), text="b")),
        ({"current": {"value": "gone"}}, ("a", "b"), Value(("a",), text="a")),
        ({}, ("a", "b"), Value(("a",), text="a")),
        ({}, (), Value(("",))),
        ({"multi": True, "current": {"value": ["b", "gone"]}}, ("a", "b"), Value(("b",), True, text="b")),
        ({"multi": True, "current": {"value": ["gone"]}}, ("a", "b"), Value(("a",), True, text="a")),
        ({"multi": True}, (), Value((), True)),
        (
            {"includeAll": True, "current": {"value": "gone"}},
            ("a", "b"),
            Value(("a", "b"), True, None, "All"),
        ),
        ({"includeAll": True, "current": {"value": "b"}}, ("a", "b"), Value(("b",), True, text="b")),
        (
            {"includeAll": True, "multi": True, "allValue": ".*", "current": {"value": ["$__all"]}},
            ("a", "b"),
            Value(("a", "b"), True, ".*", "All"),
        ),
        ({"current": {"value": "$__all"}}, ("a", "b"), Value(("a",), text="a")),
        ({"current": {"text": "a", "value": "old"}}, ("a", "b"), Value(("a",), text="a")),
    ],
)
def test_the_choice_of_a_query_variable(said: dict[str, Any], found: tuple[str, ...], value: Value) -> None:
    assert chosen(found, type="query", query="label_values(x)", **said) == value


@pytest.mark.parametrize(
    ("said", "values"),
    [
        ({"type": "constant", "query": "k"}, ("k",)),
        ({"type": "textbox", "query": "default"}, ("default",)),
        ({"type": "textbox", "query": "default", "current": {"value": "typed"}}, ("typed",)),
        ({"type": "custom", "query": "a, b"}, ("a",)),
        ({"type": "custom", "query": "A : a, B : b", "current": {"value": "b"}}, ("b",)),
        ({"type": "custom", "query": r"a\,b,c"}, ("a,b",)),
        ({"type": "custom", "query": '[{"text": "A", "value": "1"}, {"text": "B", "value": "2"}]'}, ("1",)),
        ({"type": "interval", "query": "1m,10m", "current": {"value": "10m"}}, ("10m",)),
        ({"type": "interval", "query": "1m,10m", "current": {"value": "7m"}}, ("1m",)),
        (
            {
                "type": "interval",
                "query": "1m",
                "auto": True,
                "auto_count": 30,
                "current": {"value": "$__auto_interval_x"},
            },
            ("120s",),
        ),
        (
            {
                "type": "interval",
                "query": "1m",
                "auto": True,
                "auto_min": "5m",
                "current": {"value": "$__auto"},
            },
            ("300s",),
        ),
        ({"type": "switch", "query": "on,off", "current": {"value": "on"}}, ("on",)),
    ],
)
def test_the_choice_of_a_variable_that_asks_nobody(said: dict[str, Any], values: tuple[str, ...]) -> None:
    assert chosen(**said).values == values


@pytest.mark.parametrize(
    ("regex", "sort", "found", "options"),
    [
        ("/a/", 0, ("ab", "b"), ["ab"]),
        ("/^(\\w+):/", 0, ("h1:9", "h2:9", "x"), ["h1", "h2"]),
        ("/(?<value>\\w+):(?<text>\\d+)/", 0, ("h1:9",), ["h1"]),
        ("/A/i", 0, ("ab",), ["ab"]),
        ("[", 0, ("ab",), ["ab"]),
        ("", 1, ("b", "a"), ["a", "b"]),
        ("", 2, ("a", "b"), ["b", "a"]),
        ("", 3, ("n10", "n9"), ["n9", "n10"]),
        ("", 5, ("b", "A"), ["A", "b"]),
        ("", 7, ("a10", "a9"), ["a9", "a10"]),
        ("/(.)/", 0, ("ab", "ac"), ["a"]),
    ],
)
def test_what_was_found_is_cut_and_sorted(
    regex: str, sort: int, found: tuple[str, ...], options: list[str]
) -> None:
    assert [value for _, value in filtered(only(type="query", regex=regex, sort=sort), found)] == options


def test_a_variable_comes_after_those_that_it_needs() -> None:
    listed = [
        {"name": "c", "type": "query", "query": "label_values(up{b='$b'}, c)"},
        {"name": "b", "type": "query", "query": "label_values(up{a='[[a]]'}, b)"},
        {"name": "a", "type": "custom", "query": "1"},
        {"type": "query"},
    ]
    assert [v.name for v in variables_of({"templating": {"list": listed}})] == ["a", "b", "c"]
    round_about = [{"name": "a", "query": "$b"}, {"name": "b", "query": "$a"}]
    assert [v.name for v in variables_of({"templating": {"list": round_about}})] == ["a", "b"]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30s", 30), ("1h30m", 5400), (">1m", 60), ("500ms", 0.5), ("", None), ("5", None), ("x1s", None)],
)
def test_spans_of_time(text: str, seconds: float | None) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize(
    ("time", "seconds"),
    [
        ({"from": "now-6h", "to": "now"}, 21600),
        ({"from": "now-2d", "to": "now-1d"}, 86400),
        ({"from": "now-1d/d", "to": "now/d"}, 86400),
        ({"from": "2024-01-01T00:00:00Z", "to": "2024-01-02T00:00:00Z"}, 3600),
        (None, 3600),
    ],
)
def test_the_time_that_a_dashboard_shows(time: Any, seconds: float) -> None:
    assert range_of(time) == seconds
