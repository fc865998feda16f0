"""Durations as Prometheus and Alertmanager write them, such as ``1m30s``, and seconds."""

from __future__ import annotations

import re

UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0, "y": 31536000.0}
PART = re.compile(r"(\d+)(ms|[smhdwy])")
WRITTEN = ((86400, "d"), (3600, "h"), (60, "m"), (1, "s"))


def seconds(duration: object) -> float:
    """A duration in seconds; ValueError where it is none."""
    text = str(duration)
    parts = PART.findall(text)
    if text == "0":
        return 0.0
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f"not a duration: {text!r}")
    return sum(int(number) * UNITS[unit] for number, unit in parts)


def duration(seconds: float) -> str:
    """Seconds as Prometheus writes them, such as 1m30s."""
    left = round(seconds * 1000)
    parts = []
    for size, unit in WRITTEN:
        count, left = divmod(left, size * 1000)
        parts += [f"{count}{unit}"] if count else []
    parts += [f"{left}ms"] if left else []
    return "".join(parts) or "0s"
