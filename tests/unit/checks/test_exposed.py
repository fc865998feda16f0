"""What a job exposes is asked in few requests; what was not observed lately is quiet."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from stack.checks.exposed import exposed
from stack.clients.http import Http, HttpFailure
from stack.clients.prometheus import Prometheus
from tests.loopback import Asked, Reply, serve
from tests.unit.checks.fake_stack import data

NOW = 1_000_000.0
ASKED: list[Asked] = []
TARGET = {"job": 'a"b', "instance": "a:1"}


def series(name: str, **labels: str) -> dict[str, str]:
    return {"__name__": name, **TARGET, **labels}


SERIES = [
    series("up"),
    *(series(f"{name}_seconds_{part}") for name in ("busy", "quiet") for part in ("bucket", "count", "sum")),
    series("native"),
    series("hits_total"),
]
METADATA = [
    {"metric": "native", "type": "histogram", "help": "H.", "unit": "bytes"},
    {"metric": "hits", "type": "counter", "help": "Hits.", "unit": ""},
]


def ranged(asked: Asked) -> Reply:
    ASKED.append(asked)
    lines: list[dict[str, Any]] = [
        {"metric": {"__name__": "busy_seconds_count"}, "values": [[1, "1"], [2, "4"]]},
        {"metric": {"__name__": "quiet_seconds_count"}, "values": [[1, "3"], [2, "3"]]},
        {
            "metric": {"__name__": "native"},
            "histograms": [[1, {"count": "1", "sum": "9"}], [2, {"count": "2", "sum": "9"}]],
        },
    ]
    return data({"resultType": "matrix", "result": lines})


def kept(value: Any) -> Any:
    def answer(asked: Asked) -> Reply:
        ASKED.append(asked)
        return data(value)

    return answer


@pytest.fixture
def prometheus() -> Iterator[Prometheus]:
    ASKED.clear()
    routes = {
        "GET /api/v1/series": kept(SERIES),
        "GET /api/v1/targets/metadata": kept(METADATA),
        "POST /api/v1/query_range": ranged,
    }
    with serve(routes) as address:
        yield Prometheus(Http(address))


def test_kinds_help_and_what_is_quiet(prometheus: Prometheus) -> None:
    found = {one.name: one for one in exposed(prometheus, 'a"b', NOW)}
    assert {name: (one.kind, one.quiet) for name, one in found.items()} == {
        "busy_seconds": ("histogram", False),
        "quiet_seconds": ("histogram", True),
        "native": ("native", False),
        "hits_total": ("counter", False),
    }
    assert (found["native"].unit, found["hits_total"].help) == ("bytes", "Hits.")


def test_each_question_is_about_the_job_alone(prometheus: Prometheus) -> None:
    exposed(prometheus, 'a"b', NOW)
    wanted = [
        asked.params.get("match[]") or asked.params.get("match_target") or asked.params["query"]
        for asked in ASKED
    ]
    assert wanted == [
        '{job="a\\"b"}',
        '{job="a\\"b"}',
        'sum by (__name__) ({job="a\\"b",__name__=~"busy_seconds_count|native|quiet_seconds_count"})',
    ]
    assert ASKED[0].params["start"] == "999700.000" and ASKED[0].params["limit"] == "20000"


def test_a_job_without_targets_that_say_anything(prometheus: Prometheus) -> None:
    with serve(
        {"GET /api/v1/series": data([]), "GET /api/v1/targets/metadata": (404, {"error": "no targets"})}
    ) as address:
        assert exposed(Prometheus(Http(address)), "x", NOW) == ()
    with serve({"GET /api/v1/series": data([{"__name__": 3}])}) as address, pytest.raises(HttpFailure):
        exposed(Prometheus(Http(address)), "x", NOW)


def test_two_scrapes_of_a_new_target_are_told_apart(prometheus: Prometheus) -> None:
    exposed(prometheus, 'a"b', NOW)
    (asked,) = [one for one in ASKED if "step" in one.params]
    assert float(asked.params["step"]) <= 5
