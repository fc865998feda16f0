"""The schemas of prometheus-operator's objects, and what its admission webhook says beyond them."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import promql_parser

from stack.common.durations import seconds

Json = dict[str, Any]
FOLDER = Path(__file__).parents[2] / "fixtures" / "operator-crds"
GO_FLAG = b"(?i)"
"""A flag of Go's patterns that JSON schemas do not know: ours are small letters."""
SCHEMAS: dict[str, Json] = {
    path.name.partition("-")[0]: json.loads(gzip.decompress(path.read_bytes()).replace(GO_FLAG, b""))
    for path in FOLDER.glob("*.gz")
}
VALIDATORS = {kind: jsonschema_rs.Draft7Validator(schema) for kind, schema in SCHEMAS.items()}


def schema_faults(one: Json) -> list[str]:
    """What a server with these definitions would say."""
    if one["kind"] not in VALIDATORS:
        return []
    return [
        f"{'/'.join(map(str, e.instance_path))}: {e.message}"
        for e in VALIDATORS[one["kind"]].iter_errors(one)
    ]


def sound(one: Json) -> list[str]:
    """What passes every schema, and no Prometheus or Alertmanager."""
    rules = {
        "PrometheusRule": _rule,
        "AlertmanagerConfig": _config,
        "ScrapeConfig": _times,
        "ServiceMonitor": _times,
    }
    return list(rules[one["kind"]](one["spec"])) if one["kind"] in rules else []


def _rule(spec: Json) -> Iterator[str]:
    for rule in (rule for group in spec["groups"] for rule in group["rules"]):
        try:
            promql_parser.parse(rule["expr"])
        except ValueError as error:
            yield f"{rule['expr']}: {error}"


def _config(spec: Json) -> Iterator[str]:
    """Routes below the first are any JSON in the schema."""
    properties = SCHEMAS["AlertmanagerConfig"]["properties"]["spec"]["properties"]["route"]["properties"]
    receivers = [one["name"] for one in spec["receivers"]]
    intervals = {one["name"] for one in spec.get("muteTimeIntervals", ())}
    routes = [spec["route"]]
    while routes:
        route = routes.pop()
        yield from (f"{key} is no part of a route" for key in route.keys() - properties.keys())
        if route.get("receiver") not in receivers:
            yield f"no receiver is called {route.get('receiver')}"
        if len(set(route.get("groupBy", ()))) < len(route.get("groupBy", ())):
            yield "groupBy names a label twice"
        named = {*route.get("muteTimeIntervals", ()), *route.get("activeTimeIntervals", ())}
        yield from (f"no interval is called {name}" for name in named - intervals)
        routes += route.get("routes", ())


def _times(spec: Json) -> Iterator[str]:
    for one in spec.get("endpoints", [spec]):
        interval, timeout = (
            one.get(k) for k in ("interval" if "endpoints" in spec else "scrapeInterval", "scrapeTimeout")
        )
        if interval and timeout and seconds(timeout) > seconds(interval):
            yield f"scrapeTimeout {timeout} is above the interval {interval}"
