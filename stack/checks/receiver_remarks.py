"""What the files alone tell of who hears of alerts: receivers and routes that no alert gets to. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from stack.checks.alert_routes import obstacles
from stack.checks.alert_rules import PROOF_ALERT, TEMPLATE, alerts_in
from stack.checks.alertmanager_file import FILE, rendered, understood
from stack.checks.model import Expected
from stack.checks.routing import INTEGRATIONS, Alert, Route, Routing, read, routes_of
from stack.checks.words import some_names
from stack.common.durations import duration
from stack.common.matchers import Labels, Matcher
from stack.model.receivers import FOLLOWS, HTTP, NOT_THE_BUNDLES, TARGET, WITHOUT_HTTP, tried_in
from stack.model.spec import TEST_RECEIVER, TRIED_RECEIVER

FOLLOWING = (
    f"{FILE}: {{}}: redirects are followed, and a message that is sent on does not arrive though it counts as taken: "
    f"write {HTTP}: {{{{{FOLLOWS}: false}}}} under global:, or in the receiver"
)


class Remark(Struct, frozen=True):
    """A line about one receiver."""

    receiver: str
    line: str


def told(expected: Expected) -> list[str]:
    """One line each; none where Alertmanager is no part of the stack."""
    if not expected.alertmanager_config:
        return []
    with understood():
        config = rendered(expected.alertmanager_config)
        routing = read(config)
        alerts = alerts_in(expected.rules, _labels(routing))
        held = obstacles(routing, (*alerts, PROOF_ALERT), told=expected.has("app"))
        following = sorted(_following(config))
        return [
            *(f"{one.what}: {one.hint}" if one.hint else one.what for one in held),
            *(one.line for one in _remarks(routing, alerts)),
            *([FOLLOWING.format(", ".join(following))] if following else ()),
        ]


def about(expected: Expected, name: str) -> list[str]:
    """The lines about one receiver that ``told`` has among its own."""
    with understood():
        config = rendered(expected.alertmanager_config)
        routing = read(config)
        alerts = alerts_in(expected.rules, _labels(routing))
        lines = [one.line for one in _remarks(routing, alerts) if one.receiver == name]
        return [*lines, *([FOLLOWING.format(name)] if name in _following(config) else ())]


def unheard_of(expected: Expected, name: str, labels: Collection[str]) -> list[str]:
    """A line for each label by which the receiver chooses alerts and that neither a rule nor a series has.

    ``labels`` are those of the series.
    """
    with understood():
        routing = read(rendered(expected.alertmanager_config))
    known = {
        "alertname",
        "stack_test",
        *labels,
        *(label for rule in expected.rules for label, _ in rule.labels),
    }
    mine = (route for route in below(routing.root) if route.receiver == name)
    wanted = {m.name: m for route in mine for m in route.matchers if m.judge("") is False}
    return [
        f"{FILE}: no rule and no series has a label {label} so far, which receiver {name} asks for ({matcher}): "
        "is it spelled right?"
        for label, matcher in wanted.items()
        if label not in known
    ]


def _labels(routing: Routing) -> set[str]:
    """What is asked of alerts anywhere."""
    names = {matcher.name for route in below(routing.root) for matcher in route.matchers}
    return names | {m.name for rule in routing.inhibitions for m in (*rule.sources, *rule.targets)}


def _following(config: Mapping[str, Any]) -> set[str]:
    """Receivers that tell others than the application and would not notice that an address has moved."""
    general, tried = (config.get("global") or {}).get(HTTP), tried_in(config)
    return {
        name
        for name, one in _asking(config)
        if name in tried and (one.get(HTTP) or general or {}).get(FOLLOWS) is not False
    }


def _asking(config: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The integrations that ask others over HTTP, with the names of their receivers."""
    for receiver in config.get("receivers") or ():
        for key, listed in receiver.items():
            if key.endswith(INTEGRATIONS) and key.removesuffix(INTEGRATIONS) not in WITHOUT_HTTP:
                others = (
                    one for one in listed or () if not str(one.get("url")).startswith(f"http://{TARGET}/")
                )
                yield from ((str(receiver["name"]), one) for one in others)


def heard_by(expected: Expected, name: str) -> tuple[Alert, ...]:
    """The alerts of the rules that the receiver hears of, whatever their other labels are."""
    with understood():
        routing = read(rendered(expected.alertmanager_config))
    names = {matcher.name for route in below(routing.root) for matcher in route.matchers}
    alerts = alerts_in(expected.rules, names)
    return tuple(a for a in alerts if any(r.receiver == name for r in routes_of(routing.root, a.labels)))


def told_of_surely(expected: Expected, name: str) -> Alert | None:
    """An alert that the receiver hears of by the labels alone that its rule gives it, as amtool judges it."""
    with understood():
        root = read(rendered(expected.alertmanager_config)).root
    for alert in heard_by(expected, name):
        known = {label: value for label, value in alert.labels.known.items() if TEMPLATE not in value}
        if not alert.constant and any(r.receiver == name for r in routes_of(root, Labels(known))):
            return Alert(alert.name, Labels(known))
    return None


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


def _remarks(routing: Routing, alerts: tuple[Alert, ...]) -> Iterator[Remark]:
    yield from _never_told(routing, alerts)
    yield from _never_speaking(routing)
    yield from _repeated_late(routing)
    yield from _never_reached(routing.root)


def _never_told(routing: Routing, alerts: tuple[Alert, ...]) -> Iterator[Remark]:
    """Receivers that no route leads to, and those whose routes no alert of the rules takes."""
    led = {route.receiver for route in below(routing.root)}
    reached = {route.receiver for alert in alerts for route in routes_of(routing.root, alert.labels)}
    for name in _telling(routing):
        if name not in led:
            line = (
                f"{FILE}: no route leads to receiver {name}, so it is never told: add a route, or remove it"
            )
            yield Remark(name, line)
        elif alerts and name not in {*reached, routing.root.receiver}:
            wanted = " or ".join(asked(route) for route in below(routing.root) if route.receiver == name)
            line = f"{FILE}: no alert of the rules gets to receiver {name} ({wanted}): correct its matchers"
            yield Remark(name, line)


def _never_speaking(routing: Routing) -> Iterator[Remark]:
    """Receivers whose routes are all muted for a whole week, whoever else hears of their alerts."""
    now = datetime.now(UTC)
    for name in _telling(routing):
        mine = [route for route in below(routing.root) if route.receiver == name]
        if mine and all(routing.muted_until(route, now) is None for route in mine):
            intervals = some_names(
                dict.fromkeys(one for route in mine for one in (*route.muted, *route.active))
            )
            yield Remark(
                name, f"{FILE}: receiver {name} is told nothing in the whole coming week: correct {intervals}"
            )


def _repeated_late(routing: Routing) -> Iterator[Remark]:
    """Routes that would repeat sooner than they look at their alerts: nothing comes of that."""
    for route in below(routing.root):
        if route.repeat < route.interval:
            repeat, interval = duration(route.repeat), duration(route.interval)
            paces = f"repeat_interval {repeat} is shorter than group_interval {interval}"
            line = (
                f"{FILE}: {_named(route)}: {paces}, after which alone it is told again: make that one shorter"
            )
            yield Remark(route.receiver, line)


def _telling(routing: Routing) -> Iterator[str]:
    """The receivers that tell somebody, but for the bundle's own."""
    return (name for name, kinds in routing.receivers.items() if name != TEST_RECEIVER and kinds)


def asked(route: Route) -> str:
    """What a route takes, in words; what the bundle adds to a receiver of the settings goes without saying."""
    wanted = [str(one) for one in route.matchers if str(one) not in NOT_THE_BUNDLES]
    return ", ".join(wanted) or ("everything" if route.matchers else "what no other route takes")


def _never_reached(route: Route) -> Iterator[Remark]:
    """Routes behind one that takes all that they ask for, and routes that contradict themselves."""
    before: list[Route] = []
    for child in route.children:
        if is_try(child):
            continue
        taker = next((one for one in before if _covers(one.matchers, child.matchers)), None)
        if taker is not None:
            line = f"{FILE}: no alert gets to {_named(child)}: {_named(taker)} takes them all before it"
            yield Remark(child.receiver, line)
        elif _contradict(child.matchers):
            line = f"{FILE}: no alert gets to {_named(child)}: these exclude each other"
            yield Remark(child.receiver, line)
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
