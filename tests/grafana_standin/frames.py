"""From Prometheus' results to Grafana's data frames, with the names, labels and metadata of the real server."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

TIME = {"name": "Time", "type": "time", "typeInfo": {"frame": "time.Time"}}
SPECIAL = {"NaN": "NaN", "+Inf": "Inf", "-Inf": "NegInf"}
KINDS = {"matrix": "timeseries-multi", "vector": "numeric-multi", "scalar": "numeric-multi"}


@dataclass(frozen=True)
class Asked:
    """What a frame says of its query."""

    ref: str
    expr: str
    step_ms: int
    step_text: str
    legend: str = ""

    @property
    def executed(self) -> str:
        """The query as it was sent."""
        return f"Expr: {self.expr}\nStep: {self.step_text}"


def empty(asked: Asked) -> dict[str, Any]:
    """The one frame of a query that found nothing or failed."""
    meta = {
        "typeVersion": [0, 0],
        "custom": {"calculatedMinStep": asked.step_ms},
        "executedQueryString": asked.executed,
    }
    return {"schema": {"refId": asked.ref, "meta": meta, "fields": []}, "data": {"values": []}}


def frames(asked: Asked, data: dict[str, Any]) -> list[dict[str, Any]]:
    """A frame for each series; the first carries the query."""
    kind = data["resultType"]
    if kind == "scalar":
        series: Iterable[Any] = [({}, [data["result"]])]
    else:
        series = [(s["metric"], s["values"] if kind == "matrix" else [s["value"]]) for s in data["result"]]
    return [
        _frame(asked, kind, labels, points, first=number == 0)
        for number, (labels, points) in enumerate(series)
    ]


def _frame(
    asked: Asked, kind: str, labels: dict[str, str], points: list[list[Any]], *, first: bool
) -> dict[str, Any]:
    custom: dict[str, Any] = {"calculatedMinStep": asked.step_ms} if first else {}
    meta: dict[str, Any] = {
        "type": KINDS[kind],
        "typeVersion": [0, 1],
        "custom": {**custom, "resultType": kind},
        **({"executedQueryString": asked.executed} if first else {}),
    }
    value = {
        "name": labels.get("__name__", "Value"),
        "type": "number",
        "typeInfo": {"frame": "float64"},
        "labels": labels,
        "config": {"displayNameFromDS": display_name(asked, labels)},
    }
    fields = [{**TIME, "config": {"interval": asked.step_ms}}, value]
    return {"schema": {"refId": asked.ref, "meta": meta, "fields": fields}, "data": _columns(points)}


def _columns(points: list[list[Any]]) -> dict[str, Any]:
    values = [_number(str(text)) for _, text in points]
    special: dict[str, list[int]] = {}
    for position, (_, text) in enumerate(points):
        if str(text) in SPECIAL:
            special.setdefault(SPECIAL[str(text)], []).append(position)
    columns: dict[str, Any] = {"values": [[int(float(moment) * 1000) for moment, _ in points], values]}
    return {**columns, "entities": [None, special]} if special else columns


def _number(text: str) -> float | int | None:
    value = float(text)
    if not math.isfinite(value):
        return None
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


def display_name(asked: Asked, labels: dict[str, str]) -> str:
    """The legend's text, the series in PromQL, or the expression where the series has no label."""
    if asked.legend and asked.legend != "__auto":
        return re.sub(r"\{\{\s*(.+?)\s*\}\}", lambda match: labels.get(match[1], ""), asked.legend)
    inside = ", ".join(f'{k}="{v}"' for k, v in sorted(labels.items()) if k != "__name__")
    name = labels.get("__name__", "")
    return f"{name}{{{inside}}}" if inside else name or asked.expr
