"""Alertmanager's receivers that can be tried: the bundle has a route to each, for test alerts to it alone. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stack.model.spec import TRIED_RECEIVER

TARGET = "app:8000"
"""The application, as Alertmanager and Prometheus ask it."""
HTTP = "http_config"
FOLLOWS = "follow_redirects"
WITHOUT_HTTP = frozenset({"email"})
"""Integrations that have no ``http_config``."""
HEARTBEAT = "stack-heartbeat"
"""The receiver that tells an address outside of the Watchdog, and nobody of anything else."""
NOT_THE_BUNDLES = ('stack_test!="true"', 'alertname!="Watchdog"')
"""A receiver of the settings hears of neither the bundle's test alerts nor the heartbeat, unless it asks for one."""


def tried_in(config: Mapping[str, Any]) -> frozenset[str]:
    """The names of those that the rendered file has such a route to."""
    return frozenset(
        str(route.get("receiver"))
        for route in (config.get("route") or {}).get("routes") or ()
        if any(TRIED_RECEIVER in str(matcher) for matcher in route.get("matchers") or ())
    )
