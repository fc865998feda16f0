"""Checks of blackbox_exporter: it serves, and what its probes found. A probe that fails is what its alert is for."""

from __future__ import annotations

from dataclasses import replace

from stack.checks.check import Check
from stack.checks.context import CheckContext
from stack.checks.model import Evidence
from stack.checks.readiness import answers

SEEN = "probe_success"
CODE = "probe_http_status_code"


def probes(context: CheckContext) -> Evidence:
    """How many probes succeed; those that do not are remarks."""
    found = [(dict(sample.labels), sample.value) for sample in context.prometheus.query(SEEN)]
    if not found:
        return Evidence("no probe was asked yet")
    failing = [labels for labels, value in found if value != 1]
    codes = _codes(context) if failing else {}
    remarks = tuple(f"probe {_name(labels)} fails{codes.get(_name(labels), '')}" for labels in failing)
    return Evidence(f"{len(found) - len(failing)} of {len(found)} probes succeed", remarks)


def _codes(context: CheckContext) -> dict[str, str]:
    found = context.prometheus.query(f"{CODE} > 0")
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
