"""Dashboard haproxy: frontends, backends and their servers. Data only."""

from __future__ import annotations

from stack.dashboards.exporters.parts import answers, lines, number, server_dashboard
from stack.dashboards.promql import rate, select, total

FRONTEND, BACKEND = "{{instance}} {{frontend}}", "{{instance}} {{backend}}"

HAPROXY = server_dashboard(
    "haproxy",
    "HAProxy",
    "haproxy_up",
    (
        answers("haproxy_up"),
        number(
            "Sessions",
            "Sessions of all frontends that are open now.",
            "short",
            total("instance", select("haproxy_frontend_current_sessions")),
        ),
        number(
            "Requests",
            "HTTP requests of all frontends per second.",
            "reqps",
            total("instance", rate("haproxy_frontend_http_requests_total")),
        ),
        number(
            "Servers up",
            "Share of the servers of all backends that are up.",
            "percentunit",
            f"avg by (instance) ({select('haproxy_server_up')})",
        ),
        lines(
            "Requests by frontend",
            "HTTP requests per second.",
            "reqps",
            (total("instance, frontend", rate("haproxy_frontend_http_requests_total")), FRONTEND),
        ),
        lines(
            "Answers by code",
            "Answers of all backends per second, by class of status code.",
            "reqps",
            (total("instance, code", rate("haproxy_backend_http_responses_total")), "{{instance}} {{code}}"),
        ),
        lines(
            "Servers",
            "Which servers are up (1) and down (0).",
            "short",
            (
                f"max by (instance, backend, server) ({select('haproxy_server_up')})",
                f"{BACKEND} {{{{server}}}}",
            ),
        ),
        lines(
            "Queue",
            "Requests that wait for a server of each backend.",
            "short",
            (total("instance, backend", select("haproxy_backend_current_queue")), BACKEND),
        ),
        lines(
            "Time to answer",
            "Time that the servers of each backend took for the last 1,024 requests, on average.",
            "s",
            (
                f"max by (instance, backend) ({select('haproxy_backend_http_response_time_average_seconds')})",
                BACKEND,
            ),
        ),
        lines(
            "Traffic",
            "Bytes received and sent by all frontends.",
            "Bps",
            (total("instance", rate("haproxy_frontend_bytes_in_total")), "{{instance}} received"),
            (total("instance", rate("haproxy_frontend_bytes_out_total")), "{{instance}} sent"),
        ),
    ),
)
