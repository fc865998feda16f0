"""Quiet hours as people write them, ``22:00-06:00`` or ``sat,sun 00:00-24:00``, for Alertmanager. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from stack.components.own_toml import Wrong

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
TIME = r"(?:[01]\d|2[0-3]):[0-5]\d|24:00"
HOURS = re.compile(rf"(?:(?P<days>[a-zA-Z,: ]+)\s+)?(?P<start>{TIME})\s*-\s*(?P<end>{TIME})")
FORM = 'like "22:00-06:00", "sat,sun 00:00-24:00" or "mon:fri 18:00-08:00"'
PLACE = re.compile(r"(?!Etc/|SystemV/|posix/|right/)[A-Za-z]+/")
"""Zones by a place. Abbreviations are of several, and one that looks alike may be of another continent."""
MIDNIGHT, END = "00:00", "24:00"


def intervals(texts: Iterable[str], timezone: str) -> list[dict[str, Any]]:
    """The entries of one time interval; ``Wrong`` says how quiet hours are written."""
    if timezone:
        _check_zone(timezone)
    return [
        {
            "times": [{"start_time": start, "end_time": end}],
            **({"weekdays": days} if days else {}),
            **({"location": timezone} if timezone else {}),
        }
        for text in texts
        for days, start, end in _parts(text)
    ]


def _check_zone(name: str) -> None:
    """``Wrong`` for a zone that this machine does not know; one that knows none leaves it to Alertmanager."""
    import difflib
    from zoneinfo import ZoneInfo, available_timezones

    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        if known := available_timezones():
            places = {zone.lower(): zone for zone in known if PLACE.match(zone)}
            near = difflib.get_close_matches(name.lower(), places, n=1)
            hint = f"did you mean {places[near[0]]}?" if near else "a place, such as Europe/Berlin"
            raise Wrong(f"timezone: {name!r} is none", hint) from None


def _parts(text: str) -> Iterator[tuple[list[str], str, str]]:
    """Days and times; hours that go past midnight end on the next day, which Alertmanager wants said apart."""
    found = HOURS.fullmatch(text.strip())
    if not found or found["start"] == END or found["end"] == found["start"]:
        raise Wrong(f"quiet_hours: {text!r} cannot be read", f"write it {FORM}")
    days = [index for word in (found["days"] or "").split(",") if word.strip() for index in _days(word)]
    if found["start"] < found["end"]:
        yield _names(days), found["start"], found["end"]
        return
    yield _names(days), found["start"], END
    if found["end"] != MIDNIGHT:
        yield _names([(day + 1) % len(DAYS) for day in days]), MIDNIGHT, found["end"]


def _days(word: str) -> list[int]:
    first, colon, last = (part.strip() for part in word.partition(":"))
    start, end = _day(first), _day(last if colon else first)
    return [(start + step) % len(DAYS) for step in range((end - start) % len(DAYS) + 1)]


def _day(word: str) -> int:
    found = [index for index, day in enumerate(DAYS) if len(word) >= 3 and day.startswith(word.lower())]
    if not found:
        raise Wrong(f"quiet_hours: {word!r} is no day", f"write it {FORM}")
    return found[0]


def _names(days: Iterable[int]) -> list[str]:
    return [DAYS[day] for day in sorted(set(days))]
