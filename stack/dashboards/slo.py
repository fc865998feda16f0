"""Dashboard slo: what the gates promise, how much of the promise is left and how fast it is being used up.

A fault is a rejection that the input did not cause, see the rules in app-slo.yml. The budget's window is seven
days, or the time since the start if that was later. Data only.
"""

from __future__ import annotations

from stack.dashboards.model import Dashboard, Kind, Panel, Query, Step, falling, rising
from stack.dashboards.promql import RATE, increase, quantile, rate, select, total

WINDOW = "7d"
FAULTS = 'gate=~"storage_gate|db_boundary_gate"'
FAST = 'le="10.0"'
ERROR_BUDGET = 0.001
LATENCY_BUDGET = 0.01
UPTIME_BUDGET = 0.001
BURN = (Step(None, "green"), Step(1, "yellow"), Step(6, "orange"), Step(14.4, "red"))


def _faulty(window: str, function: str) -> str:
    """Share of faults by gate; a gate that knows no faults counts 0, one without decisions is left out."""
    decided = total("gate", f"{function}({select('gate_invocations_total')}[{window}])")
    faults = total("gate", f"{function}({select('gate_errors_total', FAULTS)}[{window}])")
    return f"({faults} or {decided} * 0) / ({decided} > 0)"


def _slow(window: str, function: str) -> str:
    """Share of the decisions by gate that took longer than 10 ms."""
    fast = total("gate", f"{function}({select('gate_execution_ms_bucket', FAST)}[{window}])")
    decided = total("gate", f"{function}({select('gate_execution_ms_count')}[{window}])")
    return f"1 - {fast} / ({decided} > 0)"


def _up(window: str) -> str:
    """Share of the scrapes that a process with gates has answered."""
    gates = f"group by (job, instance) (last_over_time({select('gate_pass_rate_percent')}[{window}]))"
    return f"avg_over_time({select('up')}[{window}]) and on (job, instance) {gates}"


def _burn(title: str, description: str, share: str, budget: float) -> Panel:
    """A burn rate over time, with the lines at which the alerts fire."""
    query = Query(f"({share}) / {budget}", "{{gate}}")
    return Panel("timeseries", title, description, "short", (query,), steps=BURN, minimum=0)


def _budget(kind: Kind, title: str, description: str, query: Query) -> Panel:
    return Panel(
        kind,
        title,
        description,
        "percentunit",
        (query,),
        width=8,
        steps=falling(0, 0.25),
        minimum=0,
        maximum=1,
        decimals=1,
    )


def _left(title: str, description: str, share: str, budget: float) -> Panel:
    """The part of a budget that is left, by gate."""
    query = Query(f"1 - ({share}) / {budget}", "{{gate}}", True)
    return _budget("bargauge", title, description, query)


SLO = Dashboard(
    uid="slo",
    title="Service level objectives",
    description="Availability 99.9 %, latency P99 below 10 ms, faults below 0.1 %: budget left and burn rate by gate.",
    tags=("monitoring-stack", "security", "slo"),
    scope="gate_invocations_total",
    panels=(
        _budget(
            "gauge",
            "Availability budget left",
            "Part of the allowed 0.1 % of unanswered scrapes in seven days that is left.",
            Query(f"1 - (1 - ({_up(WINDOW)})) / {UPTIME_BUDGET}", "{{instance}}", True),
        ),
        _left(
            "Error budget left by gate",
            "Part of the allowed 0.1 % of faulty decisions in seven days that is left.",
            _faulty(WINDOW, "increase"),
            ERROR_BUDGET,
        ),
        _left(
            "Latency budget left by gate",
            "Part of the allowed 1 % of decisions over 10 ms in seven days that is left.",
            _slow(WINDOW, "increase"),
            LATENCY_BUDGET,
        ),
        Panel(
            "timeseries",
            "Availability",
            "Share of the scrapes of the last five minutes that were answered. The objective is 99.9 %.",
            "percentunit",
            (Query(_up("5m"), "{{instance}}"),),
            steps=falling(0.99, 0.999),
            maximum=1,
        ),
        Panel(
            "timeseries",
            "Latency P99 by gate",
            "99 % of the decisions take no longer than this. The objective is 10 ms.",
            "ms",
            (Query(quantile(0.99, "gate", rate("gate_execution_ms_bucket")), "{{gate}}"),),
            steps=rising(5, 10),
            minimum=0,
        ),
        _burn(
            "Error budget burn rate by gate",
            "How many times faster than sustainable faults use up their budget: 1 lasts for the whole window. "
            "GateErrorBudgetBurnSlow fires above 6, GateErrorBudgetBurnFast above 14.4.",
            _faulty(RATE, "rate"),
            ERROR_BUDGET,
        ),
        _burn(
            "Latency budget burn rate by gate",
            "How many times faster than sustainable decisions over 10 ms use up their budget.",
            _slow(RATE, "rate"),
            LATENCY_BUDGET,
        ),
        Panel(
            "stat",
            "Faults by gate in 7 days",
            "Decisions that the system, not the input, made fail.",
            "short",
            (Query(total("gate", increase(WINDOW, "gate_errors_total", FAULTS)), "{{gate}}", True),),
            width=24,
            height=5,
            steps=rising(1, 10),
            decimals=0,
        ),
    ),
)
