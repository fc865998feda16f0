"""Dashboard l9-tool-observability: tool calls by status and the memory substrate behind them. Data only."""

from __future__ import annotations

from stack.dashboards.model import GREEN, RED, Dashboard, Panel, Query, falling, rising
from stack.dashboards.promql import increase, quantile, rate, ratio, select, total

CALLS = "l9_tool_invocation_total"
DURATION = "l9_tool_invocation_duration_ms_bucket"
ERRORS = 'status=~"failure|timeout"'
WINDOW = "5m"


def _latency(share: float) -> Query:
    return Query(quantile(share, "", rate(DURATION)), f"p{share * 100:.0f}")


TOOL_OBSERVABILITY = Dashboard(
    uid="l9-tool-observability",
    title="Tool observability",
    description="The agent runtime: every tool call by tool and status, and the memory it writes to.",
    tags=("monitoring-stack", "tools"),
    scope=CALLS,
    panels=(
        Panel(
            "timeseries",
            "Invocation rate by tool and status",
            "Tool calls per second.",
            "ops",
            (Query(total("tool_id, status", rate(CALLS)), "{{tool_id}} {{status}}"),),
            minimum=0,
        ),
        Panel(
            "timeseries",
            "Latency p50, p95 and p99",
            "Half, 95 % and 99 % of all tool calls take no longer than this.",
            "ms",
            (_latency(0.5), _latency(0.95), _latency(0.99)),
            steps=rising(100, 500),
            minimum=0,
        ),
        Panel(
            "timeseries",
            "Error rate by status",
            "Calls per second that did not succeed: failed, denied by policy or out of time.",
            "ops",
            (Query(total("status", rate(CALLS, 'status!="success"')), "{{status}}"),),
            minimum=0,
            stacked=True,
        ),
        Panel(
            "timeseries",
            "Memory writes by segment",
            "Packets per second written to each segment of the memory substrate, whatever their status.",
            "wps",
            (Query(total("segment", rate("l9_memory_write_total")), "{{segment}}"),),
            minimum=0,
        ),
        Panel(
            "stat",
            "Substrate health",
            "Result of the latest write-read probe of the packet store; of several instances the worst.",
            "short",
            (Query(f"min({select('l9_memory_substrate_healthy')})", "substrate", True),),
            width=6,
            steps=falling(1, 1),
            states=(("1", "healthy", GREEN), ("0", "unhealthy", RED)),
        ),
        Panel(
            "stat",
            "Invocations in 24 h",
            "Tool calls of the last 24 hours, or since the start if that was later.",
            "short",
            (Query(total("", increase("24h", CALLS)), "calls", True),),
            width=6,
            decimals=0,
        ),
        Panel(
            "stat",
            "Error rate 5m",
            "Share of the calls of the last 5 minutes that failed or timed out. "
            "A denial is the policy at work and doesn't count.",
            "percentunit",
            (
                Query(
                    ratio(total("", increase(WINDOW, CALLS, ERRORS)), total("", increase(WINDOW, CALLS))),
                    "errors",
                    True,
                ),
            ),
            width=6,
            steps=rising(0.01, 0.05),
            decimals=2,
        ),
        Panel(
            "stat",
            "Average latency p50 5m",
            "Half of the calls of the last 5 minutes took no longer than this.",
            "ms",
            (Query(quantile(0.5, "", increase(WINDOW, DURATION)), "p50", True),),
            width=6,
            steps=rising(100, 500),
            decimals=1,
        ),
    ),
)
