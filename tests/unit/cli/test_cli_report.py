"""The time that a report is about, as people write it."""

from __future__ import annotations

import argparse

import pytest

from stack.cli.report import Asked, time_of
from stack.common.errors import UsageError

NOW = 1_767_229_200.0
HOUR = 3600.0


def asked(**told: str) -> Asked:
    options = {"range": "", "from_": "", "to": "", **told}
    return time_of(argparse.Namespace(**options), NOW)


@pytest.mark.parametrize(
    ("told", "start", "end"),
    [
        ({}, NOW - 6 * HOUR, NOW),
        ({"range": "90m"}, NOW - 1.5 * HOUR, NOW),
        ({"to": "now-1h", "range": "1h"}, NOW - 2 * HOUR, NOW - HOUR),
        ({"from_": "now-3h"}, NOW - 3 * HOUR, NOW),
        ({"from_": "2026-01-01T00:00", "to": "2026-01-01 00:30:00 UTC"}, NOW - HOUR, NOW - HOUR / 2),
    ],
)
def test_a_time_is_read(told: dict[str, str], start: float, end: float) -> None:
    assert asked(**told) == Asked(start, end)


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ({"range": "1h", "from_": "now-2h"}, "give one"),
        ({"range": "yesterday"}, "not a span"),
        ({"from_": "tuesday"}, "not a moment"),
        ({"from_": "now-soon"}, "not a moment"),
        ({"to": "2027-01-01"}, "still to come"),
        ({"from_": "now-1h", "to": "now-2h"}, "at least a minute"),
        ({"range": "30s"}, "at least a minute"),
        ({"range": "2y"}, "at most 400 days"),
    ],
)
def test_what_cannot_be_meant_is_said(told: dict[str, str], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        asked(**told)
