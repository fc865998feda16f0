"""Alertmanager's time intervals: whether a named one covers a moment, and until when.

Pure. An interval is a list of entries; an entry covers a moment when each of its conditions does, and one without
conditions covers all time.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
MONTHS = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
STEP = timedelta(minutes=15)
AHEAD = timedelta(days=7)
"""How far ahead an interval is followed: one that covers a whole week is as good as always there."""

Entry = Mapping[str, Any]


def covers(entries: object, moment: datetime) -> bool:
    """Whether one of the entries covers ``moment``, a time with its zone."""
    listed = entries if isinstance(entries, list) else []
    return any(_covers(entry or {}, moment) for entry in listed)


def moments(now: datetime) -> Iterator[datetime]:
    """The moments of the coming week at which a verdict is asked."""
    moment = now
    while moment < now + AHEAD:
        yield moment
        moment += STEP


def _covers(entry: Entry, moment: datetime) -> bool:
    local = moment.astimezone(_zone(str(entry.get("location") or "UTC")))
    minute = local.hour * 60 + local.minute
    last = monthrange(local.year, local.month)[1]
    return (
        _any(entry, "times", lambda one: _minutes(one["start_time"]) <= minute < _minutes(one["end_time"]))
        and _any(entry, "weekdays", lambda one: _named(one, DAYS, 0, (local.weekday() + 1) % 7))
        and _any(entry, "days_of_month", lambda one: _day(one, local.day, last))
        and _any(entry, "months", lambda one: _named(one, MONTHS, 1, local.month))
        and _any(entry, "years", lambda one: _named(one, (), 0, local.year))
    )


def _any(entry: Entry, key: str, holds: Any) -> bool:
    """Whether one of the conditions of a kind holds; without any, it holds."""
    conditions = entry.get(key) or []
    return not conditions or any(holds(condition) for condition in conditions)


def _zone(name: str) -> tzinfo:
    """``Local`` is the container's own zone, which is UTC; so is one that this machine does not know."""
    if name in ("UTC", "Local"):
        return UTC
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def _minutes(time: object) -> int:
    hours, _, minutes = str(time).partition(":")
    return int(hours) * 60 + int(minutes)


def _ends(written: object) -> tuple[str, str]:
    begin, colon, end = str(written).strip().lower().partition(":")
    return begin.strip(), (end if colon else begin).strip()


def _named(written: object, names: tuple[str, ...], first: int, value: int) -> bool:
    begin, end = (names.index(word) + first if word in names else int(word) for word in _ends(written))
    return begin <= value <= end


def _day(written: object, day: int, last: int) -> bool:
    begin, end = (number if number > 0 else last + 1 + number for number in map(int, _ends(written)))
    return begin <= day <= end
