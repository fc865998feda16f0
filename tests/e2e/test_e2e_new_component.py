"""A component that a developer adds by its manifest runs like the others: built, started, scraped, shown, removed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.stack_command import ROOT, Stack
from tests.new_component import copy_with_apache_exporter

pytestmark = pytest.mark.e2e


def test_a_apache_exporter_runs_and_is_scraped(tmp_path: Path) -> None:
    tree, _ = copy_with_apache_exporter(tmp_path)
    (tree / ".venv").symlink_to(ROOT / ".venv")
    extra = {"STACK_COMPONENTS": "app=off,node_exporter=off", "STACK_GRAFANA": "off"}
    stack = Stack("e2e-component", 29400, tree, extra, script=tree / "DEPLOY_MONITORING_STACK.sh")
    try:
        started = stack.ok("start", "--with", "apache_exporter", "--json").json()
        assert started["ok"] and "apache_exporter" not in started["absent"]
        status = stack.ok("status", "--json").json()
        assert {c["component"] for c in status["components"]} == {
            "prometheus",
            "alertmanager",
            "apache_exporter",
        }
        assert stack.query('up{job="apache"}') == [1.0]
        assert stack.query("apache_up") == [0.0], "there is no Apache; the exporter says so"
        assert stack.ok("plan").out.strip() == "nothing to do"
        stack.ok("start", "--without", "apache_exporter", "--quick")
        assert "apache_exporter" not in stack.inspect()
        assert stack.ok("plan").out.strip() == "nothing to do"
    finally:
        stack.away()
