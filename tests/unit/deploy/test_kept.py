"""What products show of their data, asked before and after: found, lost, not asked, not there to be asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from stack.archives.manifest import Kept
from stack.checks.context import CheckContext
from stack.checks.model import Expected
from stack.deploy.kept import compare, kept_in
from tests.loopback import Asked, Routes, serve

SAMPLE, RECEIVED = 1764158400.25, "2026-11-26T12:00:00Z"


def silence(number: int, state: str = "active") -> dict[str, Any]:
    return {
        "id": f"{number}{number}{number}-silence",
        "status": {"state": state},
        "matchers": [{"name": "a", "value": "b", "isRegex": False}],
        "createdBy": "me",
        "comment": "",
        "startsAt": RECEIVED,
        "endsAt": RECEIVED,
    }


def vector(value: float) -> Any:
    return (200, {"data": {"resultType": "vector", "result": [{"metric": {}, "value": [0, str(value)]}]}})


def board(asked: Asked) -> Any:
    made = asked.path.rpartition("/")[2]
    return (200, {"dashboard": {}, "meta": {"provisioned": made == "shipped"}})


@pytest.fixture
def routes() -> Routes:
    return {
        "POST /api/v1/query": lambda asked: vector(SAMPLE),
        "GET /api/v2/silences": (200, [silence(2), silence(1), silence(3, "expired")]),
        "GET /api/org": (200, {}),
        "GET /api/search": (200, [{"uid": "shipped"}, {"uid": "mine"}]),
        "GET /api/dashboards/uid/shipped": board,
        "GET /api/dashboards/uid/mine": board,
        "GET /alerts": (200, {"alerts": [{"status": "firing", "labels": {}, "receivedAt": RECEIVED}]}),
    }


@pytest.fixture
def context(routes: Routes) -> Iterator[CheckContext]:
    with serve(routes) as address:
        names = ("prometheus", "alertmanager", "grafana", "app")
        yield CheckContext(Expected("s", tuple((name, address) for name in names)))


def test_what_is_kept_is_found_again(context: CheckContext) -> None:
    unasked: list[str] = []
    kept = kept_in(context, unasked.append)
    assert kept == Kept(SAMPLE, ("111-silence", "222-silence"), ("mine",), 1795694400.0) and not unasked
    found = compare(context, kept)
    assert found.found == (
        "prometheus: the newest sample, of 2025-11-26 12:00:00 UTC",
        "alertmanager: 2 silences (111-sile, 222-sile)",
        "grafana: 1 dashboard made by hand (mine)",
        "app: the newest alert among its packets, of 2026-11-26 12:00:00 UTC",
    )
    assert not (found.lost or found.unasked or found.absent)


def test_what_is_gone_is_lost(context: CheckContext, routes: Routes) -> None:
    kept = kept_in(context, print)
    routes["POST /api/v1/query"] = vector(SAMPLE - 15)
    routes["GET /api/v2/silences"] = (200, [silence(1)])
    routes["GET /api/search"] = (200, [])
    routes["GET /alerts"] = (200, {"alerts": []})
    found = compare(context, kept)
    assert len(found.lost) == 4 and found.found == ()


def test_the_newest_sample_is_asked_for_at_its_moment(context: CheckContext, routes: Routes) -> None:
    asked: list[str] = []

    def answer(request: Asked) -> Any:
        asked.append(request.params["query"])
        return vector(SAMPLE)

    routes["POST /api/v1/query"] = answer
    compare(context, Kept(sample=SAMPLE))
    assert asked == ["max(timestamp(up @ 1764158400.250))"]


def test_who_does_not_answer_is_not_asked_and_who_does_not_run_is_absent(
    context: CheckContext, routes: Routes
) -> None:
    kept = Kept(SAMPLE, ("111-silence",))
    routes["POST /api/v1/query"] = (500, {"error": "no"})
    unasked: list[str] = []
    assert kept_in(context, unasked.append).sample == 0.0
    assert unasked[0].startswith("prometheus was not asked what it keeps: ")
    (sentence,) = compare(context, kept).unasked
    assert sentence.startswith("prometheus was not asked for the newest sample")
    nobody = CheckContext(Expected("s", ()))
    assert kept_in(nobody, print) == Kept()
    assert len(compare(nobody, kept).absent) == 2


def test_an_empty_stack_has_nothing_to_lose(context: CheckContext) -> None:
    found = compare(context, Kept())
    assert found.found == found.lost == ()
