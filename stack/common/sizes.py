"""Bytes as settings write them and as people read them. Powers of 1024 in settings, as Prometheus takes them."""

from __future__ import annotations

UNITS = {"MB": 1024**2, "GB": 1024**3, "TB": 1024**4}


def in_bytes(written: str) -> int:
    """Bytes of a checked text such as 512MB."""
    return int(written[:-2]) * UNITS[written[-2:]]


def shown(size: float) -> str:
    """A size for people, in its largest unit."""
    unit = next((u for u in ("TB", "GB") if size >= UNITS[u]), "MB")
    return f"{size / UNITS[unit]:.1f} {unit}"
