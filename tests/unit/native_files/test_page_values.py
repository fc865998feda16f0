"""The quick-look page gives variables the values that Grafana gives them, as the judging of panels does."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from stack.boards.interpolate import Span, formatted, interpolated
from stack.boards.options import filtered, fixed_options
from stack.boards.variables import question_of, value_of, variables_of

VALUES = Path(__file__).resolve().parents[3] / "prometheus/user/values.js"
NODE = shutil.which("node")
pytestmark = pytest.mark.skipif(NODE is None, reason="no node on this machine")
SPAN = Span(0.0, 3600.0, 9.0)
RUN = """
const page = require(process.argv[1]);
const { listed, found, text, range } = JSON.parse(process.argv[2]);
const { values } = page.macros(range, range);
const asked = {};
for (const variable of page.ordered({ templating: { list: listed } })) {
  const question = page.question(variable);
  asked[variable.name] = question && [question.kind, question.text, question.label];
  const options = question ? page.options(variable, found[variable.name] ?? []) : page.written(variable);
  values[variable.name] = page.choose(variable, options, range);
}
console.log(JSON.stringify({ asked, text: page.resolve(text, values) }));
"""


def in_the_page(listed: list[dict[str, Any]], found: dict[str, list[str]], text: str) -> dict[str, Any]:
    told = json.dumps({"listed": listed, "found": found, "text": text, "range": 3600})
    ran = subprocess.run(
        [str(NODE), "-e", RUN, str(VALUES), told], capture_output=True, text=True, check=True, timeout=60
    )
    answer: dict[str, Any] = json.loads(ran.stdout)
    return answer


def here(listed: list[dict[str, Any]], found: dict[str, list[str]], text: str) -> dict[str, Any]:
    values, asked = {}, {}
    for variable in variables_of({"templating": {"list": listed}}):
        question = question_of(variable.query) if variable.asks else None
        asked[variable.name] = [question.kind, question.text, question.label] if question else None
        options = (
            filtered(variable, found.get(variable.name, ())) if variable.asks else fixed_options(variable)
        )
        values[variable.name] = value_of(variable, options, SPAN)
    return {"asked": asked, "text": interpolated(text, values, SPAN.macros())}


LISTED: list[dict[str, Any]] = [
    {
        "name": "inner",
        "type": "query",
        "query": {"query": 'label_values(up{job="$one"}, instance)'},
        "multi": True,
        "current": {"value": ["b:1", "gone"]},
    },
    {"name": "one", "type": "query", "query": "label_values(up, job)"},
    {"name": "kept", "type": "query", "query": "label_values(job)", "current": {"value": "b"}, "sort": 2},
    {
        "name": "every",
        "type": "query",
        "query": "label_values(x, y)",
        "includeAll": True,
        "current": {"value": ["$__all"]},
    },
    {
        "name": "whole",
        "type": "query",
        "query": "metrics(node)",
        "includeAll": True,
        "allValue": ".+",
        "current": {"value": "gone"},
    },
    {"name": "cut", "type": "query", "query": "query_result(up)", "regex": '/job="([^"]+)"/'},
    {"name": "step", "type": "interval", "query": "1m,5m", "current": {"value": "5m"}},
    {
        "name": "auto",
        "type": "interval",
        "query": "1m",
        "auto": True,
        "auto_count": 30,
        "current": {"value": "$__auto_interval_auto"},
    },
    {"name": "list", "type": "custom", "query": "A : a,B : b"},
    {"name": "fixed", "type": "constant", "query": "k"},
    {"name": "typed", "type": "textbox", "query": "default", "current": {"value": "typed"}},
]
FOUND = {
    "one": ["a.b", "c"],
    "inner": ["a:1", "b:1"],
    "kept": ["a", "b"],
    "every": ["x.y", "z"],
    "whole": ["m"],
    "cut": ['up{job="j"} 1 2', "none"],
}


@pytest.mark.parametrize(
    "text",
    [
        'up{job="$one", instance=~"$inner"}',
        "${kept} [[list]] ${fixed} $typed ${cut}",
        'x{a=~"$every", b=~"${whole}"}',
        "${every:pipe} ${every:csv} ${every:regex} [[every:pipe]]",
        "rate(x[$step]) + rate(x[$auto])",
        "x[$__range] $__range_s $__interval $__rate_interval $__from $__to",
        'label_replace(up, "a", "$1", "b", "(.*)$")',
    ],
)
def test_a_query_is_the_same_on_the_page(text: str) -> None:
    assert in_the_page(LISTED, FOUND, text) == here(LISTED, FOUND, text)


def test_a_query_that_no_page_can_ask_is_not_asked() -> None:
    listed = [{"name": "v", "type": "query", "query": "", "current": {"value": "file"}}]
    assert in_the_page(listed, {}, "$v")["asked"] == {"v": None}


def test_the_values_are_those_of_prometheus() -> None:
    assert (
        formatted(value_of(variables_of({"templating": {"list": [LISTED[3]]}})[0], [("a.b", "a.b")], SPAN))
        == "a\\\\.b"
    )
