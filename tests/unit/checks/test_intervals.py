"""Time intervals as Alertmanager reads them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from stack.checks.intervals import covers, moments

THURSDAY = datetime(2026, 2, 26, 13, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    ("entry", "covered"),
    [
        ({}, True),
        (None, True),
        ({"times": [{"start_time": "09:00", "end_time": "17:00"}]}, True),
        ({"times": [{"start_time": "13:20", "end_time": "13:21"}]}, True),
        ({"times": [{"start_time": "13:00", "end_time": "13:20"}]}, False),
        ({"times": [{"start_time": "00:00", "end_time": "24:00"}]}, True),
        ({"weekdays": ["monday:friday"]}, True),
        ({"weekdays": ["saturday", "sunday"]}, False),
        ({"weekdays": ["Thursday"]}, True),
        ({"days_of_month": ["-3:-1"]}, True),
        ({"days_of_month": ["1:5", "27"]}, False),
        ({"months": ["january:march"]}, True),
        ({"months": ["2"]}, True),
        ({"months": ["may"]}, False),
        ({"years": ["2026"]}, True),
        ({"years": ["2020:2025"]}, False),
        ({"weekdays": ["thursday"], "months": ["may"]}, False),
        ({"location": "Asia/Tokyo", "times": [{"start_time": "22:00", "end_time": "23:00"}]}, True),
        ({"location": "Nowhere/Atall", "times": [{"start_time": "13:00", "end_time": "14:00"}]}, True),
    ],
)
def test_an_entry_covers_a_moment(entry: Any, covered: bool) -> None:
    assert covers([entry], THURSDAY) is covered


def test_an_interval_of_no_entries_covers_nothing() -> None:
    assert not covers([], THURSDAY)
    assert not covers(None, THURSDAY)


def test_a_week_is_looked_at() -> None:
    asked = list(moments(THURSDAY))
    assert asked[0] == THURSDAY
    assert THURSDAY + timedelta(days=6, hours=23) < asked[-1] < THURSDAY + timedelta(days=7)
