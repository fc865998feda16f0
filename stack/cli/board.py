"""A metrics page as rows for a terminal: what the gates, the tools and the memory did since the process started.

A pure function of the page's samples; it must never fetch, parse or print. Quantiles are read from
histogram buckets the way PromQL's histogram_quantile does, so they agree with the dashboards.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from msgspec import Struct

from stack.common.errors import StackError
from stack.telemetry.catalogue import GATES, SEGMENTS, TOOL_STATUSES

Sample = tuple[str, dict[str, str], float]
"""Name, labels, value."""


class GateRow(Struct, frozen=True):
    """One gate. Latencies are milliseconds, None without a decision; ``top_error`` is empty without a rejection."""

    gate: str
    accepted: int
    rejected: int
    pass_rate_percent: float
    p50_ms: float | None
    p99_ms: float | None
    latest_ms: float
    top_error: str


class ToolRow(Struct, frozen=True):
    """One tool's calls by final status, and its latencies in milliseconds."""

    tool_id: str
    success: int
    failure: int
    denied: int
    timeout: int
    p50_ms: float | None
    p99_ms: float | None


class MemoryRow(Struct, frozen=True):
    """One segment of the packet store."""

    segment: str
    written: int
    failed: int
    searches: int
    packets: int


class Board(Struct, frozen=True):
    """Everything a terminal view shows."""

    gates: tuple[GateRow, ...]
    tools: tuple[ToolRow, ...]
    memory: tuple[MemoryRow, ...]
    substrate_healthy: bool
    record_failures: int


def board(page: Iterable[Sample]) -> Board:
    """The rows of a metrics page. Raises StackError when it can't be parsed or is no page of ours."""
    samples = _Samples(page)
    gates = samples.values("gate_invocations_total", "gate")
    if not gates:
        raise StackError(
            "the metrics page has no gate_invocations_total; give the address of the application"
        )
    # The application's own first, and in their order.
    ordered = [*GATES, *(gate for gate in gates if gate not in GATES)]
    return Board(
        gates=tuple(_gate(samples, gate) for gate in ordered),
        tools=tuple(_tool(samples, tool) for tool in samples.values("l9_tool_invocation_total", "tool_id")),
        memory=tuple(_memory(samples, segment) for segment in SEGMENTS),
        substrate_healthy=samples.total("l9_memory_substrate_healthy") == 1,
        record_failures=int(samples.total("telemetry_record_failures_total")),
    )


def quantile(share: float, buckets: list[tuple[float, float]]) -> float | None:
    """The value below which ``share`` (0-1) of the observations lie; None without observations.

    ``buckets``: upper bound and cumulative count, sorted, the last bound infinite. Within a bucket the
    observations count as spread evenly; beyond the last finite bound that bound is the answer.
    """
    if not buckets or buckets[-1][1] == 0:
        return None
    rank = share * buckets[-1][1]
    below_bound, below_count = 0.0, 0.0
    for bound, count in buckets:
        if count >= rank and count > below_count:
            if math.isinf(bound):
                return below_bound
            return below_bound + (bound - below_bound) * (rank - below_count) / (count - below_count)
        below_bound, below_count = bound, count
    return below_bound


class _Samples:
    def __init__(self, samples: Iterable[Sample]) -> None:
        self._rows: dict[str, list[tuple[dict[str, str], float]]] = {}
        try:
            for name, labels, value in samples:
                self._rows.setdefault(name, []).append((labels, value))
        except ValueError as error:
            raise StackError(
                f"the metrics page cannot be parsed ({error}); is it a /metrics page?"
            ) from error

    def where(self, name: str, **labels: str) -> Iterator[tuple[dict[str, str], float]]:
        wanted = labels.items()
        return (row for row in self._rows.get(name, ()) if wanted <= row[0].items())

    def total(self, name: str, **labels: str) -> float:
        return sum(value for _, value in self.where(name, **labels))

    def values(self, name: str, label: str) -> list[str]:
        return list(dict.fromkeys(labels[label] for labels, _ in self.where(name) if label in labels))

    def quantile(self, share: float, name: str, **labels: str) -> float | None:
        rows = self.where(f"{name}_bucket", **labels)
        return quantile(share, [(float(found["le"]), value) for found, value in rows])


def _gate(samples: _Samples, gate: str) -> GateRow:
    errors = {found["error_code"]: value for found, value in samples.where("gate_errors_total", gate=gate)}
    top = max(errors, key=errors.__getitem__, default="")
    return GateRow(
        gate=gate,
        accepted=int(samples.total("gate_invocations_total", gate=gate, outcome="ok")),
        rejected=int(samples.total("gate_invocations_total", gate=gate, outcome="reject")),
        pass_rate_percent=samples.total("gate_pass_rate_percent", gate=gate),
        p50_ms=samples.quantile(0.5, "gate_execution_ms", gate=gate),
        p99_ms=samples.quantile(0.99, "gate_execution_ms", gate=gate),
        latest_ms=samples.total("gate_current_latency_ms", gate=gate),
        top_error=top if errors.get(top) else "",
    )


def _tool(samples: _Samples, tool_id: str) -> ToolRow:
    success, failure, denied, timeout = (
        int(samples.total("l9_tool_invocation_total", tool_id=tool_id, status=status))
        for status in TOOL_STATUSES
    )
    p50, p99 = (samples.quantile(q, "l9_tool_invocation_duration_ms", tool_id=tool_id) for q in (0.5, 0.99))
    return ToolRow(tool_id, success, failure, denied, timeout, p50, p99)


def _memory(samples: _Samples, segment: str) -> MemoryRow:
    written = samples.total("l9_memory_write_total", segment=segment, status="ok")
    return MemoryRow(
        segment=segment,
        written=int(written),
        failed=int(samples.total("l9_memory_write_total", segment=segment) - written),
        searches=int(samples.total("l9_memory_search_total", segment=segment)),
        packets=int(samples.total("l9_packet_store_size", segment=segment)),
    )
