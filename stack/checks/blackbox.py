"""Checks of blackbox_exporter: it serves, and what its probes found. A probe that fails is what its alert is for."""

from __future__ import annotations

from msgspec.structs import replace

from stack.checks.check import Check
from stack.checks.context import CheckContext
from stack.checks.model import Evidence
from stack.checks.readiness import answers
from stack.clients.prometheus import Prometheus

SEEN = "probe_success"
CODE = "probe_http_status_code"


def probes(context: CheckContext) -> Evidence:
    """How many probes succeed; those that do not are remarks."""
    count, remarks = failing(context.prometheus)
    if not count:
        return Evidence("no probe was asked yet")
    return Evidence(f"{count - len(remarks)} of {count} probes succeed", remarks)


def failing(prometheus: Prometheus) -> tuple[int, tuple[str, ...]]:
    """How many probes there are, and those of them that fail, in words; ``HttpFailure`` where nobody answers."""
    found = [(dict(sample.labels), sample.value) for sample in prometheus.query(SEEN)]
    bad = [labels for labels, value in found if value != 1]
    codes = _codes(prometheus) if bad else {}
    return len(found), tuple(f"probe {_name(labels)} fails{codes.get(_name(labels), '')}" for labels in bad)


def _codes(prometheus: Prometheus) -> dict[str, str]:
    found = prometheus.query(f"{CODE} > 0")
    return {_name(dict(sample.labels)): f" (HTTP {sample.value:g})" for sample in found}


def _name(labels: dict[str, str]) -> str:
    return f"{labels.get('job', '')} of {labels.get('instance', '')}"


CHECKS = (
    replace(answers("blackbox", "blackbox_exporter"), scraped="blackbox"),
    Check(
        "prometheus.probes",
        "what the probes found",
        "prometheus",
        "proven",
        probes,
        "monitoring-stack probe list shows each",
        15,
        after=("prometheus.targets",),
        scraped="blackbox",
        by_scrape="any",
    ),
)
