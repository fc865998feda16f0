"""Whether prometheus_client is installed, found out without importing it (an import costs 35-75 ms)."""

from __future__ import annotations

from importlib.util import find_spec


def _installed() -> bool:
    try:
        return find_spec("prometheus_client") is not None
    except (ImportError, ValueError):
        return False


PROMETHEUS_AVAILABLE = _installed()
