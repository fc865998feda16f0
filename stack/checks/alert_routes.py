"""The check that alertmanager.yml lets every alert through: no route, interval or inhibition swallows one.

Judged from the rendered file and the loaded rules, since an alert that is swallowed leaves no trace of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from msgspec import Struct

from stack.checks.alert_rules import FRESH_SECONDS, PROOF_ALERT, WATCHDOG, alerts_of
from stack.checks.alertmanager_file import FILE, rendered, understood
from stack.checks.check import Check
from stack.checks.context import CheckContext
from stack.checks.model import Broken, Evidence
from stack.checks.routing import (
    Alert,
    Inhibition,
    Route,
    Routing,
    held_back_by,
    matches_all,
    read,
    routes_of,
)
from stack.checks.words import some_names

THEN = "then monitoring-stack reload"
NARROWER = f"narrow its matchers or give it equal labels in {FILE}, {THEN}"


class Obstacle(Struct, frozen=True):
    """Why an alert is not heard of. ``grave``: it must not be so; ``hint`` says how to mend it."""

    what: str
    hint: str = ""
    grave: bool = True


def routes(context: CheckContext) -> Evidence:
    """Every alert has a route to somebody, and none is held back for good."""
    alerts = (*alerts_of(context), PROOF_ALERT)
    with understood():
        routing = read(rendered(context.expected.alertmanager_config))
        found = obstacles(routing, alerts, told=context.expected.has("app"))
    for obstacle in found:
        if obstacle.grave:
            raise Broken(obstacle.what, obstacle.hint)
    many = len({alert.name for alert in alerts if not alert.constant})
    remarks = tuple(obstacle.what for obstacle in found)
    return Evidence(f"no route or inhibition of {FILE} swallows one of {many} alerts", remarks)


def obstacles(routing: Routing, alerts: tuple[Alert, ...], *, told: bool) -> list[Obstacle]:
    """All that keeps alerts from people. ``told``: the application runs, so somebody can be told."""
    unheard = list(_unheard(routing, alerts, told=told))
    return [*unheard, *_held_back(routing, alerts), *_seldom(routing, alerts)]


def _unheard(routing: Routing, alerts: tuple[Alert, ...], *, told: bool) -> Iterator[Obstacle]:
    """Alerts that all their possible routes keep silent. ``told``: the application runs, so somebody can be told."""
    now = datetime.now(UTC)
    lost: dict[Obstacle, list[Alert]] = {}
    for alert in alerts:
        ways = [_obstacle(routing, route, now) for route in routes_of(routing.root, alert.labels)]
        if None not in ways:
            obstacles = sorted((way for way in ways if way is not None), key=lambda way: way.grave)
            lost.setdefault(obstacles[0], []).append(alert)
    others = sum(not alert.constant for alert in alerts)
    nobody = others == sum(not alert.constant for held in lost.values() for alert in held)
    for obstacle, held in lost.items():
        vital = told and (nobody or any(alert.constant for alert in held))
        grave = vital if isinstance(obstacle, Empty) else obstacle.grave
        yield Obstacle(
            f"{obstacle.what}: nobody hears of {some_names(alert.name for alert in held)}",
            obstacle.hint,
            grave,
        )


class Empty(Obstacle, frozen=True):
    """A receiver without integrations: somebody's decision, unless it is everybody's or the Watchdog's."""


def _obstacle(routing: Routing, route: Route, now: datetime) -> Obstacle | None:
    if routing.is_empty(route):
        what = f"{FILE}: receiver {route.receiver} tells nobody"
        return Empty(what, f"give it an integration such as webhook_configs, {THEN}")
    until = routing.muted_until(route, now)
    if until == now:
        return None
    names = some_names((*route.muted, *route.active))
    if until is None:
        what = f"{FILE}: {route.place} is muted for the whole coming week by its time intervals ({names})"
        return Obstacle(what, f"correct {names} under time_intervals, or remove it from the route, {THEN}")
    return Obstacle(
        f"{FILE}: {route.place} is muted by {names} until {until:%Y-%m-%d %H:%M} UTC", grave=False
    )


def _held_back(routing: Routing, alerts: tuple[Alert, ...]) -> Iterator[Obstacle]:
    constant = [alert for alert in alerts if alert.constant and alert is not PROOF_ALERT]
    others = [alert for alert in alerts if not alert.constant]
    for rule in routing.inhibitions:
        yield from _by_what_always_fires(rule, alerts, constant)
        if not rule.equal and matches_all(rule.targets, others):
            yield _over_everything(rule, others)


def _seldom(routing: Routing, alerts: Iterable[Alert]) -> Iterator[Obstacle]:
    """The heartbeat proves nothing where it beats once in hours."""
    for alert in alerts:
        if alert.name == WATCHDOG:
            for route in routes_of(routing.root, alert.labels):
                if (each := max(route.repeat, route.interval)) > FRESH_SECONDS:
                    what = f"{FILE}: {route.place} repeats the {WATCHDOG} only each {each:.0f} s"
                    paces = 'repeat_interval "1m" and group_interval "5s"'
                    yield Obstacle(what, f"give it its own route with {paces} in {FILE}, {THEN}")


def _by_what_always_fires(
    rule: Inhibition, alerts: Iterable[Alert], constant: Iterable[Alert]
) -> Iterator[Obstacle]:
    held: dict[str, list[str]] = {}
    for alert in alerts:
        if (source := held_back_by(rule, alert, constant)) is not None:
            held.setdefault(source.name, []).append(alert.name)
    for source_name, names in held.items():
        what = f"{FILE}: {rule.place}: {source_name}, which always fires, holds back {some_names(names)}"
        yield Obstacle(what, NARROWER)


def _over_everything(rule: Inhibition, others: Iterable[Alert]) -> Obstacle:
    sources = ", ".join(map(str, rule.sources)) or "anything"
    what = f"{FILE}: {rule.place} lets one alert that matches {sources} hold back every other one"
    return Obstacle(what, NARROWER, grave=matches_all(rule.sources, others))


CHECKS = (
    Check(
        "alertmanager.routes",
        "every alert's route leads to somebody",
        "alertmanager",
        "checked",
        routes,
        f"correct {FILE}, {THEN}",
        10,
        needs=("prometheus",),
        after=("alertmanager.config", "prometheus.rules"),
    ),
)
