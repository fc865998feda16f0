"""Moments: engines' and our own texts, read and written."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from stack.common.moments import ahead_of, follow, instant, moment, short, stamp, wall_clock

PACKAGE = Path(__file__).resolve().parents[3] / "stack"


@pytest.fixture
def unfollowed() -> Iterator[None]:
    yield
    follow(0.0)


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


def test_the_wall_clock_is_that_of_the_engine_once_it_is_known(unfollowed: None) -> None:
    assert wall_clock() == pytest.approx(time.time(), abs=5)
    follow(-7200.0)
    assert wall_clock() == pytest.approx(time.time() - 7200, abs=5)
    follow(10.0)
    assert wall_clock() == pytest.approx(time.time() + 10, abs=5)


@pytest.mark.parametrize(
    ("said", "began", "ended", "ahead"),
    [
        ("2026-11-26T10:01:00.5Z", 1795687260.0, 1795687261.0, 0.0),
        ("2026-11-26T10:01:00Z", 1795687200.0, 1795687202.0, 59.0),
        ("2026-11-26T10:01:00.123456789Z", 1795694460.0, 1795694460.0, -7199.876543),
        ("2026-11-26T10:01:00Z", 1795687261.0, 1795687261.0, 0.0),  # a second is nothing
        ("2026-11-26T10:01:00Z", 1795687230.0, 1795687280.0, 0.0),  # nor what a slow answer explains
        ("2026-11-26T12:01:00+02:00", 1795687200.0, 1795687200.0, 60.0),
        ("0001-01-01T00:00:00Z", 1795687260.0, 1795687260.0, 0.0),
        (None, 1795687260.0, 1795687260.0, 0.0),
        ("", 1795687260.0, 1795687260.0, 0.0),
    ],
)
def test_how_far_another_clock_is_ahead(said: object, began: float, ended: float, ahead: float) -> None:
    assert ahead_of(said, began, ended) == pytest.approx(ahead)


@pytest.mark.parametrize("folder", ["checks", "clients", "deploy"])
def test_products_are_asked_by_the_clock_of_their_engine(folder: str) -> None:
    files = sorted((PACKAGE / folder).rglob("*.py"))
    assert files
    assert [
        file.name for file in files if re.search(r"\btime\.time\(", file.read_text(encoding="utf-8"))
    ] == []
