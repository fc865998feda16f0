"""What one file or setting says of a whole Prometheus, Alertmanager or Grafana, which theirs says for itself. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from stack.config.settings import Settings
from stack.exports.operator.wish import Json

TAKEN = frozenset({"global", "alerting", "rule_files", "scrape_config_files"})
"""Keys of prometheus.yml that are about files that are exported, or about what theirs has."""
USUAL = frozenset({"scrape_interval", "scrape_timeout", "evaluation_interval", "external_labels"})
"""Keys of its ``global`` of which the exported objects have what matters; labels are judged one by one."""
SHIPPED_LABEL = "stack"
PROMETHEUS = "their Prometheus object"
PLACES = {
    "remote_write": f"spec.remoteWrite of {PROMETHEUS}",
    "remote_read": f"spec.remoteRead of {PROMETHEUS}",
}
SETTINGS = {
    "prometheus.extra_args": f"spec.additionalArgs of {PROMETHEUS}",
    "alertmanager.extra_args": "their Alertmanager object",
}


def of_main(main: Json) -> Iterator[str]:
    """What of prometheus.yml is left out, each with where it is said there."""
    for key, value in main.items():
        if key == "scrape_configs" and value:
            yield f"{key} of prometheus.yml is left out: jobs in files of own/prometheus/scrape/ come along"
        elif key not in TAKEN and value:
            yield _left_out(f"{key}{_named(value)}", PLACES.get(key, PROMETHEUS))
    usual = main.get("global") or {}
    labels = [name for name in usual.get("external_labels") or {} if name != SHIPPED_LABEL]
    if labels:
        yield _left_out(f"external_labels {', '.join(labels)}", f"spec.externalLabels of {PROMETHEUS}")
    for key in sorted(usual.keys() - USUAL):
        yield _left_out(f"{key} of global", PROMETHEUS)


def of_settings(settings: Settings) -> Iterator[str]:
    """The same of settings about processes that are theirs."""
    for path, place in SETTINGS.items():
        if settings[path]:
            yield _left_out(path, place)
    if names := sorted(settings.words("grafana.env")):
        yield _left_out(f"grafana.env {', '.join(names)}", "grafana.env in the values of their chart")


def _left_out(what: str, place: str) -> str:
    return f"{what} is left out: that is for {place} to say"


def _named(value: Any) -> str:
    names = [str(one["name"]) for one in value if isinstance(one, dict) and one.get("name")]
    return f" {', '.join(names)}" if names else ""
