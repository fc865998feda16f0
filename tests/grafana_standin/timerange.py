"""Times and steps as Grafana computes them: relative times, the step of a range, durations in Go's spelling."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass

DEFAULT_STEP_MS = 15_000
SAFE_POINTS = 11_000
DEFAULT_POINTS = 1500
UNITS_MS = {
    "ms": 1,
    "s": 1000,
    "m": 60_000,
    "h": 3_600_000,
    "d": 86_400_000,
    "w": 604_800_000,
    "y": 31_536_000_000,
}
ROUNDED: tuple[tuple[float, int], ...] = (
    (15, 10),
    (35, 20),
    (75, 50),
    (150, 100),
    (350, 200),
    (750, 500),
    (1500, 1000),
    (3500, 2000),
    (7500, 5000),
    (12_500, 10_000),
    (17_500, 15_000),
    (25_000, 20_000),
    (45_000, 30_000),
    (90_000, 60_000),
    (210_000, 120_000),
    (450_000, 300_000),
    (750_000, 600_000),
    (1_050_000, 900_000),
    (1_500_000, 1_200_000),
    (2_700_000, 1_800_000),
    (5_400_000, 3_600_000),
    (9_000_000, 7_200_000),
    (16_200_000, 10_800_000),
    (32_400_000, 21_600_000),
    (86_400_000, 43_200_000),
    (604_800_000, 86_400_000),
    (1_814_400_000, 604_800_000),
    (3_628_800_000, 2_592_000_000),
)
YEAR_MS = 31_536_000_000


@dataclass(frozen=True)
class Range:
    """From and to, in milliseconds since 1970."""

    start: int
    end: int

    @property
    def length(self) -> int:
        """Milliseconds between the two."""
        return self.end - self.start


def read_range(start: object, end: object) -> Range:
    """Both ends; what is no time is 1970, as in the real server."""
    now = int(time.time() * 1000)
    return Range(_moment(start, now), _moment(end, now))


def _moment(text: object, now: int) -> int:
    value = str(text or "")
    if value.isdigit():
        return int(value)
    if value == "now":
        return now
    found = re.fullmatch(r"now-(\d+[a-z]+)", value)
    return now - duration_ms(found[1]) if found else 0


def duration_ms(text: str) -> int:
    """``15s`` in milliseconds; 0 for what is none."""
    found = re.fullmatch(r"(\d+)(ms|[smhdwy])", text)
    return int(found[1]) * UNITS_MS[found[2]] if found else 0


def step_ms(span: Range, least: int, points: int) -> int:
    """The step of a range: at least ``least``, about ``points`` points, never more than Prometheus allows."""
    wished = max(rounded(span.length / (points or DEFAULT_POINTS)), least)
    return max(wished, rounded(span.length / SAFE_POINTS))


def rounded(interval: float) -> int:
    """A step that people would choose."""
    return next((step for limit, step in ROUNDED if interval <= limit), YEAR_MS)


def short(ms: int) -> str:
    """A duration in one unit: ``15s``, ``1m``, ``6h``."""
    for unit in ("d", "h", "m", "s"):
        if ms >= UNITS_MS[unit] and ms % UNITS_MS[unit] == 0:
            return f"{ms // UNITS_MS[unit]}{unit}"
    return f"{ms}ms"


def go_duration(ms: int) -> str:
    """A duration as Go prints it: ``15s``, ``5m0s``, ``6h0m0s``."""
    hours, rest = divmod(ms, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    seconds = f"{rest / 1000:g}s"
    if hours:
        return f"{hours}h{minutes}m{seconds}"
    return f"{minutes}m{seconds}" if minutes else seconds
