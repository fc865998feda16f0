"""What the dashboards of all servers have: their frame, whether the server answers, and lines by one label."""

from __future__ import annotations

from stack.dashboards.model import GREEN, RED, Dashboard, Panel, Query, falling
from stack.dashboards.promql import rate, select, total

TAG = "exporter"
"""Of a dashboard about servers of the user's, whose panels may be empty."""


def server_dashboard(uid: str, title: str, scope: str, panels: tuple[Panel, ...]) -> Dashboard:
    """A dashboard of one kind of servers."""
    return Dashboard(
        uid=uid,
        title=title,
        description=f"{title}: each server that an exporter of the stack watches.",
        tags=("monitoring-stack", TAG, uid),
        scope=scope,
        panels=panels,
        folder="optional",
    )


def answers(metric: str) -> Panel:
    """Whether each server answers its exporter."""
    return Panel(
        "stat",
        "Servers",
        "Whether each server answers its exporter.",
        "short",
        (Query(select(metric), "{{instance}}", True),),
        width=6,
        height=6,
        steps=falling(1, 1),
        states=(("1", "up", GREEN), ("0", "down", RED)),
    )


def number(title: str, description: str, unit: str, expr: str) -> Panel:
    """One number a server."""
    return Panel("stat", title, description, unit, (Query(expr, "{{instance}}", True),), width=6, height=6)


def lines(title: str, description: str, unit: str, *queries: tuple[str, str]) -> Panel:
    """Values over time: (expression, legend)."""
    told = tuple(Query(expr, legend) for expr, legend in queries)
    return Panel("timeseries", title, description, unit, told, minimum=0)


def per_second(title: str, description: str, unit: str, *metrics: tuple[str, str]) -> Panel:
    """How much counters grow each second, one line a server and counter: (metric, word)."""
    queries = (
        (total("instance", rate(metric)), f"{{{{instance}}}} {word}".rstrip()) for metric, word in metrics
    )
    return lines(title, description, unit, *queries)
