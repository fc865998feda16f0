"""The script that runs the tests: what it asks for by mark is looked for where it lies, and nowhere else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("mark", ["engine", "e2e", "breakage", "machine"])
def test_every_test_of_a_mark_lies_where_its_run_looks(mark: str) -> None:
    script = (ROOT / "scripts/test").read_text()
    lines = [line for line in script.splitlines() if line.startswith("beside ")]
    runs = [line for line in lines if " -m " not in line or re.search(rf'-m "?(?:engine or )?{mark}\b', line)]
    folders = re.findall(r"(?<!--ignore )\btests/\w+", " ".join(runs))
    marked = [path for path in (ROOT / "tests").rglob("*.py") if f"mark.{mark}" in path.read_text()]
    assert marked
    for path in marked:
        assert any(path.is_relative_to(ROOT / folder) for folder in folders), path
