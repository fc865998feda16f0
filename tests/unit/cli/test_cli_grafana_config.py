"""The provisioning files for a Grafana elsewhere."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from stack.cli.grafana_config import DASHBOARDS, grafana_config
from stack.common.errors import StackError

SHIPPED = Path(__file__).parents[3] / "grafana" / "dashboards"
URL = "http://prometheus:9090"


@pytest.fixture
def dashboards(tmp_path: Path) -> Path:
    folder = tmp_path / "dashboards"
    folder.mkdir()
    for uid in DASHBOARDS:
        (folder / f"{uid}.json").write_text(json.dumps({"uid": uid}))
    return folder


def test_the_files_are_a_provisioning_folder_as_they_stand(tmp_path: Path, dashboards: Path) -> None:
    out = tmp_path / "provisioning"
    written = grafana_config(out, dashboards, "https://prom.example:9090/a'b\"#", "/srv/grafana")
    assert {str(path.relative_to(out)) for path in written} == {
        "datasources/monitoring-stack.yml",
        "dashboards/monitoring-stack.yml",
        "dashboards/gate-security.json",
        "dashboards/l9-tool-observability.json",
    }
    source = yaml.safe_load((out / "datasources/monitoring-stack.yml").read_text())
    provider = yaml.safe_load((out / "dashboards/monitoring-stack.yml").read_text())
    assert (source["apiVersion"], provider["apiVersion"]) == (1, 1)
    assert source["datasources"][0]["uid"] == "prometheus"
    assert source["datasources"][0]["url"] == "https://prom.example:9090/a'b\"#"
    assert provider["providers"][0]["options"] == {"path": "/srv/grafana/dashboards"}
    assert provider["providers"][0]["updateIntervalSeconds"] > 10
    for uid in DASHBOARDS:
        assert json.loads((out / f"dashboards/{uid}.json").read_text())["uid"] == uid


def test_the_shipped_dashboards_are_there(tmp_path: Path) -> None:
    grafana_config(tmp_path, SHIPPED, URL)
    for uid in DASHBOARDS:
        assert json.loads((tmp_path / f"dashboards/{uid}.json").read_text())["uid"] == uid


def test_writing_twice_changes_nothing_and_leaves_the_users_own(tmp_path: Path, dashboards: Path) -> None:
    own = tmp_path / "datasources" / "mine.yml"
    own.parent.mkdir()
    own.write_text("apiVersion: 1\n")
    first = {path: path.read_text() for path in grafana_config(tmp_path, dashboards, URL)}
    assert {path: path.read_text() for path in grafana_config(tmp_path, dashboards, URL)} == first
    assert own.read_text() == "apiVersion: 1\n"


def test_missing_dashboards_write_nothing(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="no such dashboard"):
        grafana_config(tmp_path / "out", tmp_path, URL)
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path, dashboards: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StackError, match="cannot be written"):
        grafana_config(tmp_path / "file", dashboards, URL)
