"""The page about the checks lists them as the table has them."""

from __future__ import annotations

from pathlib import Path

from stack.components import all_checks

PAGE = Path(__file__).resolve().parents[3] / "docs" / "checks.md"


def test_the_page_lists_every_check_and_no_other() -> None:
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in PAGE.read_text(encoding="utf-8").splitlines()
        if line.startswith("| `")
    ]
    assert rows == [[f"`{c.name}`", c.stage, c.proves, f"{c.seconds:g} s"] for c in all_checks()]
