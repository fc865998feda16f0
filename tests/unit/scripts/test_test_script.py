"""The script that runs the tests: what it asks for by mark is looked for where it lies, and nowhere else."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
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


def test_no_two_stacks_of_tests_that_run_side_by_side_have_the_same_ports() -> None:
    users: dict[int, set[str]] = defaultdict(set)
    paths = [path for folder in ("e2e", "breakage") for path in (ROOT / "tests" / folder).glob("*.py")]
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Constant)
                and isinstance(node.value, int)
                and 20_000 <= node.value < 32_768
            ):
                users[node.value // 10].add(path.name)
    assert len(users) > 30
    assert not {10 * base: names for base, names in users.items() if len(names) > 1}
