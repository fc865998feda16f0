"""Units of metrics by their names, as Prometheus' naming conventions have them, in Grafana's words. Pure."""

from __future__ import annotations

from collections.abc import Mapping

WORDS: Mapping[str, str] = {
    "seconds": "s",
    "second": "s",
    "milliseconds": "ms",
    "millis": "ms",
    "ms": "ms",
    "microseconds": "µs",
    "us": "µs",
    "nanoseconds": "ns",
    "ns": "ns",
    "minutes": "m",
    "hours": "h",
    "days": "d",
    "bytes": "bytes",
    "bits": "bits",
    "kilobytes": "kbytes",
    "megabytes": "mbytes",
    "ratio": "percentunit",
    "percent": "percent",
    "celsius": "celsius",
    "fahrenheit": "fahrenheit",
    "volts": "volt",
    "amperes": "amp",
    "watts": "watt",
    "joules": "joule",
    "hertz": "hertz",
    "meters": "lengthm",
    "grams": "massg",
    "dbm": "dBm",
}
MOMENTS = ("timestamp_seconds", "start_time_seconds", "boot_time_seconds", "last_gc_time_seconds")
MOMENT = "dateTimeFromNow"
"""A moment as the time that has passed since, in milliseconds since 1970."""
PER_SECOND: Mapping[str, str] = {"bytes": "Bps", "bits": "bps", "s": "percentunit", "": "cps"}
COUNTED = "short"


def unit_of(name: str, told: str = "") -> str:
    """The unit of a gauge or of what a histogram observes; ``told``: what the target itself says."""
    if is_moment(name):
        return MOMENT
    return _known(told) or _of_name(name) or COUNTED


def rate_unit(name: str, told: str = "") -> str:
    """The unit of a counter's increase per second. Seconds per second are a share, as of a processor's time."""
    base = name.removesuffix("_total")
    if base.endswith(("requests", "http_requests")):
        return "reqps"
    return PER_SECOND.get(_known(told) or _of_name(base), "cps")


def is_moment(name: str) -> bool:
    """Whether a gauge is a time since 1970."""
    return (
        name.endswith(MOMENTS)
        or ("timestamp" in name and name.endswith("seconds"))
        or name == "node_time_seconds"
    )


def plain_name(name: str) -> str:
    """The name without the endings that its unit and kind have, in words."""
    words = name.removesuffix("_total").split("_")
    while len(words) > 1 and words[-1] in WORDS:
        words.pop()
    text = " ".join(word for word in words if word) or name
    return text[:1].upper() + text[1:]


def _known(told: str) -> str:
    return WORDS.get(told.lower(), "")


def _of_name(name: str) -> str:
    return WORDS.get(name.rpartition("_")[2].lower(), "")
