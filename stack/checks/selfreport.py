"""Checks of what the products count against themselves: data that is not stored, notices that are not delivered.

A counter that stands above nothing may tell of last week; one that grew within the last minutes tells of now. All of
them are asked of Prometheus, which scrapes them, so that one question covers everybody.
"""

from __future__ import annotations

from collections.abc import Iterable

from stack.checks.check import LOGS, Check
from stack.checks.context import CheckContext
from stack.checks.model import Broken, Evidence, Pending
from stack.checks.words import some
from stack.clients.exposition import sample
from stack.clients.prometheus import Sample
from stack.common.wait import NotYet

YOUNG = 150.0
"""Seconds within which a stack's products may miss one another: what they count then is no fault."""
WINDOW = "2m"
PRESENT = "30s"
"""What was lost before is over: somebody may have mended it since."""
MISSED_SCRAPES = 4
STORAGE = (
    "prometheus_tsdb_wal_writes_failed_total",
    "prometheus_tsdb_wal_corruptions_total",
    "prometheus_tsdb_wal_truncations_failed_total",
    "prometheus_tsdb_checkpoint_creations_failed_total",
    "prometheus_tsdb_compactions_failed_total",
    "prometheus_tsdb_reloads_failures_total",
    "prometheus_tsdb_head_truncations_failed_total",
    "prometheus_tsdb_mmap_chunk_corruptions_total",
)
DELIVERY = (
    "prometheus_notifications_dropped_total",
    "prometheus_notifications_errors_total",
    "alertmanager_notifications_failed_total",
    "alertmanager_nflog_maintenance_errors_total",
    "alertmanager_silences_maintenance_errors_total",
)
DIMENSIONS = "__name__, job, integration, receiver_name, reason"
COLLECTORS = ("cpu", "meminfo", "filesystem", "loadavg", "diskstats", "netdev", "stat", "timex", "textfile")
"""What rules and dashboards need of node_exporter. Others say "no success" where the machine lacks their hardware."""
HOST = (
    f'node_scrape_collector_success{{collector=~"{"|".join(COLLECTORS)}"}} == 0 '
    "or node_textfile_scrape_error == 1"
)
NEWEST = "time() - max(timestamp(up))"
SPACE = "no space left on device"
DISK_FULL = "the disk of Prometheus' data volume is full"
LOG_LINES = 200
DISK = (
    "free space for its data volume (docker system df), then monitoring-stack restart; its log names the file"
)


def stored(context: CheckContext) -> str:
    """What Prometheus scrapes is stored: its newest sample is fresh, and no failure of its storage was counted."""
    found = context.prometheus.query(NEWEST)
    late = max(15.0, MISSED_SCRAPES * context.expected.scrape_interval)
    if not found or found[0].value > late:
        what = (
            f"the newest sample is {found[0].value:.0f} s old" if found else "no sample of the last 5 minutes"
        )
        if failed := _failures(context):
            full = any(SPACE in line for line in context.log_of("prometheus", LOG_LINES))
            cause = DISK_FULL if full else "Prometheus stores nothing"
            raise Broken(f"{cause}: {what}; {failed}", DISK)
        raise (Pending if context.expected.age < YOUNG else NotYet)(f"Prometheus stores nothing: {what}")
    if grown := _grown(context, STORAGE):
        raise NotYet(f"Prometheus fails to store: {some(map(_named, grown))}", DISK)
    return f"the newest sample is {found[0].value:.0f} s old; no failure of the storage within {WINDOW}"


def _failures(context: CheckContext) -> str:
    """What it counts on its own page, where what it has stored tells nothing."""
    own = context.prometheus.http.get("/metrics")
    counted = {name: sample(own, name) for name in STORAGE if f"\n{name} " in own.text}
    return ", ".join(f"{name} is {value:.0f}" for name, value in counted.items() if value > 0)


def delivered(context: CheckContext) -> Evidence:
    """No notice is lost between the products, and node_exporter reads what it should; what is over is a remark."""
    old = context.expected.age >= YOUNG
    if old and (growing := _grown(context, DELIVERY, PRESENT)):
        raise NotYet(f"notices are lost: {some(map(_named, growing))}", _whose_log(growing))
    grown = _grown(context, DELIVERY) if old else ()
    if silent := context.prometheus.query(HOST):
        raise NotYet(f"node_exporter cannot read {some(map(_collector, silent))}", f"{LOGS}: node_exporter")
    over = f"notices were lost within {WINDOW}, none within {PRESENT}: {some(map(_named, grown))}"
    evidence = f"no notice was lost within {PRESENT}, node_exporter reads what is asked of it"
    return Evidence(evidence, (over,) if grown else ())


def _grown(context: CheckContext, names: Iterable[str], window: str = WINDOW) -> tuple[Sample, ...]:
    """The counters that have grown within the window, also those that began in it."""
    now = f'sum by ({DIMENSIONS}) ({{__name__=~"{"|".join(names)}"}})'
    before = f'sum by ({DIMENSIONS}) ({{__name__=~"{"|".join(names)}"}} offset {window})'
    match = f"on ({DIMENSIONS})"
    return context.prometheus.query(f"{now} > {match} {before} or ({now} > 0 unless {match} {before})")


def _named(one: Sample) -> str:
    labels = dict(one.labels)
    how = " ".join(filter(None, map(labels.get, ("receiver_name", "integration", "reason"))))
    return f"{labels.get('__name__', 'a counter')}{f' ({how})' if how else ''} grew to {one.value:.0f}"


def _whose_log(found: Iterable[Sample]) -> str:
    names = {dict(one.labels).get("__name__", "").partition("_")[0] for one in found}
    return f"monitoring-stack logs {' and '.join(sorted(names))} names the address and the answer"


def _collector(one: Sample) -> str:
    return dict(one.labels).get("collector", "a file of its textfile folder")


CHECKS = (
    Check(
        "prometheus.storage",
        "what is scraped is stored",
        "prometheus",
        "proven",
        stored,
        "monitoring-stack logs prometheus shows why",
        20,
        every=0.2,
        after=("prometheus.config",),
        recurring=True,
        by_scrape="shipped",
    ),
    Check(
        "prometheus.reports",
        "no product counts lost notices or unread parts of the host",
        "prometheus",
        "proven",
        delivered,
        LOGS,
        20,
        every=0.2,
        after=(
            "prometheus.storage",
            "alertmanager.receivers",
            "alertmanager.routes",
            "alertmanager.notifications",
        ),
        recurring=True,
    ),
)
