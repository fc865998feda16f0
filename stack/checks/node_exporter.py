"""The check of node_exporter, which only somebody inside the stack's network can ask.

From outside its readiness shows in Prometheus: its target is up.
"""

from __future__ import annotations

from stack.checks.check import SILENT, Check
from stack.checks.context import CheckContext
from stack.common.wait import NotYet


def ready(context: CheckContext) -> str:
    """The metrics page shows its own build."""
    page = context.http("node_exporter").get("/metrics").text
    line = next((line for line in page.splitlines() if line.startswith("node_exporter_build_info{")), "")
    if not line:
        raise NotYet("/metrics lacks node_exporter_build_info")
    version = line.partition(',version="')[2].partition('"')[0]
    return f"node_exporter {version} shows its metrics"


CHECKS = (Check("node_exporter.ready", "node_exporter serves", "node_exporter", "ready", ready, SILENT, 60),)
