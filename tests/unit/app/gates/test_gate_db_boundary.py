"""db_boundary_gate: transaction, migration and latest packet, in this order."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from stack.app.gates.db_boundary import Latest, check_write
from tests.unit.app.gates.gate_support import code_of, rejection


@dataclass
class Store:
    """A store in a given state."""

    open_transaction: bool = True
    schema: int = 3
    newest: str | None = "p7"

    def in_transaction(self) -> bool:
        return self.open_transaction

    def migration(self) -> int:
        return self.schema

    def latest(self, segment: str) -> str | None:
        return self.newest if segment == "tool_audit" else None


@pytest.mark.parametrize(
    ("store", "expected_latest", "outcome"),
    [
        (Store(), "p7", "ok"),
        (Store(), Latest.ANY, "ok"),
        (Store(newest=None), None, "ok"),
        (Store(open_transaction=False, schema=1, newest="p8"), "p7", "E_DB_TX"),
        (Store(schema=2, newest="p8"), "p7", "E_DB_MIGRATION"),
        (Store(schema=4), "p7", "E_DB_MIGRATION"),
        (Store(newest="p8"), "p7", "E_LATEST_MISMATCH"),
        (Store(newest=None), "p7", "E_LATEST_MISMATCH"),
        (Store(), None, "E_LATEST_MISMATCH"),
    ],
)
def test_a_write(store: Store, expected_latest: str | Latest | None, outcome: str) -> None:
    assert code_of(check_write, store, "tool_audit", 3, expected_latest) == outcome


def test_the_value_is_the_segment() -> None:
    accepted = check_write(Store(), "tool_audit", 3)
    assert (accepted.gate, accepted.value) == ("db_boundary_gate", "tool_audit")


def test_the_rejection_says_what_to_do() -> None:
    refused = rejection(check_write, Store(schema=2), "tool_audit", 3)
    assert (refused.value, refused.hint) == ("2", "the schema must be at migration 3; migrate it")
