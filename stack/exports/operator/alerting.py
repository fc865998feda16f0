"""Receivers, routes and quiet hours of the user's own as one AlertmanagerConfig (v1alpha1). Pure.

What is the bundle's has no place there: receivers of the demo, the ways of its test alerts, the heartbeat of a Watchdog
that is theirs.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from stack.common.matchers import UNREADABLE, parse
from stack.common.yaml_text import load_yaml
from stack.exports.operator.http import HasNoPlace
from stack.exports.operator.integrations import CONFIGS, integration
from stack.exports.operator.wish import Going, Json, camel, slug
from stack.model.receivers import HEARTBEAT, TARGET
from stack.model.spec import TEST_RECEIVER, TEST_RECEIVER_URL, TRIED_RECEIVER, ServiceSpec

MAIN = "alertmanager.yml"
DEFINE = re.compile(r"\{\{-?\s*define\s+\"([^\"]+)\"")
NOBODY = "nobody"
"""The receiver of what no route asks for: their own root route tells of that."""
TIMES = ("group_wait", "group_interval", "repeat_interval")
INTERVALS = ("mute_time_intervals", "active_time_intervals")
OURS = (TEST_RECEIVER, HEARTBEAT)


def alerting(going: Going) -> Iterator[Json]:
    """The one object; none where nobody of the user's own is told."""
    service = next((s for s in going.spec.services if s.component == "alertmanager"), None)
    if service is None:
        return
    main = load_yaml(next(f.content for f in service.files if f.path == MAIN)) or {}
    found = dict(_receivers(going, main, _templates(service)))
    if not found:
        going.lose("there is no receiver of your own: their Alertmanager tells whom it is told to tell")
        return
    intervals = dict(_intervals(going, main))
    root = _route(going, main.get("route") or {}, found, intervals)
    told: Json = {"route": {**root, "receiver": root.get("receiver", NOBODY)}}
    told["receivers"] = [*({"name": n, **c} for n, c in found.items()), {"name": NOBODY}]
    if rules := [_inhibition(one) for one in main.get("inhibit_rules") or ()]:
        told["inhibitRules"] = rules
    if intervals:
        told["muteTimeIntervals"] = [{"name": n, "timeIntervals": i} for n, i in intervals.items()]
    if main.get("global"):
        names = ", ".join(f"global.{key}" for key in sorted(main["global"]))
        going.lose(f"{names}: theirs is the global section, of the Alertmanager object")
    kind = "monitoring.coreos.com/v1alpha1/AlertmanagerConfig"
    yield going.made(kind, slug(f"{going.spec.name}-receivers"), spec=told)


def _templates(service: ServiceSpec) -> frozenset[str]:
    """The templates that the stack's own files define."""
    texts = (f.content.decode(errors="replace") for f in service.files if f.path.endswith(".tmpl"))
    return frozenset(name for text in texts for name in DEFINE.findall(text))


def _receivers(going: Going, main: Json, templates: Collection[str]) -> Iterator[tuple[str, Json]]:
    for receiver in main.get("receivers") or ():
        name = str(receiver["name"])
        configs: Json = {}
        for key, entries in receiver.items():
            for options in entries if key.endswith(CONFIGS) and entries else ():
                if name in OURS or _is_the_demo(options):
                    continue
                kind = key.removesuffix(CONFIGS)
                try:
                    entry = integration(going, name, kind, options, templates)
                except HasNoPlace as error:
                    going.lose(f"receiver {name}: {kind} is left out: {error}")
                else:
                    configs.setdefault(camel(key), []).append(entry)
        if configs:
            yield name, configs


def _is_the_demo(options: Json) -> bool:
    return str(options.get("url") or "").startswith((f"http://{TARGET}/", TEST_RECEIVER_URL))


def _route(going: Going, route: Json, receivers: Collection[str], intervals: Collection[str]) -> Json:
    told: Json = {}
    if str(route.get("receiver")) in receivers:
        told["receiver"] = str(route["receiver"])
    if "group_by" in route:
        told["groupBy"] = [str(label) for label in route["group_by"]]
    told |= {camel(key): str(route[key]) for key in TIMES if key in route}
    if matchers := _matchers(route, ""):
        told["matchers"] = matchers
    for key in INTERVALS:
        if names := [str(name) for name in route.get(key) or () if str(name) in intervals]:
            told[camel(key)] = names
    if "continue" in route:
        told["continue"] = route["continue"]
    below = [
        _route(going, one, receivers, intervals) for one in route.get("routes") or () if not _is_ours(one)
    ]
    if below := [one for one in below if "receiver" in one or "routes" in one]:
        told["routes"] = below
    return told


def _is_ours(route: Json) -> bool:
    """Whether it is a way of the bundle's test alerts, or of the heartbeat."""
    if str(route.get("receiver")) in OURS:
        return True
    return any(one["name"] == TRIED_RECEIVER for one in _matchers(route, ""))


def _matchers(told: Json, side: str) -> list[Json]:
    """All matchers, of the new form and the old ones; ``side`` is that of an inhibition."""
    found = [one for text in told.get(f"{side}matchers") or () for one in parse(str(text))]
    if bad := [one for one in found if one.op == UNREADABLE]:
        raise HasNoPlace(f"the matcher {bad[0].name} cannot be read")
    listed = [{"name": one.name, "matchType": one.op, "value": one.value} for one in found]
    for key, kind in ((f"{side}match", "="), (f"{side}match_re", "=~")):
        listed += [
            {"name": str(name), "matchType": kind, "value": str(value)}
            for name, value in (told.get(key) or {}).items()
        ]
    return listed


def _inhibition(rule: Json) -> Json:
    told: Json = {"sourceMatch": _matchers(rule, "source_"), "targetMatch": _matchers(rule, "target_")}
    if rule.get("equal"):
        told["equal"] = [str(label) for label in rule["equal"]]
    return told


def _intervals(going: Going, main: Json) -> Iterator[tuple[str, list[Json]]]:
    for one in (*(main.get("time_intervals") or ()), *(main.get("mute_time_intervals") or ())):
        name, times = str(one["name"]), one.get("time_intervals") or ()
        if zones := [t["location"] for t in times if t.get("location") not in (None, "UTC")]:
            going.lose(
                f"time interval {name} is left out: an AlertmanagerConfig knows UTC alone, not {zones[0]}"
            )
            continue
        yield name, [_interval(time) for time in times]


def _interval(time: Json) -> Json:
    told: Json = {}
    if "times" in time:
        told["times"] = [{camel(key): str(value) for key, value in one.items()} for one in time["times"]]
    if "days_of_month" in time:
        told["daysOfMonth"] = [_days(str(one)) for one in time["days_of_month"]]
    return told | {
        key: [str(one) for one in time[key]] for key in ("weekdays", "months", "years") if key in time
    }


def _days(text: str) -> Json:
    start, _, end = text.partition(":")
    return {"start": int(start), "end": int(end or start)}
