"""The application's document: its tables are the settings, the mix and the faults, no more and no less."""

from __future__ import annotations

from pathlib import Path

from stack.app.faults import FAULTS
from stack.app.http.app import ROUTERS
from stack.app.load.mix import MIX
from stack.app.settings import OPTIONS, variable_of

TEXT = (Path(__file__).parents[4] / "docs" / "application.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|\n ").split("|")]
    for line in TEXT.splitlines()
    if line.startswith("|")
]


def test_every_setting_is_documented_with_its_variable() -> None:
    told = {row[0]: row[1] for row in ROWS if row[0].startswith("`--")}
    assert told == {f"`--{name.replace('_', '-')}`": f"`{variable_of(name)}`" for name in OPTIONS}


def test_the_mix_is_documented_as_it_is() -> None:
    told = [tuple(row) for row in ROWS if len(row) == 3 and row[1].isdecimal()]
    assert told == [(card.kind, str(card.steady), str(card.full)) for card in MIX]


def test_every_fault_is_documented_with_its_meaning() -> None:
    told = {row[0].strip("`"): row[1] for row in ROWS if row[0].strip("`") in FAULTS}
    assert told == FAULTS


def test_every_address_is_documented() -> None:
    for module in ROUTERS:
        for route in module.router.routes:
            assert getattr(route, "path", "") in TEXT, route
