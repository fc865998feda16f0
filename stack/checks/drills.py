"""Drills: which fault provokes which shipped alert, and by when that must be told and be over. Pure.

The bound follows from the files that are loaded: scrape intervals, the alert's own rule with those that it asks, and
the route that it takes. An alert that no drill provokes has its reason here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from msgspec import Struct

from stack.checks.model import Expected, Job, Rule
from stack.checks.routing import Route, read, routes_of
from stack.common.durations import seconds
from stack.common.matchers import Labels
from stack.common.yaml_text import load_yaml

SPARE = 5.0
"""Seconds for what has no interval: a request, a thread's turn, a look of the drill's own."""
PROBE = "/probe"
PROMETHEUS = "prometheus"
HOST = re.compile(r"^[a-z]+://")
"""What stands before the host in what a probe asks."""
RANGE = re.compile(r"\[(\d+(?:ms|[smhdwy]))")


class Drill(Struct, frozen=True):
    """One drill. ``switch`` is a fault of the application, ``stops`` a component whose container is stopped,
    ``sends`` an address to which Prometheus' samples are sent meanwhile, as remote_write under the drill's name;
    ``held``: they wait here for ever, so that none is refused once the drill is over.

    ``job``: whose scrapes show it; ``asked``: the host that a probe of the user's asks, whose scrapes show it instead.
    ``labels``: those that the alert will surely have beside its rule's own, for its route.
    ``share``: of the rule's window must show the fault before its condition holds; of 1.0 none after the fault.
    Those of one ``wave`` do not disturb each other and may run side by side.
    """

    name: str
    alert: str
    what: str
    switch: str = ""
    stops: str = ""
    sends: str = ""
    held: bool = False
    job: str = "app"
    asked: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    share: float = 0.0
    wave: int = 1


class Bound(Struct, frozen=True):
    """Seconds from the fault until each stage at the latest; ``ended`` counts from the end of the fault."""

    pending: float
    firing: float
    told: float
    ended: float


DRILLS = (
    Drill("denied-hosts", "URLGateHighHostDenials", "the load asks for denied hosts", "host-denials"),
    Drill("zip-bombs", "ExtractionGateZipBombDetection", "the load sends zip bombs", "zip-bombs"),
    Drill(
        "path-traversal",
        "FilesystemGateTraversalDetection",
        "the load sends paths that climb out",
        "path-traversal",
    ),
    Drill("stale-writes", "DBBoundaryViolationAttempt", "the load writes on a stale read", "latest-mismatch"),
    Drill("target-gone", "TargetDown", "node_exporter is stopped", stops="node_exporter", job="node"),
    Drill("gates-reject", "GateHighRejectionRate", "every gate refuses everything", "reject-all", wave=2),
    Drill(
        "store-down", "MemorySubstrateUnhealthy", "the packet store answers nothing", "substrate-down", wave=2
    ),
    Drill("grafana-gone", "GrafanaDown", "Grafana is stopped", stops="grafana", job="grafana", wave=2),
    Drill(
        "gates-slow", "GateLatencyHigh", "every decision takes 30 ms longer", "slow-gate", share=0.25, wave=3
    ),
    Drill(
        "tools-fail",
        "ToolErrorRateHigh",
        "the load calls tools with what they cannot do",
        "tool-failures",
        wave=3,
    ),
    Drill(
        "probe-fails",
        "ProbeFailed",
        "node_exporter, which a probe asks, is stopped",
        stops="node_exporter",
        asked="node-exporter",
        wave=3,
    ),
    Drill(
        "samples-refused",
        "RemoteWriteFailing",
        "samples are sent to an address that refuses them",
        sends="http://127.0.0.1:9090/-/healthy",
        job=PROMETHEUS,
        wave=3,
    ),
    Drill(
        "samples-held-up",
        "RemoteWriteBehind",
        "samples are held back from an address",
        sends="http://127.0.0.1:1/",
        held=True,
        job=PROMETHEUS,
        wave=4,
    ),
    Drill(
        "tools-time-out", "ToolTimeouts", "the load calls tools that take too long", "tool-timeouts", wave=4
    ),
    Drill("gates-idle", "GateUnavailable", "the load pauses", "quiet", share=1.0, wave=5),
)
BY_NAME: Mapping[str, Drill] = MappingProxyType({drill.name: drill for drill in DRILLS})
WHY_NOT: Mapping[str, str] = MappingProxyType(
    {
        "Watchdog": "it always fires: smoke proves that it arrives",
        "AlertmanagerConfigReloadFailed": "reload refuses a broken file before it is loaded",
        "PrometheusConfigReloadFailed": "reload refuses a broken file before it is loaded",
        "AlertmanagerNotificationsFailing": "it needs a receiver that refuses, and would tell nobody else",
        "PrometheusNotificationsDropped": "it needs Alertmanager away, which then tells nobody",
        "PrometheusRuleFailures": "it needs a rule that fails, which no command takes",
        "PrometheusStorageNearLimit": "it needs a nearly full store",
        "HostDiskWillFill": "it needs an hour and a half in which a disk of the machine fills",
        "HostMemoryLow": "it needs the machine's memory",
        "HostClockSkew": "it needs another clock of the machine",
        "GateErrorBudgetBurnFast": "it needs an hour of faults",
        "GateErrorBudgetBurnSlow": "it needs six hours of faults",
        "StorageGateFailures": "the load stores nothing new: with storage-put on, POST an archive of yours to /ingest",
        "ToolLatencyHigh": "it needs tools that take a second; time-outs come first",
        "MemoryWriteErrors": "MemorySubstrateUnhealthy, of the same fault, inhibits it",
        "ProbeSlow": "it needs ten minutes of a slow server of yours",
        "CertificateExpiresSoon": "it needs a certificate that expires",
    }
)
OF_EXPORTERS = "it needs a server of yours at fault"
"""Why no drill provokes an alert about what an exporter watches."""


def why_not(alert: str, file: str) -> str:
    """Why no drill provokes a shipped alert, by the file of its rule; empty where one does, or nobody knows why not."""
    if any(drill.alert == alert for drill in DRILLS):
        return ""
    return WHY_NOT.get(alert) or (OF_EXPORTERS if file.rpartition("/")[2].endswith("_exporter.yml") else "")


def rule_of(drill: Drill, expected: Expected) -> Rule | None:
    """The alert's rule; None where this stack has none."""
    return next((r for r in expected.rules if r.kind == "alerting" and r.name == drill.alert), None)


def job_of(drill: Drill, expected: Expected) -> Job | None:
    """The job whose scrapes show the fault; None where this stack has none."""
    if drill.asked:
        return next((job for job in expected.jobs if job.path == PROBE and _asks(job, drill.asked)), None)
    return next((job for job in expected.jobs if job.name == drill.job), None)


def _asks(job: Job, host: str) -> bool:
    """Whether a probe asks something at the host."""
    return any(HOST.sub("", address).partition(":")[0].partition("/")[0] == host for address in job.addresses)


def bound(drill: Drill, expected: Expected) -> Bound:
    """By when each stage must have come; KeyError where there is no such rule."""
    rule = rule_of(drill, expected)
    if rule is None:
        raise KeyError(drill.alert)
    asked = _asked(rule, expected.rules)
    turns = rule.interval + sum(one.interval for one in asked)
    job = job_of(drill, expected)
    scrapes = 2 * (job.interval if job else 60.0)
    windows = [found for one in (rule, *asked) for found in _windows(one.expr)]
    pending = scrapes + turns + drill.share * min(windows, default=0.0) + SPARE
    firing = pending + rule.duration + (rule.interval if rule.duration else 0.0)
    route = max(routes(drill, expected), key=lambda one: (one.wait, one.interval))
    ended = (
        scrapes
        + turns
        + (0.0 if drill.share == 1.0 else max(windows, default=0.0))
        + rule.keep_firing_for
        + route.interval
        + SPARE
    )
    return Bound(pending, firing, firing + route.wait + SPARE, ended)


def _asked(rule: Rule, rules: Iterable[Rule]) -> tuple[Rule, ...]:
    """The recording rules that it asks, and those that they ask, one after the other."""
    listed = tuple(rules)
    found: list[Rule] = []
    left = [rule]
    while left:
        expr = left.pop().expr
        new = [r for r in listed if r.kind == "recording" and r.name in expr and r not in found]
        found += new
        left += new
    return tuple({(one.group): one for one in found}.values())


def _windows(expr: str) -> list[float]:
    """The ranges that an expression looks back over."""
    return [seconds(found) for found in RANGE.findall(expr)]


def routes(drill: Drill, expected: Expected) -> tuple[Route, ...]:
    """Those that the alert may take; none where there is no such rule."""
    if (rule := rule_of(drill, expected)) is None:
        return ()
    labels = {"alertname": rule.name, **dict(rule.labels), **dict(drill.labels)}
    config = load_yaml(expected.alertmanager_config) or {}
    return routes_of(read(config).root, Labels(labels))
