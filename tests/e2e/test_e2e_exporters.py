"""Exporters against real servers from Debian: each answers and is drawn; a fault is told by its cause.

memcached_exporter takes part where its official image is on the engine: nothing is there to build it from.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stack.common.wait import NotYet, until
from stack.components.exporters.kind import Kind
from stack.components.exporters.kinds import BY_WORD, KINDS
from stack.dashboards.queries import panel_queries
from stack.engine.docker import DockerEngine
from tests.e2e import servers
from tests.e2e.conftest import Make
from tests.e2e.hardening import open_doors
from tests.e2e.stack_command import ROOT, Stack

pytestmark = pytest.mark.e2e
NETWORK = "e2e-exporters-servers"
LOGIN = f'user = "monitor"\nsecret_file = "own/secrets/password"\nnetworks = ["{NETWORK}"]\n'
OPEN = f'networks = ["{NETWORK}"]\n'
FILES = {
    "postgres/main": f'address = "postgres"\n{LOGIN}',
    "mysql/shop": f'address = "mariadb:3306"\n{LOGIN}',
    "redis/cache": f'address = "redis"\nsecret_file = "own/secrets/password"\n{OPEN}',
    "nginx/front": f'address = "nginx:8080"\n{OPEN}',
    "haproxy/edge": f'address = "haproxy"\n{OPEN}',
    "process/host": '[options]\nprograms = "postgres,mariadbd,nginx"\n',
}
UNBUILT = {"memcached": f'address = "memcached"\n{OPEN}'}
"""Kinds whose image cannot be built."""
BOARDS = [board for kind in KINDS for board in kind.component.dashboards]


@pytest.fixture(scope="module")
def files(engine: DockerEngine) -> dict[str, str]:
    """What is watched here: KIND/NAME > the file."""
    there = {w: t for w, t in UNBUILT.items() if engine.image(BY_WORD[w].packaged.image)}
    return {**FILES, **{f"{word}/one": text for word, text in there.items()}}


@pytest.fixture(scope="module")
def kinds(files: dict[str, str]) -> list[Kind]:
    return [BY_WORD[path.partition("/")[0]] for path in files]


@pytest.fixture(scope="module")
def containers(files: dict[str, str]) -> set[str]:
    named = (path.partition("/") for path in files)
    return {f"{BY_WORD[word].name}-{name}" for word, _, name in named}


@pytest.fixture(scope="module")
def made(engine: DockerEngine) -> Iterator[dict[str, Any]]:
    reference = servers.image(engine, ROOT / ".stack/cache")
    with servers.running(reference, NETWORK, *servers.SERVERS) as found:
        yield found


@pytest.fixture(scope="module")
def stack(made: dict[str, Any], files: dict[str, str], make_stack: Make) -> Stack:
    """A proven stack that watches each of them, by files that a person could have written."""
    del made
    stack = make_stack(
        "e2e-exporters", 27900, STACK_GRAFANA="off", STACK_COMPONENTS="app=off,node_exporter=off"
    )
    for path, text in files.items():
        file = stack.home / f"own/exporters/{path}.toml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    (stack.home / "own/secrets").mkdir()
    (stack.home / "own/secrets/password").write_text(f"{servers.PASSWORD}\n", "utf-8")
    stack.ok("start")
    return stack


def findings(stack: Stack) -> dict[str, dict[str, Any]]:
    return {found["check"]: found for found in stack.ok("smoke", "--json").json()["findings"]}


def test_each_server_answers_and_its_rules_find_what_they_read(
    stack: Stack, kinds: list[Kind], containers: set[str]
) -> None:
    found = findings(stack)
    asked = [f"{kind.name}.servers" for kind in kinds if kind.up]
    assert [name for name in asked if found[name]["status"] != "ok"] == []
    assert found["prometheus.series"]["status"] == "ok" and found["prometheus.series"]["warnings"] == []
    assert stack.inspect().keys() == {"prometheus", "alertmanager", *containers}


@pytest.mark.parametrize("board", BOARDS)
def test_every_panel_of_its_dashboard_has_data(stack: Stack, kinds: list[Kind], board: str) -> None:
    if not any(board in kind.component.dashboards for kind in kinds):
        pytest.skip("its exporter's image is not on this engine, and nothing is there to build it from")
    queries = panel_queries((ROOT / f"grafana/optional/{board}.json").read_text("utf-8"))

    def all_of_them() -> None:
        empty = [
            f"{query.panel_title} {query.ref_id}: {query.expr}"
            for query in queries
            if not stack.query(query.expr)
        ]
        if empty:
            raise NotYet(str(empty))

    until(all_of_them, seconds=45)


def test_every_exporter_is_closed_and_no_password_shows(stack: Stack, containers: set[str]) -> None:
    found = stack.inspect()
    assert {name: doors for name in containers if (doors := open_doors(found[name], stack.name))} == {}
    shown = json.dumps(found) + stack.ok("logs", "--tail", "500").out
    assert servers.PASSWORD not in shown and json.dumps(servers.PASSWORD)[1:-1] not in shown


def test_a_second_server_of_a_kind_is_added_proven_and_taken_away(
    stack: Stack, files: dict[str, str], tmp_path: Path
) -> None:
    before, secret = stack.starts(), tmp_path / "password"
    secret.write_text(f"{servers.PASSWORD}\n", "utf-8")
    stack.ok(
        "exporter", "add", "redis", "second", "--container", f"{NETWORK}-redis", "--secret-file", str(secret)
    )
    assert stack.query("redis_up") == [1.0, 1.0]
    rows = stack.ok("exporter", "list", "--json").json()["exporters"]
    assert {row["state"] for row in rows} == {"up"} and len(rows) == len(files) + 1
    after = stack.starts()
    assert {**after, **before} == after, "nobody else was touched"
    stack.ok("exporter", "remove", "redis", "second")
    assert stack.starts() == before and not (stack.home / "own/secrets/exporters").exists()
    assert stack.ok("plan").out.strip() == "nothing to do"


def test_a_wrong_password_is_told_and_nothing_was_changed(stack: Stack, tmp_path: Path) -> None:
    before, secret = stack.starts(), tmp_path / "password"
    secret.write_text("wrong\n", "utf-8")
    place = ("postgres", "--network", NETWORK)
    ran = stack(
        "exporter", "add", "postgres", "two", *place, "--user", "monitor", "--secret-file", str(secret)
    )
    assert ran.code == 6
    assert "refuses the login of monitor" in ran.err and "nothing was changed" in ran.err
    assert stack.starts() == before and not (stack.home / "own/exporters/postgres/two.toml").exists()


def test_a_server_that_refuses_its_exporter_is_named_with_the_cause(
    stack: Stack, made: dict[str, Any]
) -> None:
    other = ["redis-cli", "-a", servers.PASSWORD, "config", "set", "requirepass", "another"]
    assert b"OK\n" in made["redis"].exec_run(other).output

    def noticed() -> None:
        if stack.query("redis_up") != [0.0]:
            raise NotYet("Prometheus has not noticed it yet")

    until(noticed, seconds=20)
    ran = stack("smoke", "--json")
    assert ran.code == 6
    (found,) = [f for f in ran.json()["findings"] if f["check"] == "redis_exporter.servers"]
    assert "Redis cache does not answer redis_exporter" in found["evidence"]
    assert found["hint"] == "monitoring-stack logs redis_exporter-cache shows why"
    (row,) = [r for r in stack("exporter", "list", "--json").json()["exporters"] if r["kind"] == "redis"]
    assert row["state"] == "down" and "refuses the login" in row["says"]
