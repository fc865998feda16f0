"""Orders and reports survive the way through JSON; anything else is refused with its reason."""

from __future__ import annotations

import json

import pytest
from msgspec.structs import replace

from stack.checks.messages import Order, dump_order, dump_report, load_order, load_report
from stack.checks.model import Finding, Report
from tests.unit.checks.fake_stack import JOBS, RULES, expectation

RULE = replace(RULES[0], annotations=(("a", "b"),), unchecked=(("", "x"),), own=True)
JOB = replace(
    JOBS[0], params=(("a", "b"),), files=("/ca",), reserved=("__scheme__",), discovered=True, by=("dns",)
)
REPORT = Report((Finding("c", "app", "ready", "failed", "evidence", "hint", 0.5),), 1.5)


@pytest.mark.parametrize(
    "order",
    [
        Order(expectation()),
        Order(replace(expectation(), rules=(RULE,), jobs=(JOB,))),
        Order(expectation(), ("ready", "proven"), ("app.ready",), at_most=(("ready", 5.0),)),
    ],
)
def test_an_order_survives(order: Order) -> None:
    assert load_order(dump_order(order)) == order


def test_a_report_survives_among_log_lines() -> None:
    assert load_report(f"warning: x\n{dump_report(REPORT)}\n") == REPORT
    assert json.loads(dump_report(REPORT))["ok"] is False


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        "{}",
        '{"expected": {}, "stages": [], "names": [], "at_most": [], "reload_provisioning": false}',
    ],
)
def test_what_is_no_order(text: str) -> None:
    with pytest.raises(ValueError, match="not an order"):
        load_order(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [("", "no report"), ("Traceback", "no report"), ('{"a": 1}', "not a report"), ("{", "not")],
)
def test_what_is_no_report(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        load_report(text)


def test_who_does_not_answer_is_the_first_cause() -> None:
    silent = Finding("app.ready", "app", "ready", "failed", "no answer")
    empty = Finding("prometheus.series", "prometheus", "proven", "failed", "no series")
    assert Report((empty, silent)).causes == (silent, empty)
