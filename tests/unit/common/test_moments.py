"""Moments: engines' and our own texts, read and written."""

from __future__ import annotations

import pytest

from stack.common.moments import instant, moment, short, stamp


def test_a_stamp_is_read_back() -> None:
    assert stamp(1795687260.4) == "2026-11-26 10:01:00 UTC"
    assert moment(stamp(1795687260.4)) == 1795687260.0


@pytest.mark.parametrize("text", ["2026-11-26T10:01:00.123456789Z", "2026-11-26T10:01:00+00:00"])
def test_an_engines_text_is_read(text: str) -> None:
    assert moment(text) == 1795687260.0


@pytest.mark.parametrize("text", ["", "yesterday", "0001"])
def test_what_is_no_moment_is_0(text: str) -> None:
    assert moment(text) == 0.0


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 s"), (59, "59 s"), (60, "1 min"), (7200, "2 h"), (200000, "2 d")]
)
def test_a_span_is_told_in_its_largest_unit(seconds: float, text: str) -> None:
    assert short(seconds) == text


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("2026-11-26T10:01:00.123456789Z", 1795687260.123456), ("0001-01-01T00:00:00Z", 0.0)],
)
def test_an_instant_keeps_its_fraction_and_one_that_has_not_come_is_0(text: str, seconds: float) -> None:
    assert instant(text) == seconds
