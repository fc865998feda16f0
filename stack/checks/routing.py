"""Where alertmanager.yml sends an alert: the routes that it may take, and what holds it back on its way.

Pure, over the rendered file. Of an alert's labels only some are known before it fires; where a matcher asks for
another one both ways are followed, so that what is said here of an alert is true whatever its other labels are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import chain
from types import MappingProxyType
from typing import Any

from msgspec import Struct

from stack.checks.intervals import covers, moments
from stack.common.durations import seconds
from stack.common.matchers import Labels, Matcher, match, parse

INTEGRATIONS = "_configs"
REPEAT, WAIT, INTERVAL = "4h", "30s", "5m"
"""Alertmanager's own defaults."""
PACE = (("repeat_interval", REPEAT), ("group_wait", WAIT), ("group_interval", INTERVAL))
LEGACY = {"match": "=", "match_re": "=~"}
Config = Mapping[str, Any]


class Alert(Struct, frozen=True):
    """An alert as its rule gives it. ``constant``: it fires always, as the Watchdog does."""

    name: str
    labels: Labels
    constant: bool = False


class Route(Struct, frozen=True):
    """A route of the tree; ``place`` is where it stands in the file. ``muted`` and ``active`` name time intervals.

    ``repeat``: after so many seconds an alert that still fires is told again. ``wait``: how long a group that is new
    waits for more of its kind; ``interval``: how long after that its changes are told at the earliest.
    """

    place: str
    receiver: str
    repeat: float
    matchers: tuple[Matcher, ...]
    goes_on: bool
    muted: tuple[str, ...]
    active: tuple[str, ...]
    children: tuple[Route, ...]
    wait: float = 30.0
    interval: float = 300.0


class Inhibition(Struct, frozen=True):
    """An inhibit rule: while a source fires, targets with the same ``equal`` labels are held back."""

    place: str
    sources: tuple[Matcher, ...]
    targets: tuple[Matcher, ...]
    equal: tuple[str, ...]


class Routing(Struct, frozen=True):
    """A whole file. ``receivers``: name > its integrations, such as webhook. ``intervals``: name > entries."""

    root: Route
    receivers: Mapping[str, tuple[str, ...]]
    intervals: Mapping[str, object]
    inhibitions: tuple[Inhibition, ...]

    def is_muted(self, route: Route, moment: datetime) -> bool:
        """Whether a time interval keeps the route silent at that moment."""
        muted = any(covers(self.intervals.get(name), moment) for name in route.muted)
        active = any(covers(self.intervals.get(name), moment) for name in route.active)
        return muted or bool(route.active and not active)

    def muted_until(self, route: Route, now: datetime) -> datetime | None:
        """``now`` where the route speaks, else when it will speak again; None where that is not within a week."""
        if not (route.muted or route.active):
            return now
        return next((moment for moment in moments(now) if not self.is_muted(route, moment)), None)

    def is_empty(self, route: Route) -> bool:
        """Whether its receiver tells nobody."""
        return not self.receivers.get(route.receiver)


def read(config: Config) -> Routing:
    """The routing of a file that amtool has accepted."""
    named = chain(_objects(config.get("time_intervals")), _objects(config.get("mute_time_intervals")))
    return Routing(
        _route(config.get("route") or {}, "route"),
        {str(one.get("name")): _integrations(one) for one in _objects(config.get("receivers"))},
        {str(one.get("name")): one.get("time_intervals") for one in named},
        tuple(_inhibitions(_objects(config.get("inhibit_rules")))),
    )


def routes_of(root: Route, labels: Labels) -> tuple[Route, ...]:
    """The routes that an alert with these labels ends at; more than it takes, where some of its labels are unknown."""
    found: list[Route] = []
    taken = False
    for child in root.children:
        verdict = match(child.matchers, labels)
        if verdict is False:
            continue
        found += routes_of(child, labels)
        taken = taken or verdict is True
        if verdict is True and not child.goes_on:
            break
    return tuple(found) if taken else (*found, root)


def held_back_by(rule: Inhibition, alert: Alert, sources: Iterable[Alert]) -> Alert | None:
    """The source among ``sources``, all of which fire, that surely holds the alert back."""
    if match(rule.targets, alert.labels) is not True:
        return None
    both = match(rule.sources, alert.labels) is not False
    return next((source for source in sources if _holds_back(rule, source, alert, both)), None)


def _holds_back(rule: Inhibition, source: Alert, alert: Alert, both: bool) -> bool:
    """An alert that is source and target holds back none that may be both, and so never itself."""
    if match(rule.sources, source.labels) is not True:
        return False
    if both and match(rule.targets, source.labels) is not False:
        return False
    return all(_same(source.labels.value(name), alert.labels.value(name)) for name in rule.equal)


def _same(one: str | None, other: str | None) -> bool:
    return one is not None and one == other


def matches_all(matchers: tuple[Matcher, ...], alerts: Iterable[Alert]) -> bool:
    """Whether every alert surely matches; false where there is none."""
    verdicts = [match(matchers, alert.labels) for alert in alerts]
    return bool(verdicts) and all(verdict is True for verdict in verdicts)


def _objects(value: object) -> list[Config]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def _texts(value: object) -> tuple[str, ...]:
    return tuple(str(one) for one in value) if isinstance(value, list) else ()


def _integrations(receiver: Config) -> tuple[str, ...]:
    return tuple(
        key.removesuffix(INTEGRATIONS)
        for key, listed in receiver.items()
        if key.endswith(INTEGRATIONS)
        for _ in _objects(listed)
    )


def _route(
    node: Config, place: str, receiver: str = "", paces: Mapping[str, str] = MappingProxyType({})
) -> Route:
    own = str(node.get("receiver") or receiver)
    pace = {key: str(node.get(key) or paces.get(key, usual)) for key, usual in PACE}
    children = enumerate(_objects(node.get("routes")))
    return Route(
        place,
        own,
        seconds(pace["repeat_interval"]),
        tuple(_matchers(node, "matchers", LEGACY)),
        node.get("continue") is True,
        _texts(node.get("mute_time_intervals")),
        _texts(node.get("active_time_intervals")),
        tuple(_route(child, f"{place}.routes[{number}]", own, pace) for number, child in children),
        seconds(pace["group_wait"]),
        seconds(pace["group_interval"]),
    )


def _inhibitions(listed: list[Config]) -> Iterator[Inhibition]:
    for number, rule in enumerate(listed):
        sources, targets = (
            tuple(_matchers(rule, f"{side}_matchers", {f"{side}_{key}": op for key, op in LEGACY.items()}))
            for side in ("source", "target")
        )
        yield Inhibition(f"inhibit_rules[{number}]", sources, targets, _texts(rule.get("equal")))


def _matchers(node: Config, key: str, legacy: Mapping[str, str]) -> Iterator[Matcher]:
    written = node.get(key)
    for text in [written] if isinstance(written, str) else _texts(written):
        yield from parse(text)
    for older, operator in legacy.items():
        pairs = node.get(older)
        if isinstance(pairs, Mapping):
            yield from (Matcher(str(name), operator, str(value)) for name, value in pairs.items())
