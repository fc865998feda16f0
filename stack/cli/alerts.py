"""alerts: what is pending or firing, since when, its value, and who is told of it; it changes nothing."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct, field
from msgspec.structs import asdict

from stack.checks.routing import Route, Routing, read, routes_of
from stack.cli.printer import Printer
from stack.cli.running import running
from stack.cli.session import Session
from stack.clients.alertmanager import SHOWN_ID, HeldAlert, Silence
from stack.clients.alerts import ActiveAlert, active_alerts
from stack.clients.http import HttpFailure
from stack.common.matchers import Labels
from stack.common.moments import short, stamp, wall_clock
from stack.common.printable import printable
from stack.common.yaml_text import load_yaml

HEADER = ("ALERT", "SEVERITY", "STATE", "SINCE", "VALUE", "LABELS", "TOLD")
STATES = ("firing", "silenced", "inhibited", "muted", "pending")
SEVERITIES = ("critical", "warning", "info")
FAILED = (
    "sum by (integration, receiver_name, reason) (increase(alertmanager_notifications_failed_total[1h])) > 0"
)


class Row(Struct, frozen=True):
    """One alert. ``since``: Unix time; ``told``: the receivers that hear of it; ``why``: what keeps it from some."""

    name: str
    severity: str
    state: str
    since: float
    value: float | None
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    told: tuple[str, ...]
    why: str = ""

    @property
    def rank(self) -> tuple[int, int, float]:
        """What is worst comes first."""
        severity = SEVERITIES.index(self.severity) if self.severity in SEVERITIES else len(SEVERITIES)
        return STATES.index(self.state), severity, self.since

    def cells(self, now: float) -> tuple[str, ...]:
        """For the table."""
        labels = (f"{name}={value}" for name, value in sorted(self.labels.items()))
        told = ", ".join(self.told) if self.told else "nobody"
        return (
            self.name,
            self.severity or "-",
            self.state,
            f"{short(max(0.0, now - self.since))} ago",
            "-" if self.value is None else f"{self.value:.4g}",
            " ".join(labels) or "-",
            f"{told}: {self.why}" if self.why else told,
        )


class Answers(Struct, frozen=True):
    """What Prometheus and Alertmanager say; ``held`` is None where Alertmanager does not answer, and ``silent`` why."""

    active: tuple[ActiveAlert, ...] = ()
    held: tuple[HeldAlert, ...] | None = None
    silences: tuple[Silence, ...] = ()
    external: Mapping[str, str] = field(default_factory=dict)
    routing: Routing = field(default_factory=lambda: read({}))
    failed: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()


def show(options: argparse.Namespace, printer: Printer) -> int:
    """The table, what does not answer, and notifications that failed within the hour."""
    session = Session.open(options, printer)
    found = _asked(session)
    now = wall_clock()
    rows = sorted(rows_of(found, now), key=lambda row: row.rank)
    if rows:
        printer.table(HEADER, (tuple(printable(cell) for cell in row.cells(now)) for row in rows))
    elif not found.silent:
        printer.text("nothing fires, not even the Watchdog: monitoring-stack smoke says why")
    for line in (*found.silent, *found.failed):
        printer.warning(printable(line))
    documents = [{**asdict(row), "since": stamp(row.since)} for row in rows]
    printer.document({"alerts": documents, "failed": list(found.failed), "silent": list(found.silent)})
    return 0


def _asked(session: Session) -> Answers:
    """``StartFailed`` where neither runs."""
    _, context = running(session, "prometheus", "alertmanager")
    silent: list[str] = []
    active: tuple[ActiveAlert, ...] = ()
    external: Mapping[str, str] = {}
    failed: tuple[str, ...] = ()
    try:
        active = active_alerts(context.prometheus.http)
        external = context.prometheus.external_labels()
        failed = tuple(_failed(dict(s.labels), s.value) for s in context.prometheus.query(FAILED))
    except (HttpFailure, KeyError) as failure:
        silent.append(f"Prometheus does not answer, what is pending is not known: {_said(failure)}")
    held: tuple[HeldAlert, ...] | None = None
    silences: tuple[Silence, ...] = ()
    try:
        held, silences = context.alertmanager.alerts(), context.alertmanager.silences()
    except (HttpFailure, KeyError) as failure:
        silent.append(f"Alertmanager does not answer, nobody is told of anything: {_said(failure)}")
    routing = read(load_yaml(context.expected.alertmanager_config) or {})
    return Answers(active, held, silences, external, routing, failed, tuple(silent))


def _said(failure: Exception) -> str:
    return str(failure) if isinstance(failure, HttpFailure) else "it is not part of this stack"


def _failed(labels: Mapping[str, str], count: float) -> str:
    whom = " of ".join(dict.fromkeys(t for n in ("integration", "receiver_name") if (t := labels.get(n))))
    why = f" ({labels['reason']})" if labels.get("reason") else ""
    return f"{max(1, round(count))} notifications by {whom} failed within the last hour{why}"


def rows_of(found: Answers, now: float) -> Iterator[Row]:
    """One an alert: those of Prometheus, and those that Alertmanager has of others."""
    left = list(found.held or ())
    for alert in found.active:
        whole = {**found.external, **alert.labels}
        mine = next((one for one in left if dict(one.labels) == whole), None)
        if mine is not None:
            left.remove(mine)
        yield _row(found, alert, mine, now)
    for one in left:
        yield _row(found, None, one, now)


def _row(found: Answers, alert: ActiveAlert | None, held: HeldAlert | None, now: float) -> Row:
    labels = alert.labels if alert else (held.labels if held else {})
    state, told, why = _told(found, alert, held, now)
    return Row(
        labels.get("alertname", ""),
        labels.get("severity", ""),
        state,
        alert.since if alert else (held.starts if held else now),
        alert.value if alert else None,
        {name: value for name, value in labels.items() if name not in ("alertname", "severity")},
        alert.annotations if alert else {},
        told,
        why,
    )


def _told(
    found: Answers, alert: ActiveAlert | None, held: HeldAlert | None, now: float
) -> tuple[str, tuple[str, ...], str]:
    """Its state, who hears of it, and why not others."""
    if held is None:
        if alert and alert.state == "pending":
            return "pending", (), "it does not fire yet"
        return "firing", (), "Alertmanager has not got it" if found.held is not None else "no Alertmanager"
    if held.silenced:
        return "silenced", (), "; ".join(_silence(found.silences, one) for one in held.silenced)
    if held.inhibited:
        names = {one.fingerprint: one.name for one in found.held or ()}
        return "inhibited", (), "while " + ", ".join(names.get(one, one) for one in held.inhibited) + " fires"
    if held.muted:
        return "muted", (), f"time interval {', '.join(held.muted)}"
    return "firing", *_heard(found.routing, held, now)


def _silence(silences: Iterable[Silence], id_: str) -> str:
    found = next((one for one in silences if one.id == id_), None)
    if found is None:
        return f"silence {id_[:SHOWN_ID]}"
    return f"silence {id_[:SHOWN_ID]} until {stamp(found.ends)} ({found.comment}, {found.author})"


def _heard(routing: Routing, held: HeldAlert, now: float) -> tuple[tuple[str, ...], str]:
    """The receivers that have something to tell it by; what is to come is said."""
    routes = {route.receiver: route for route in routes_of(routing.root, Labels(held.labels))}
    deaf = [name for name in held.receivers if name in routing.receivers and not routing.receivers[name]]
    told = tuple(name for name in held.receivers if name not in deaf)
    waits = [wait for name in told if (wait := _wait(routes.get(name), held, now)) > 0]
    said = [f"receiver {', '.join(deaf)} tells nobody"] if deaf else []
    said += [f"in {short(max(waits))}, as its group waits for more"] if waits else []
    return told, "; ".join(said)


def _wait(route: Route | None, held: HeldAlert, now: float) -> float:
    """Seconds until it is told at the latest if its group is new; 0 where that has passed."""
    return 0.0 if route is None else held.starts + route.wait - now
