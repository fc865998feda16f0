"""What the files alone tell of who hears of alerts: receivers and routes that no alert gets to. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from stack.checks.alert_routes import obstacles
from stack.checks.alert_rules import PROOF_ALERT, alerts_in
from stack.checks.alertmanager_file import FILE, rendered, understood
from stack.checks.model import Expected
from stack.checks.routing import Alert, Route, Routing, read, routes_of
from stack.common.matchers import Matcher
from stack.model.receivers import NOT_THE_BUNDLES
from stack.model.spec import TEST_RECEIVER, TRIED_RECEIVER


def told(expected: Expected) -> list[str]:
    """One line each; none where Alertmanager is no part of the stack."""
    if not expected.alertmanager_config:
        return []
    with understood():
        routing = read(rendered(expected.alertmanager_config))
        names = {matcher.name for route in below(routing.root) for matcher in route.matchers}
        names |= {m.name for rule in routing.inhibitions for m in (*rule.sources, *rule.targets)}
        alerts = alerts_in(expected.rules, names)
        held = obstacles(routing, (*alerts, PROOF_ALERT), told=expected.has("app"))
        return [
            *(f"{one.what}: {one.hint}" if one.hint else one.what for one in held),
            *_never_told(routing, alerts),
            *_never_reached(routing.root),
        ]


def heard_by(expected: Expected, name: str) -> tuple[Alert, ...]:
    """The alerts of the rules that the receiver hears of, whatever their other labels are."""
    with understood():
        routing = read(rendered(expected.alertmanager_config))
    names = {matcher.name for route in below(routing.root) for matcher in route.matchers}
    alerts = alerts_in(expected.rules, names)
    return tuple(a for a in alerts if any(r.receiver == name for r in routes_of(routing.root, a.labels)))


def severity_for(expected: Expected, name: str) -> str:
    """That of the first alert which the receiver hears of, so that its message looks as such a one does."""
    found = (alert.labels.value("severity") for alert in heard_by(expected, name) if not alert.constant)
    return next((severity for severity in found if severity), "info")


def below(route: Route) -> Iterator[Route]:
    """The route and all below it, but for those by which receivers are tried."""
    yield route
    for child in route.children:
        if not is_try(child):
            yield from below(child)


def is_try(route: Route) -> bool:
    """Whether it is the bundle's own, for test alerts to one receiver."""
    return any(matcher.name == TRIED_RECEIVER for matcher in route.matchers)


def _never_told(routing: Routing, alerts: tuple[Alert, ...]) -> Iterator[str]:
    """Receivers that no route leads to, and those whose routes no alert of the rules takes."""
    led = {route.receiver for route in below(routing.root)}
    reached = {route.receiver for alert in alerts for route in routes_of(routing.root, alert.labels)}
    for name in routing.receivers:
        if name == TEST_RECEIVER or not routing.receivers[name]:
            continue
        if name not in led:
            yield f"{FILE}: no route leads to receiver {name}, so it is never told: add a route, or remove it"
        elif alerts and name not in {*reached, routing.root.receiver}:
            wanted = " or ".join(asked(route) for route in below(routing.root) if route.receiver == name)
            yield f"{FILE}: no alert of the rules gets to receiver {name} ({wanted}): correct its matchers"


def asked(route: Route) -> str:
    """What a route takes, in words; what the bundle adds to a receiver of the settings goes without saying."""
    wanted = [str(one) for one in route.matchers if str(one) not in NOT_THE_BUNDLES]
    return ", ".join(wanted) or ("everything" if route.matchers else "what no other route takes")


def _never_reached(route: Route) -> Iterator[str]:
    """Routes behind one that takes all that they ask for, and routes that contradict themselves."""
    before: list[Route] = []
    for child in route.children:
        if is_try(child):
            continue
        taker = next((one for one in before if _covers(one.matchers, child.matchers)), None)
        if taker is not None:
            yield f"{FILE}: no alert gets to {_named(child)}: {_named(taker)} takes them all before it"
        elif _contradict(child.matchers):
            yield f"{FILE}: no alert gets to {_named(child)}: these exclude each other"
        if not child.goes_on:
            before.append(child)
        yield from _never_reached(child)


def _named(route: Route) -> str:
    return f"the route to {route.receiver} ({asked(route)})"


def _covers(some: tuple[Matcher, ...], more: tuple[Matcher, ...]) -> bool:
    """Whether whatever fits ``more`` surely fits ``some``."""
    return set(some) <= set(more)


def _contradict(matchers: tuple[Matcher, ...]) -> bool:
    exact = {matcher.name: matcher.value for matcher in matchers if matcher.op == "="}
    return any(matcher.judge(exact[matcher.name]) is False for matcher in matchers if matcher.name in exact)
