"""Adding a component is one new file, its native files, and one line: everything else follows from its manifest."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.new_component import copy_with_apache_exporter

SCRIPT = """
import json
from stack.components import CATALOG, TABLE, all_checks, assemble, load
from stack.components.build import Build, Image
from stack.config.secret import Secret
from stack.config.tree import read_tree
from stack.deploy.describe import asked_for
from stack.exports.compose import compose
from pathlib import Path
root = Path(".").resolve()

def made(**environ):
    settings = load(environ=environ, project=root)
    images = {name: Image(name + ":1", "id") for name in TABLE.names}
    build = Build(settings, images, read_tree(root), {"grafana_admin_password": Secret("x")})
    return build, assemble(build)

off = made()[1]
build, on = made(STACK_COMPONENTS="apache_exporter=on", STACK_APACHE_EXPORTER_MEMORY="96m", STACK_APACHE_ADDRESS="http://a")
service = on.service("apache_exporter")
print(json.dumps({
    "off": list(off.components),
    "on": list(on.components),
    "command": service.command,
    "memory": service.limits.memory,
    "files": [f.path for f in on.service("prometheus").files if "apache" in f.path],
    "files_off": [f.path for f in off.service("prometheus").files if "apache" in f.path],
    "compose": "apache_exporter:" in compose(on, build),
    "checks": [c.name for c in all_checks() if c.component == "apache_exporter"],
    "pin": CATALOG.pins["apache_exporter"].version,
    "recipe": CATALOG.recipes["apache_exporter"].main,
    "asked": asked_for(["apache_exporter"], []),
    "ports": {u.name: made()[0].settings.port(u.name) for u in TABLE.published},
}))
"""


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    return copy_with_apache_exporter(tmp_path_factory.mktemp("component"))


def run(tree: Path, *argv: str) -> str:
    environ = {**os.environ, "PYTHONPATH": str(tree), "STACK_HOME": str(tree / "home")}
    ended = subprocess.run(
        [sys.executable, *argv], cwd=tree, env=environ, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def test_what_is_touched_is_its_file_its_native_files_and_one_line(tree: tuple[Path, list[str]]) -> None:
    assert tree[1] == [
        "prometheus/rules/apache_exporter.yml",
        "prometheus/scrape/apache_exporter.yml",
        "prometheus/tests/apache_exporter.yml",
        "stack/components/__init__.py",
        "stack/components/apache_exporter.py",
    ]


def test_settings_images_checks_compose_and_files_follow(tree: tuple[Path, list[str]]) -> None:
    found = json.loads(run(tree[0], "-c", SCRIPT))
    assert "apache_exporter" not in found["off"]
    assert set(found["on"]) == {*found["off"], "apache_exporter"}
    assert found["command"] == ["--scrape_uri=http://a"]
    assert found["memory"] == 96 * 1024 * 1024
    assert found["files"] == ["rules/apache_exporter.yml", "scrape/apache_exporter.yml"]
    assert found["files_off"] == []
    assert found["compose"] is True
    assert found["checks"] == ["apache_exporter.ready"]
    assert (found["pin"], found["recipe"]) == ("1.0.11", "prometheus-apache-exporter")
    assert found["asked"] == {"apache_exporter": "on"}
    ports = {"grafana": 3000, "prometheus": 9090, "alertmanager": 9093, "app": 8000, "gateway": 8443}
    assert found["ports"] == ports


def test_the_documents_of_settings_follow(tree: tuple[Path, list[str]]) -> None:
    script = "from stack.cli.generated import settings_table; print(settings_table())"
    table = run(tree[0], "-c", script)
    for name in (
        "`components.apache_exporter`",
        "`STACK_APACHE_EXPORTER_IMAGE`",
        "`apache_exporter.address`",
    ):
        assert name in table
