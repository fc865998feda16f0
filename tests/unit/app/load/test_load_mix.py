"""The mix: what a deck holds, and that rare things stay rare in every window."""

from __future__ import annotations

from collections import Counter
from itertools import islice, pairwise

import pytest

from stack.app.faults import FAULTS
from stack.app.load.mix import BURSTS, MIX, deck, kinds
from stack.telemetry.catalogue import ERROR_CODES, TOOLS

DEFAULT_RATE = 10.0
STEADY = {card.kind: card.steady for card in MIX}
FULL = {card.kind: card.full for card in MIX}
ACCEPTED = {
    "config_gate": ("config", "ingest"),
    "url_gate": ("url", "ingest"),
    "filesystem_gate": ("path", "ingest"),
    "extraction_gate": ("archive", "ingest"),
}


def test_full_holds_every_error_code_status_and_tool_in_its_first_few_hundred_operations() -> None:
    first = set(deck("full", 1)[:300])
    assert {code for codes in ERROR_CODES.values() for code in codes} <= first
    assert {f"tool-{tool}" for tool in TOOLS} <= first
    assert {"tool-failure", "tool-denied", "tool-timeout", "tool-unknown"} <= first


@pytest.mark.parametrize("gate", ACCEPTED)
def test_steady_rejects_less_than_two_percent_at_each_gate(gate: str) -> None:
    rejected = sum(STEADY[code] for code in ERROR_CODES[gate])
    accepted = sum(STEADY[kind] for kind in ACCEPTED[gate])
    assert 0 < rejected / (rejected + accepted) < 0.02


@pytest.mark.parametrize("gate", ["storage_gate", "db_boundary_gate"])
def test_steady_never_breaks_the_stores(gate: str) -> None:
    assert [STEADY[code] for code in ERROR_CODES[gate]] == [0, 0, 0]


@pytest.mark.parametrize(
    ("codes", "per_second"),
    [(("E_HOST_DENY",), 0.05), (("E_TRAVERSAL",), 0.01), (("E_BOMB_RATIO", "E_ENTRY_RATIO"), 0.02)],
)
def test_steady_stays_below_what_alerts_look_for(codes: tuple[str, ...], per_second: float) -> None:
    total = sum(STEADY.values())
    assert sum(STEADY[code] for code in codes) / total * DEFAULT_RATE < per_second


def test_steady_shows_all_tool_statuses_with_few_errors() -> None:
    tools = {kind: count for kind, count in STEADY.items() if kind.startswith("tool-")}
    assert all(tools.values())
    assert tools["tool-failure"] / sum(tools.values()) < 0.005
    bad = sum(tools[f"tool-{status}"] for status in ("failure", "denied", "timeout", "unknown"))
    assert bad / sum(tools.values()) < 0.01


@pytest.mark.parametrize("profile", ["steady", "full"])
def test_a_deck_holds_what_the_table_says(profile: str) -> None:
    assert Counter(deck(profile, 5)) == Counter({card.kind: card.count(profile) for card in MIX})


def test_the_same_seed_deals_the_same_and_another_does_not() -> None:
    assert deck("full", 1) == deck("full", 1) != deck("full", 2)


def test_rare_cards_are_evenly_apart_over_the_end_of_the_deck() -> None:
    dealt = list(islice(kinds("steady", 3), 18_000))
    places = [place for place, kind in enumerate(dealt) if kind == "E_TRAVERSAL"]
    gaps = [after - before for before, after in pairwise(places)]
    assert len(places) == 9
    assert all(abs(gap - 2000) < 60 for gap in gaps)


def test_every_gate_and_the_store_are_busy_within_the_first_seconds() -> None:
    assert {"url", "path", "archive", "config", "object", "memory-write"} <= set(deck("steady", 1)[:50])


def test_off_deals_nothing() -> None:
    assert list(kinds("off", 1)) == []


def test_every_burst_is_a_fault_and_every_kind_of_it_a_card() -> None:
    assert set(BURSTS) <= set(FAULTS)
    assert {kind for burst in BURSTS.values() for kind in burst} <= set(FULL)
