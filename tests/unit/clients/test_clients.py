"""The clients: what they send, what they make of answers, and that a wrong shape is a failure with the evidence."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest

from stack.clients.alertmanager import Alertmanager, published_hash
from stack.clients.alerts import active_alerts
from stack.clients.app import App
from stack.clients.dropped_targets import dropped_targets
from stack.clients.grafana import Grafana, Query, Result
from stack.clients.http import Http, HttpFailure
from stack.clients.prometheus import Prometheus, Sample
from tests.loopback import Asked, Reply, Routes, serve


def success(data: Any) -> Reply:
    return 200, {"status": "success", "data": data}


def test_prometheus_reads_vectors_scalars_and_ranges() -> None:
    answers = {
        "v": success(
            {"resultType": "vector", "result": [{"metric": {"b": "2", "a": "1"}, "value": [1, "3"]}]}
        ),
        "s": success({"resultType": "scalar", "result": [1, "4"]}),
    }
    routes: Routes = {
        "POST /api/v1/query": lambda asked: answers[asked.params["query"]],
        "POST /api/v1/query_range": success({"result": [{"metric": {}, "values": [[1, "5"], [2, "6"]]}]}),
        "GET /api/v1/label/job/values": lambda asked: success([asked.params.get("match[]", "all")]),
    }
    with serve(routes) as base:
        client = Prometheus(Http(base))
        assert client.query("v") == (Sample((("a", "1"), ("b", "2")), 3.0),)
        assert client.query("s") == (Sample((), 4.0),)
        assert client.query_range("v", 0, 10, 5) == ((5.0, 6.0),)
        assert client.label_values("job", "up") == ("up",)
        assert client.label_values("job", "") == ("all",)


def test_prometheus_tells_what_it_has_rejected_since_its_start() -> None:
    counter = "prometheus_target_scrapes_sample_{}_total"
    page = (
        f"# TYPE {counter.format('out_of_order')} counter\n{counter.format('out_of_order')} 2\n"
        f"{counter.format('duplicate_timestamp')} 1e+03\n"
        'prometheus_target_scrapes_pool_sync_total{scrape_job="a b"} 7\n'
    )
    with serve({"GET /metrics": (200, page)}) as base:
        assert Prometheus(Http(base)).rejected() == 1002


SHAPES: list[tuple[str, Callable[[str], object], Any]] = [
    ("GET /api/v1/rules", lambda base: Prometheus(Http(base)).rules(), {"data": {"groups": [{}]}}),
    ("GET /api/v1/alerts", lambda base: active_alerts(Http(base)), {"data": {"alerts": [{"labels": {}}]}}),
    ("GET /api/v1/targets", lambda base: Prometheus(Http(base)).targets(), {"data": None}),
    (
        "POST /api/v1/query",
        lambda base: Prometheus(Http(base)).query("up"),
        {"data": {"resultType": "vector"}},
    ),
    ("GET /metrics", lambda base: Alertmanager(Http(base)).config_hash(), "alertmanager_config_hash x\n"),
    ("GET /alerts", lambda base: App(Http(base)).alerts("a", "b"), {"alerts": ["text"]}),
    ("GET /api/search", lambda base: Grafana(Http(base)).dashboard_uids(), {"message": "no"}),
    ("POST /api/ds/query", lambda base: Grafana(Http(base)).query([], 0, 1), {"message": "no"}),
]


@pytest.mark.parametrize(("key", "ask", "body"), SHAPES, ids=[key for key, *_ in SHAPES])
def test_a_wrong_shape_is_a_failure_that_shows_the_answer(
    key: str, ask: Callable[[str], object], body: Any
) -> None:
    with serve({key: (200, body)}) as base, pytest.raises(HttpFailure) as caught:
        ask(base)
    assert key.split()[1] in str(caught.value)
    assert caught.value.status == 200


def test_alertmanager_gets_an_alert_with_times() -> None:
    sent: list[Any] = []

    def take(asked: Asked) -> Reply:
        sent.extend(json.loads(asked.body))
        return 200, ""

    with serve({"POST /api/v2/alerts": take}) as base:
        Alertmanager(Http(base)).post_alert({"alertname": "A"}, {"summary": "s"}, 0.0, 60.5)
    assert sent == [
        {
            "labels": {"alertname": "A"},
            "annotations": {"summary": "s"},
            "startsAt": "1970-01-01T00:00:00+00:00",
            "endsAt": "1970-01-01T00:01:00.500000+00:00",
        }
    ]


def test_a_fault_of_the_application_is_switched_for_a_while_and_off() -> None:
    sent: list[Any] = []

    def take(asked: Asked) -> Reply:
        sent.append(json.loads(asked.body))
        return 200, {}

    routes: Routes = {"POST /faults/quiet": take, "GET /faults": (404, {})}
    with serve(routes) as base:
        app = App(Http(base))
        assert not app.may_throw()
        app.throw("quiet", 30)
        app.throw("quiet", 0)
        with pytest.raises(HttpFailure, match="answered 404"):
            app.throw("nonsense", 1)
        routes["GET /faults"] = (200, {"faults": []})
        assert app.may_throw()
    assert sent == [{"state": "on", "seconds": 30}, {"state": "off"}]


def test_active_alerts_have_their_value_and_since_when() -> None:
    alert = {
        "labels": {"alertname": "A"},
        "state": "pending",
        "activeAt": "1970-01-01T00:01:00.5Z",
        "value": "4.2e+01",
    }
    with serve({"GET /api/v1/alerts": success({"alerts": [alert]})}) as base:
        (found,) = active_alerts(Http(base))
    assert (found.name, found.state, found.since, found.value, found.annotations) == (
        "A",
        "pending",
        60.5,
        42.0,
        {},
    )


def test_the_published_hash_is_what_alertmanager_0_33_shows() -> None:
    assert published_hash("route:\n  receiver: default\nreceivers:\n  - name: default\n") == 133666883235517.0


def test_grafana_sends_a_batch_and_counts_numbers() -> None:
    sent: list[Any] = []
    fields = [{"name": "Time", "type": "time"}, {"name": "v", "type": "number"}]
    frame = {"schema": {"fields": fields}, "data": {"values": [[1, 2, 3], [4.5, None, 5]]}}

    def batch(asked: Asked) -> Reply:
        sent.append(json.loads(asked.body))
        return 400, {"results": {"A": {"frames": [frame]}, "B": {"error": "bad", "frames": []}}}

    with serve({"POST /api/ds/query": batch}) as base:
        results = Grafana(Http(base)).query(
            [Query("A", "p", "up", instant=False), Query("B", "p", "(", instant=True)], 100.0, 400.5
        )
    assert results == {"A": Result("", 1, 2), "B": Result("bad", 0, 0)}
    (body,) = sent
    assert (body["from"], body["to"]) == ("100000", "400500")
    assert [(q["refId"], q["range"], q["instant"]) for q in body["queries"]] == [
        ("A", True, False),
        ("B", False, True),
    ]


def test_grafana_reloads_both_kinds_of_provisioning() -> None:
    asked_for: list[str] = []

    def reload(asked: Asked) -> Reply:
        asked_for.append(asked.path)
        return 200, {"message": "reloaded"}

    kinds = ("datasources", "dashboards")
    with serve({f"POST /api/admin/provisioning/{k}/reload": reload for k in kinds}) as base:
        Grafana(Http(base)).reload_provisioning()
    assert asked_for == [f"/api/admin/provisioning/{k}/reload" for k in kinds]


def test_a_reload_may_take_longer_than_other_answers() -> None:
    def slow(asked: Asked) -> Reply:
        threading.Event().wait(0.2)
        return 200, {"message": "reloaded"}

    kinds = ("datasources", "dashboards")
    with serve({f"POST /api/admin/provisioning/{k}/reload": slow for k in kinds}) as base:
        Grafana(Http(base, timeout=0.1)).reload_provisioning()


def test_prometheus_says_what_a_rule_is_in_and_when_it_had_its_turn() -> None:
    rule = {"name": "A", "type": "alerting", "health": "ok", "query": "up == 0"}
    at = {"state": "firing", "lastEvaluation": "2026-01-01T00:00:10.5Z"}
    group = {
        "name": "g",
        "file": "/a.yml",
        "rules": [{**rule, **at}, {**rule, "lastEvaluation": "0001-01-01T00:00:00Z"}],
    }
    with serve({"GET /api/v1/rules": success({"groups": [group]})}) as base:
        first, second = Prometheus(Http(base)).rules()
    assert (first.state, first.evaluated) == ("firing", 1767225610.5)
    assert (second.state, second.evaluated) == ("", 0.0)


@pytest.mark.parametrize(
    ("data", "found"),
    [
        ({"droppedTargets": []}, {}),
        (
            {
                "droppedTargets": [
                    {"scrapePool": "a", "discoveredLabels": {"__address__": f"h:{n}"}} for n in (1, 2)
                ]
            },
            {"a": (2, "h:1")},
        ),
        (
            {
                "droppedTargets": [{"scrapePool": "a", "discoveredLabels": {"__address__": "h:1"}}],
                "droppedTargetCounts": {"a": 9, "b": 0, "c": 1},
            },
            {"a": (9, "h:1"), "c": (1, "")},
        ),
    ],
)
def test_targets_that_are_left_out_are_counted_also_where_few_are_kept(data: Any, found: Any) -> None:
    with serve({"GET /api/v1/targets": success(data)}) as base:
        assert dropped_targets(Http(base)) == found
