"""The native folders are read whole, or the one thing that is missing is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from stack.common.errors import ConfigurationInvalid
from stack.config.tree import FOLDERS, NEEDED, read_tree


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for folder in FOLDERS:
        (tmp_path / folder).mkdir()
    for name in NEEDED:
        (tmp_path / name).write_text("{}\n")
    return tmp_path


def test_files_are_found_by_path_and_hidden_ones_and_rule_tests_left_out(root: Path) -> None:
    (root / "prometheus" / "tests").mkdir()
    (root / "prometheus" / "tests" / "a.yml").write_text("")
    (root / "prometheus" / ".swap").write_text("")
    (root / "grafana" / ".checkpoints").mkdir()
    (root / "grafana" / ".checkpoints" / "a.json").write_text("")
    (root / "grafana" / "a.json").write_text("[]")
    assert sorted(read_tree(root)) == sorted((*NEEDED, "grafana/a.json"))


@pytest.mark.parametrize("name", [*NEEDED, "grafana"])
def test_what_is_missing_is_named(root: Path, name: str) -> None:
    (root / name).rmdir() if (root / name).is_dir() else (root / name).unlink()
    with pytest.raises(ConfigurationInvalid, match=f"{root / name} is missing"):
        read_tree(root)


def test_a_file_beyond_all_measure_is_refused(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stack.config.walk.MAX_BYTES", 2)
    with pytest.raises(ConfigurationInvalid, match="at most 2"):
        read_tree(root)
