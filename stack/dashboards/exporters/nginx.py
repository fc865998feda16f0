"""Dashboard nginx: what the page stub_status tells. Data only."""

from __future__ import annotations

from stack.dashboards.exporters.parts import answers, lines, number, per_second, server_dashboard
from stack.dashboards.promql import rate, select, total

STATES = ("reading", "writing", "waiting")

NGINX = server_dashboard(
    "nginx",
    "nginx",
    "nginx_up",
    (
        answers("nginx_up"),
        number("Connections", "Connections that are open now.", "short", select("nginx_connections_active")),
        number(
            "Requests",
            "Requests per second, with those of the exporter.",
            "reqps",
            total("instance", rate("nginx_http_requests_total")),
        ),
        number(
            "Dropped",
            "Connections per second that were accepted and not handled: a limit was reached.",
            "ops",
            f"{total('instance', rate('nginx_connections_accepted'))}"
            f" - {total('instance', rate('nginx_connections_handled'))}",
        ),
        per_second("Requests over time", "Requests per second.", "reqps", ("nginx_http_requests_total", "")),
        lines(
            "Connections by state",
            "Reading a request, writing an answer, or waiting for the next request.",
            "short",
            *((select(f"nginx_connections_{state}"), f"{{{{instance}}}} {state}") for state in STATES),
        ),
        per_second(
            "Connections made",
            "Connections that were accepted, and those of them that were handled.",
            "ops",
            ("nginx_connections_accepted", "accepted"),
            ("nginx_connections_handled", "handled"),
        ),
    ),
)
