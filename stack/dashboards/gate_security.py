"""Dashboard gate-security: what the six gates decide, how fast, and what they turn away. Data only."""

from __future__ import annotations

from stack.dashboards.model import Dashboard, Panel, Query, falling, rising
from stack.dashboards.promql import increase, quantile, rate, ratio, select, total

REJECTED = 'outcome="reject"'


def _latency(share: float) -> Query:
    buckets = rate("gate_execution_ms_bucket")
    return Query(quantile(share, "gate", buckets), f"{{{{gate}}}} P{share * 100:.0f}")


GATE_SECURITY = Dashboard(
    uid="gate-security",
    title="Gate security",
    description="The six security gates: decisions, rejections and latency.",
    tags=("monitoring-stack", "security"),
    scope="gate_invocations_total",
    panels=(
        Panel(
            "timeseries",
            "Invocations by gate and outcome",
            "Decisions per second, accepted (ok) and rejected (reject).",
            "ops",
            (Query(total("gate, outcome", rate("gate_invocations_total")), "{{gate}} {{outcome}}"),),
            minimum=0,
        ),
        Panel(
            "timeseries",
            "Latency P50, P95 and P99 by gate",
            "Half, 95 % and 99 % of the decisions of a gate take no longer than this. The objective is a P99 of 10 ms.",
            "ms",
            (_latency(0.5), _latency(0.95), _latency(0.99)),
            steps=rising(5, 10),
            minimum=0,
        ),
        Panel(
            "stat",
            "Pass rate by gate",
            "Share of accepted decisions among the last 1,000 or the last 5 minutes, whichever is fewer; "
            "of several instances the lowest.",
            "percent",
            (Query(f"min by (gate) ({select('gate_pass_rate_percent')})", "{{gate}}"),),
            steps=falling(90, 95),
            minimum=0,
            maximum=100,
            decimals=1,
        ),
        Panel(
            "piechart",
            "Errors by code",
            "Rejections in the dashboard's time range by their error code.",
            "short",
            (Query(total("error_code", increase("$__range", "gate_errors_total")), "{{error_code}}", True),),
        ),
        Panel(
            "gauge",
            "Current latency",
            "Duration of the latest decision of each gate; of several instances the longest.",
            "ms",
            (Query(f"max by (gate) ({select('gate_current_latency_ms')})", "{{gate}}", True),),
            steps=rising(10, 25),
            minimum=0,
            maximum=50,
            decimals=2,
        ),
        Panel(
            "bargauge",
            "Rejection rate by gate",
            "Share of the decisions that are rejections. Above 5 % for two minutes GateHighRejectionRate fires.",
            "percentunit",
            (
                Query(
                    ratio(
                        total("gate", rate("gate_invocations_total", REJECTED)),
                        total("gate", rate("gate_invocations_total")),
                    ),
                    "{{gate}}",
                    True,
                ),
            ),
            steps=rising(0.02, 0.05),
            minimum=0,
            maximum=0.2,
        ),
        Panel(
            "heatmap",
            "Latency heatmap",
            "Decisions of all gates by duration: the darker, the more decisions took that long.",
            "ms",
            (Query(total("le", rate("gate_execution_ms_bucket")), "{{le}}"),),
            width=24,
        ),
    ),
)
