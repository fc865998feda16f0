"""The PromQL forms that panels are made of."""

from __future__ import annotations

import pytest

from stack.dashboards import promql
from stack.telemetry.catalogue import METRICS

JOB = 'job=~"$job", instance=~"$instance"'


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (promql.select("up"), f"up{{{JOB}}}"),
        (promql.select("up", 'a="b"'), f'up{{{JOB}, a="b"}}'),
        (promql.rate("gate_errors_total"), f"rate(gate_errors_total{{{JOB}}}[$__rate_interval])"),
        (promql.increase("24h", "gate_errors_total"), f"increase(gate_errors_total{{{JOB}}}[24h])"),
        (promql.total("gate", "x"), "sum by (gate) (x)"),
        (promql.total("", "x"), "sum(x)"),
        (promql.quantile(0.9, "gate", "x"), "histogram_quantile(0.9, sum by (gate, le) (x))"),
        (promql.quantile(0.9, "", "x"), "histogram_quantile(0.9, sum by (le) (x))"),
        (promql.ratio("a", "b"), "a / clamp_min(b, 1e-9)"),
    ],
)
def test_forms(made: str, expected: str) -> None:
    assert made == expected


def test_a_metric_that_nobody_exposes_is_refused() -> None:
    with pytest.raises(ValueError, match="no metric is called gate_invocation_total"):
        promql.select("gate_invocation_total")


def test_a_histogram_is_asked_for_its_parts_only() -> None:
    with pytest.raises(ValueError, match="gate_execution_ms"):
        promql.select("gate_execution_ms")


def test_product_names_do_not_hide_catalogue_names() -> None:
    assert not promql.PRODUCT_METRICS & {name for metric in METRICS for name in metric.series}
