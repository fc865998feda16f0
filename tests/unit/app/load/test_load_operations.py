"""Every operation of the mix, done for real: it ends as its kind says, and the metrics agree with what was done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from stack.app.assembly import open_context
from stack.app.context import AppContext
from stack.app.load.generator import LoadGenerator
from stack.app.load.mix import MIX
from stack.app.settings import AppSettings
from stack.telemetry import recorders
from stack.telemetry.catalogue import ERROR_CODES, TOOL_STATUSES, TOOLS
from stack.telemetry.failures import FAILURES

DECK = sum(card.full for card in MIX)


@pytest.fixture
def context(tmp_path: Path) -> Iterator[AppContext]:
    recorders.init_metrics()
    context = open_context(AppSettings(data=tmp_path, load="full"))
    context.audit.start()
    yield context
    context.audit.close()
    context.store.close()


@pytest.fixture
def load(context: AppContext) -> LoadGenerator:
    assert context.load is not None
    return context.load


def errors() -> Counter[str]:
    registry = recorders.registry()
    assert registry is not None
    return Counter(
        {
            sample.labels["error_code"]: int(sample.value)
            for family in registry.collect()
            for sample in family.samples
            if sample.name == "gate_errors_total"
        }
    )


def calls(tool_id: str, status: str) -> float:
    registry = recorders.registry()
    assert registry is not None
    labels = {"tool_id": tool_id, "status": status}
    return registry.get_sample_value("l9_tool_invocation_total", labels) or 0.0


def test_one_full_deck_meets_every_code_tool_and_status(context: AppContext, load: LoadGenerator) -> None:
    before, recorded = errors(), FAILURES.total
    called = {(tool, status): calls(tool, status) for tool in (*TOOLS, "unknown") for status in TOOL_STATUSES}
    for _ in range(DECK):
        load.step()
    assert dict(load.surprises) == {}
    assert load.done == Counter({card.kind: card.full for card in MIX})
    met = errors() - before
    assert met == Counter({code: 1 for codes in ERROR_CODES.values() for code in codes})
    since = {call: calls(*call) - count for call, count in called.items()}
    assert {status for (_, status), count in since.items() if count} == set(TOOL_STATUSES)
    assert all(since[tool, "success"] for tool in TOOLS)
    assert since["unknown", "failure"] == 1
    assert FAILURES.total == recorded
    assert context.audit.flush(10)
    assert context.store.sizes()["tool_audit"] == sum(since.values())


def test_many_decks_do_not_fill_the_content_store(context: AppContext, load: LoadGenerator) -> None:
    for _ in range(DECK * 4):
        load.step()
    kept = context.objects.count()
    assert kept <= 16 + 16 * 5
    assert list(context.scratch.iterdir()) == []


def test_what_it_writes_to_memory_expires(context: AppContext, load: LoadGenerator) -> None:
    for _ in range(DECK):
        load.step()
    for segment in ("project_history", "session_context"):
        packets = context.store.recent(segment, 100)
        assert packets
        assert all(packet.expires_at is not None for packet in packets)
