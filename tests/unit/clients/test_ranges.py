"""Series over a time, with the moments of their values, and as little text as a drawing needs."""

from __future__ import annotations

import math

import pytest

from stack.clients.http import Http, HttpFailure
from stack.clients.prometheus import Refused
from stack.clients.ranges import Line, at, over, rounded
from tests.loopback import Reply, serve

RANGE, NOW = "POST /api/v1/query_range", "POST /api/v1/query"


def told(kind: str, result: object) -> Reply:
    return 200, {"status": "success", "data": {"resultType": kind, "result": result}}


def test_values_keep_their_moments_so_that_gaps_are_seen() -> None:
    found = told("matrix", [{"metric": {"job": "a"}, "values": [[10, "1"], [30, "NaN"], [40, "+Inf"]]}])
    with serve({RANGE: found}) as url:
        (line,) = over(Http(url), "x", 0, 40, 10)
    assert line.labels == {"job": "a"} and line.points[0] == (10.0, 1.0)
    assert math.isnan(line.points[1][1]) and line.points[2] == (40.0, math.inf)


def test_a_native_histogram_counts_as_its_observations() -> None:
    found = told("matrix", [{"metric": {}, "histograms": [[5, {"count": "7", "sum": "1"}]]}])
    with serve({RANGE: found}) as url:
        assert over(Http(url), "x", 0, 5, 5) == (Line({}, ((5.0, 7.0),)),)


def test_one_moment_has_one_point_each_and_a_scalar_no_labels() -> None:
    vector = told("vector", [{"metric": {"a": "b"}, "value": [5, "2"]}])
    with serve({NOW: vector}) as url:
        assert at(Http(url), "x", 5) == (Line({"a": "b"}, ((5.0, 2.0),)),)
    with serve({NOW: told("scalar", [5, "3"])}) as url:
        assert at(Http(url), "3", 5) == (Line({}, ((5.0, 3.0),)),)


def test_a_refusal_has_prometheus_own_word() -> None:
    with (
        serve({RANGE: (400, {"status": "error", "error": "parse error"})}) as url,
        pytest.raises(Refused, match="parse error"),
    ):
        over(Http(url), "x(", 0, 1, 1)
    with serve({NOW: (422, "no JSON")}) as url, pytest.raises(Refused, match="answered 422: no JSON"):
        at(Http(url), "x", 1)


def test_an_answer_of_another_shape_is_a_failure() -> None:
    with serve({RANGE: (200, {"data": {}})}) as url, pytest.raises(HttpFailure, match="another shape"):
        over(Http(url), "x", 0, 1, 1)


@pytest.mark.parametrize(
    ("value", "short"),
    [
        (3.0, 3),
        (0.123456789, 0.12346),
        (1234567.0, 1234600),
        (math.nan, None),
        (-math.inf, "-Infinity"),
        (1e20, 1e20),
    ],
)
def test_numbers_are_short(value: float, short: object) -> None:
    assert rounded(value) == short and type(rounded(value)) is type(short)
