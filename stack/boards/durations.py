"""Spans of time as Grafana writes them: ``30s``, ``1h30m``, and moments such as ``now-6h``. Pure."""

from __future__ import annotations

import re

UNITS = {
    "ms": 0.001,
    "s": 1.0,
    "m": 60.0,
    "h": 3600.0,
    "d": 86400.0,
    "w": 604800.0,
    "M": 2592000.0,
    "y": 31536000.0,
}
PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|w|M|y)")
AGO = re.compile(r"now(?:-(.+?))?(?:/\w+)?$")
HOUR = 3600.0


def seconds_of(text: object) -> float | None:
    """Seconds of a span; None for what is none."""
    parts = PART.findall(str(text).lstrip("><= "))
    if not parts or "".join(number + unit for number, unit in parts) != str(text).lstrip("><= "):
        return None
    return sum(float(number) * UNITS[unit] for number, unit in parts)


def is_relative(time: object) -> bool:
    """Whether both ends of a dashboard's time are spans before now."""
    told = time if isinstance(time, dict) else {}
    return _ago(told.get("from", "now-1h")) is not None and _ago(told.get("to", "now")) is not None


def range_of(time: object) -> float:
    """Seconds from ``from`` to ``to`` of a dashboard's time; an hour where they are no spans before now."""
    told = time if isinstance(time, dict) else {}
    begins, ends = _ago(told.get("from", "now-1h")), _ago(told.get("to", "now"))
    if begins is None or ends is None or begins <= ends:
        return HOUR
    return begins - ends


def _ago(text: object) -> float | None:
    found = AGO.match(str(text))
    if found is None:
        return None
    return seconds_of(found[1]) if found[1] else 0.0
