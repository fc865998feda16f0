"""Prometheus' series over a time, each value with its moment: what is drawn, where gaps count."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from stack.clients.http import Answer, Http, snippet
from stack.clients.prometheus import Refused
from stack.clients.shape import shaped, text

ANSWERED = (200, 400, 422, 503)


class Line(Struct, frozen=True):
    """One series: its labels, and (Unix time, value) in order. Of a native histogram the count of observations."""

    labels: Mapping[str, str]
    points: tuple[tuple[float, float], ...]


def over(http: Http, expr: str, start: float, end: float, step: float) -> tuple[Line, ...]:
    """The series between two Unix times, a point each ``step`` seconds where there is one.

    ``Refused`` with Prometheus' own word where it cannot answer, ``HttpFailure`` where there is no usable answer.
    """
    times = {"start": f"{start:.3f}", "end": f"{end:.3f}", "step": f"{step:g}"}
    return _lines(http.post("/api/v1/query_range", data={"query": expr, **times}, expect=ANSWERED))


def at(http: Http, expr: str, when: float) -> tuple[Line, ...]:
    """The series at one Unix time, one point each; a scalar is one without labels."""
    return _lines(http.post("/api/v1/query", data={"query": expr, "time": f"{when:.3f}"}, expect=ANSWERED))


def _lines(answer: Answer) -> tuple[Line, ...]:
    if answer.status != 200:
        _refuse(answer)
    with shaped(answer):
        data = answer.json()["data"]
        if data["resultType"] == "scalar":
            return (Line({}, (_point(*data["result"]),)),)
        return tuple(_line(one) for one in data["result"])


def _line(one: Mapping[str, Any]) -> Line:
    points = one.get("values") or ([one["value"]] if "value" in one else [])
    counts = one.get("histograms") or ([one["histogram"]] if "histogram" in one else [])
    found = (*(_point(*each) for each in points), *(_point(when, held["count"]) for when, held in counts))
    return Line(
        {name: text(value) for name, value in one.get("metric", {}).items()}, tuple(sorted(found, key=_when))
    )


def _point(when: float, value: str) -> tuple[float, float]:
    return float(when), float(value)


def _when(point: tuple[float, float]) -> float:
    return point[0]


def _refuse(answer: Answer) -> None:
    try:
        said = text(json.loads(answer.text)["error"])
    except (ValueError, TypeError, KeyError):
        said = f"answered {answer.status}: {snippet(answer.text)}"
    raise Refused(said, answer.status)


def rounded(value: float, places: int = 5) -> float | int | str | None:
    """As little text as a drawing needs: None for no number, whole numbers without a point, infinity as a word."""
    if math.isnan(value):
        return None
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    short = float(f"{value:.{places}g}")
    return int(short) if short == int(short) and abs(short) < 1e15 else short
