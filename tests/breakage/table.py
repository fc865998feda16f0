"""All rows, quick ones first where their order is free; each stack goes through its own in this order."""

from __future__ import annotations

import os

from tests.breakage import (
    alerting,
    configuration,
    containers,
    dashboards,
    data,
    machine,
    networks,
    state,
    targets,
    volumes,
)
from tests.breakage.breakage import Breakage, Kind

ALL: tuple[Breakage, ...] = (
    *state.ROWS,
    *containers.ROWS,
    *networks.ROWS,
    *volumes.ROWS,
    *alerting.ROWS,
    *configuration.ROWS,
    *dashboards.ROWS,
    *targets.ROWS,
    *data.ROWS,
    *machine.ROWS,
)
BY_NAME = {row.name: row for row in ALL}


SELDOM = frozenset(
    [
        "image-removed",  # a new build has another identity, and the stacks of other tests run the same image
        "alertmanager-address-wrong",
        "target-404",
        "target-html",
        "target-slow",
        "target-certificate",
        "target-body-limit",
        "killed-under-lock",
        "detached-alertmanager",
        "detached-node_exporter",
        "frozen-alertmanager",
        "cpu-limit",
        "pids-limit",
        "foreign-network",
        "rule-labels-changed-and-loaded",
        "rule-for-changed-and-loaded",
        "scrape-path-changed-and-loaded",
        "garbage-not-loaded",
        "garbage-refused",
        "mark-removed",
        "alertmanager-garbage",
        "alertmanager-file-removed",
        "restarted-on-garbage",
        "template-added",
        "silence-of-one-alert",
        "own-label-unknown",
        "watchdog-route-gone",
        "panel-unknown-variable-bare",
        "target-no-such-host",
        "target-400",
        "target-403",
        "target-500",
        "target-json",
        "target-untyped",
        "target-garbage",
        "target-cut",
        "target-tls-to-plain",
        "target-sample-limit",
        "target-redirect",
        "target-redirect-nowhere",
        "target-redirect-ftp",
        "target-bom",
        "target-utf-16",
        "target-protobuf",
        "target-joined",
        "target-gzip",
        "target-own-container",
        "store-removed",
        "wal-garbled",
        "prometheus-data-full",
        "killed-in-the-middle",
        "output-closed",
        "terminal-dumb",
        "locale-c",
    ]
)
"""Rows of a kind that another row stands for: ``STACK_BREAKAGES=all`` runs them too, which takes twice as long."""


UNPROVEN: frozenset[str] = frozenset()
"""Rows that did not hold when they were last run, or were changed since: work to be done, with ``all`` they run too."""


def of_kind(kind: Kind) -> tuple[Breakage, ...]:
    """The rows of one stack that this run goes through."""
    every = os.environ.get("STACK_BREAKAGES") == "all"
    return tuple(row for row in ALL if row.on == kind and (every or row.name not in SELDOM | UNPROVEN))
