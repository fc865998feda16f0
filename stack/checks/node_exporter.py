"""The check of node_exporter, which only somebody inside the stack's network can ask.

From outside its readiness shows in Prometheus: its target is up.
"""

from __future__ import annotations

from stack.checks.check import SILENT, Check
from stack.checks.context import CheckContext
from stack.checks.model import Broken, Evidence
from stack.common.moments import short
from stack.common.wait import NotYet

FAILED = "node_textfile_scrape_error"
AGES = "time() - node_textfile_mtime_seconds"
STALE = 86400.0
"""Seconds after which a file is called old: what is written by a timer is written at least daily."""


def ready(context: CheckContext) -> str:
    """The metrics page shows its own build."""
    page = context.http("node_exporter").get("/metrics").text
    line = next((line for line in page.splitlines() if line.startswith("node_exporter_build_info{")), "")
    if not line:
        raise NotYet("/metrics lacks node_exporter_build_info")
    version = line.partition(',version="')[2].partition('"')[0]
    return f"node_exporter {version} shows its metrics"


def textfile(context: CheckContext) -> str | Evidence:
    """What others write into the folder arrives in Prometheus, and somebody still writes it."""
    told = context.prometheus.query(FAILED)
    if not told:
        raise NotYet("Prometheus has not scraped node_exporter since it reads the textfile folder")
    if any(sample.value for sample in told):
        raise Broken(
            "node_exporter cannot read a file of its textfile folder",
            "monitoring-stack logs node_exporter names it: it must be text metrics that user 65534 may read",
        )
    files = {dict(sample.labels).get("file", ""): sample.value for sample in context.prometheus.query(AGES)}
    if not files:
        return Evidence("the textfile folder is read", ("there is no .prom file in the textfile folder yet",))
    old = [f"{_name(file)} {short(age)}" for file, age in sorted(files.items()) if age > STALE]
    newest = f"{len(files)} textfiles arrive, the newest written {short(max(0.0, min(files.values())))} ago"
    return Evidence(newest, (f"nobody has written for long: {'; '.join(old)}",)) if old else newest


def _name(file: str) -> str:
    return file.rpartition("/")[2]


CHECKS = (
    Check("node_exporter.ready", "node_exporter serves", "node_exporter", "ready", ready, SILENT, 60),
    Check(
        "node_exporter.textfile",
        "metrics that others write into its folder arrive",
        "prometheus",
        "proven",
        textfile,
        after=("prometheus.targets",),
        scraped="node_exporter",
        textfile=True,
        by_scrape="shipped",
    ),
)
