"""What a job exposes becomes a dashboard: requests first, counters as rates, histograms as quantiles, by prefixes."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from stack.boards.board import Board
from stack.boards.families import Described, Family, counts_of, families_of
from stack.boards.generating import generated
from stack.boards.model import panels
from stack.boards.promql import READABLE
from stack.boards.units import plain_name, rate_unit, unit_of
from stack.model.spec import ConfigFile
from stack.validation.provisioning import check_provisioning

TARGET = {"job": "shop", "instance": "shop:8000", "env": "prod"}


def series(name: str, **labels: str) -> tuple[tuple[str, str], ...]:
    return tuple({"__name__": name, **TARGET, **labels}.items())


def histogram(name: str, **labels: str) -> list[tuple[tuple[str, str], ...]]:
    buckets = [series(f"{name}_bucket", le=le, **labels) for le in ("0.1", "+Inf")]
    return [*buckets, series(f"{name}_count", **labels), series(f"{name}_sum", **labels)]


TOLD = (
    Described("http_requests", "counter", "Requests."),
    Described("http_request_duration_seconds", "histogram", "How  long\na request took."),
    Described("orders_total", "counter", "Orders."),
    Described("queue_wait_seconds", "summary"),
    Described("payload", "histogram", "", "bytes"),
    Described("stock", "gauge", "What is there."),
    Described("shop", "info"),
)
SERIES = (
    series("up"),
    series("scrape_duration_seconds"),
    series("job:stock:sum"),
    *(series("http_requests_total", status=s, route=r) for s in ("200", "500") for r in ("/a", "/b")),
    *histogram("http_request_duration_seconds", route="/a"),
    series("http_request_duration_seconds_created"),
    series("orders_total"),
    *(series("queue_wait_seconds", quantile=q) for q in ("0.5", "0.9")),
    series("queue_wait_seconds_count"),
    series("queue_wait_seconds_sum"),
    series("payload"),
    *(series("stock", shelf=str(n)) for n in range(30)),
    series("shop_info", version="1"),
    series("last_order_timestamp_seconds"),
    series("process_open_fds"),
    series("process_max_fds"),
    series("mystery_total"),
)
FAMILIES = families_of(TOLD, SERIES)


def by_name() -> dict[str, Family]:
    return {one.name: one for one in FAMILIES}


def exprs(board: Board) -> dict[str, list[str]]:
    return {
        p["title"]: [t["expr"] for t in p.get("targets", [])]
        for p in panels(board.model)
        if p["type"] != "row"
    }


def found(board: Board, part: str) -> dict[str, Any]:
    return next(p for p in panels(board.model) if part in str(p.get("targets")))


def test_what_a_job_exposes_is_told_apart() -> None:
    kinds = {name: one.kind for name, one in by_name().items()}
    assert kinds == {
        "http_requests_total": "counter",
        "http_request_duration_seconds": "histogram",
        "orders_total": "counter",
        "queue_wait_seconds": "summary",
        "payload": "native",
        "stock": "gauge",
        "shop_info": "info",
        "last_order_timestamp_seconds": "gauge",
        "process_open_fds": "gauge",
        "process_max_fds": "gauge",
        "mystery_total": "counter",
    }
    requests = by_name()["http_requests_total"]
    assert (requests.labels, requests.help) == ((("route", 2), ("status", 2)), "Requests.")
    assert by_name()["http_request_duration_seconds"].help == "How long a request took."
    assert by_name()["stock"].series == 30 and by_name()["queue_wait_seconds"].quantiles
    assert set(counts_of(FAMILIES)) == {
        "http_request_duration_seconds_count",
        "queue_wait_seconds_count",
        "payload",
    }


@pytest.mark.parametrize(
    ("names", "told", "kind"),
    [
        (["x_bucket", "x_count", "x_sum"], "", "histogram"),
        (["x_count", "x_sum"], "summary", "summary"),
        (["x_count", "x_sum"], "", "summary"),
        (["x"], "histogram", "native"),
        (["x_total"], "", "counter"),
        (["x_total"], "gauge", "gauge"),
        (["x"], "unknown", "gauge"),
        (["build_info"], "gauge", "info"),
    ],
)
def test_the_kind_without_and_against_the_name(names: list[str], told: str, kind: str) -> None:
    base = names[0].removesuffix("_bucket").removesuffix("_count")
    described = [Described(base, told)] if told else []
    (family,) = families_of(described, [series(name) for name in names])
    assert family.kind == kind


def test_the_dashboard_is_one_that_this_stack_takes() -> None:
    board = generated("shop", FAMILIES)
    check_provisioning((ConfigFile("dashboards/x.json", board.text().encode()),))
    assert (board.uid, board.title) == ("job-shop", "shop: metrics")
    numbers = [p["id"] for p in panels(board.model)]
    assert len(numbers) == len(set(numbers))
    assert [v["name"] for v in board.model["templating"]["list"]] == ["datasource", "instance"]
    titles = [p["title"] for p in board.model["panels"] if p["type"] == "row"]
    assert titles[:2] == ["shop", "Requests: http"] and titles[-1] == "process"
    assert board.model["panels"][-1]["collapsed"]
    assert not any(
        "ids" in str(q) for p in panels(board.model) for q in p.get("targets", []) if "up{" in str(q)
    )


def test_requests_come_first_with_rate_errors_and_duration() -> None:
    asked = exprs(generated("shop", FAMILIES))
    selector = 'http_requests_total{job="shop", instance=~"$instance"'
    assert asked["Requests"] == [f"sum by (status) (rate({selector}}}[$__rate_interval]))"]
    failed = f'sum(rate({selector}, status=~"5.."}}[$__rate_interval]))'
    assert asked["Errors"] == [
        f"({failed} or vector(0)) / clamp_min(sum(rate({selector}}}[$__rate_interval])), 1e-9)"
    ]
    assert [q.partition(",")[0] for q in asked["Duration"]] == [
        "histogram_quantile(0.5", "histogram_quantile(0.95", "histogram_quantile(0.99",
    ]  # fmt: skip
    assert asked["Requests by route"][0].startswith("topk(10, sum by (route)")


def test_each_kind_is_shown_its_way() -> None:
    board = generated("shop", FAMILIES)
    asked = exprs(board)
    assert "rate(orders_total" in str(found(board, "orders_total")["targets"])
    assert (
        asked["Payload: quantiles"][0]
        == 'histogram_quantile(0.5, sum(rate(payload{job="shop", instance=~"$instance"}[$__rate_interval])))'
    )
    assert asked["Payload: distribution"] == [
        'sum(increase(payload{job="shop", instance=~"$instance"}[$__rate_interval]))'
    ]
    assert asked["Queue wait: quantiles"] == [
        'max by (quantile) (queue_wait_seconds{job="shop", instance=~"$instance"})'
    ]
    assert found(board, "stock{")["title"] == "Stock, the largest ten"
    moment = found(board, "last_order_timestamp_seconds")
    assert moment["type"] == "stat" and moment["fieldConfig"]["defaults"]["unit"] == "dateTimeFromNow"
    assert found(board, "shop_info")["type"] == "table"
    assert len(found(board, "process_open_fds")["targets"]) == 2, "plain ones of one unit share a panel"


def test_what_is_quiet_has_no_quantiles() -> None:
    quiet = [replace(one, quiet=True) for one in FAMILIES]
    text = generated("shop", quiet).text()
    assert "histogram_quantile" not in text and "max by (quantile)" not in text
    assert "payload" in text and "observations per second" in text


@pytest.mark.parametrize(
    ("name", "status", "failed"),
    [
        ("grpc_server_handled_total", "grpc_code", '!~"OK|0"'),
        ("rpc_calls_total", "code", '!~"OK|0"'),
        ("https_requests_total", "code", '=~"5.."'),
    ],
)
def test_failures_by_protocol(name: str, status: str, failed: str) -> None:
    values = ("OK", "Internal") if "rpc" in name else ("200", "500")
    board = generated("shop", families_of((), [series(name, **{status: value}) for value in values]))
    assert f"{status}{failed}" in exprs(board)["Errors"][0]


def test_requests_that_are_only_timed() -> None:
    timed = families_of(
        (), [one for s in ("200", "500") for one in histogram("http_server_request_duration_seconds", code=s)]
    )
    asked = exprs(generated("shop", timed))
    assert "http_server_request_duration_seconds_count" in asked["Requests"][0] and "Duration" in asked
    summary = families_of(
        (), [series("http_request_duration_seconds_count"), series("http_request_duration_seconds_sum")]
    )
    assert " / " in exprs(generated("shop", summary))["Duration"][0]


def test_requests_without_a_protocol_are_known_by_their_status() -> None:
    told = [series("shop_requests_total", status=s) for s in ("200", "500")]
    asked = exprs(generated("shop", families_of((), [*told, *histogram("shop_request_duration_seconds")])))
    assert "Requests" in asked and "Errors" in asked and "Duration" in asked
    plain = exprs(
        generated("shop", families_of((), [series("shop_requests_total"), *histogram("job_time_seconds")]))
    )
    assert "Requests" not in plain and "Duration" not in plain


def test_the_panels_are_bounded_and_the_rest_is_told() -> None:
    many = families_of((), [series(f"a{n}_b{n % 7}_x", k=str(k)) for n in range(120) for k in range(2)])
    board = generated("shop", many, 20)
    assert sum(p["type"] != "row" for p in panels(board.model)) <= 20
    assert board.notes[0].endswith("panels more were left out: --panels N shows more")
    large = families_of(
        (), [series(f"shop_{word}_{n}", k=str(k)) for word in ("a", "b") for n in range(9) for k in "12"]
    )
    titles = [p["title"] for p in generated("shop", large).model["panels"] if p["type"] == "row"]
    assert titles == ["shop", "shop a", "shop b"]


ODD = families_of(
    (Described("a.b", "counter"), Described("half", "histogram"), Described("sum.x", "summary")),
    (
        *(series("a.b", **{"http.method": m, "x": m}) for m in ("GET", "PUT")),
        series("half_count"),
        series("half_sum"),
        *histogram("c d"),
        *(series("sum.x", **{"quantile": q, "http.code": c}) for q in ("0.5", "0.9") for c in ("1", "2")),
        *(series(name) for name in ("_", "__x", "others_a", "others_b", "alone", "einsam")),
    ),
)


def test_names_that_only_quotes_let_stand() -> None:
    exprs = {
        target["expr"]
        for panel in panels(generated("shop", ODD).model)
        for target in panel.get("targets", [])
    }
    inside = 'job="shop", instance=~"$instance"'
    assert {
        f'sum by ("http.method", x) (rate({{"a.b", {inside}}}[$__rate_interval]))',
        f'histogram_quantile(0.5, sum by (le) (rate({{"c d_bucket", {inside}}}[$__rate_interval])))',
        f'max by (quantile, "http.code") ({{"sum.x", {inside}}})',
    } <= exprs


def test_a_histogram_without_buckets_shows_its_average() -> None:
    assert {one.name: one.kind for one in ODD}["half"] == "summary"


def test_no_metric_is_lost_and_no_title_empty() -> None:
    board = generated("shop", ODD).model
    text = str([target["expr"] for panel in panels(board) for target in panel.get("targets", [])])
    assert [one.name for one in ODD if one.name not in text] == []
    assert all(panel["title"].strip(" :") for panel in board["panels"])


def test_a_crowded_counter_shows_the_largest() -> None:
    crowded = families_of((), [series("x_total", user=str(n)) for n in range(READABLE + 1)])
    (expr,) = exprs(generated('a"b', crowded))["X per second"]
    assert expr.startswith('topk(10, sum by (user) (rate(x_total{job="a\\"b"')


@pytest.mark.parametrize(
    ("name", "told", "unit"),
    [
        ("x_seconds", "", "s"), ("x_ms", "", "ms"), ("x_bytes", "", "bytes"), ("x_ratio", "", "percentunit"),
        ("x_celsius", "", "celsius"), ("x", "seconds", "s"), ("x", "", "short"),
        ("start_time_seconds", "", "dateTimeFromNow"),
        ("x_timestamp_seconds", "", "dateTimeFromNow"),
    ],
)  # fmt: skip
def test_units_by_name(name: str, told: str, unit: str) -> None:
    assert unit_of(name, told) == unit


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("http_requests_total", "reqps"),
        ("x_bytes_total", "Bps"),
        ("cpu_seconds_total", "percentunit"),
        ("x_total", "cps"),
    ],
)
def test_units_of_rates(name: str, unit: str) -> None:
    assert rate_unit(name) == unit


def test_names_in_words() -> None:
    assert plain_name("http_request_duration_seconds") == "Http request duration"
    assert plain_name("seconds") == "Seconds"
