"""Two options of the application, PostgreSQL for its packets and a bearer token, in one stack of the real command."""

from __future__ import annotations

import json
import secrets
import tempfile
from ast import literal_eval
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest
import requests
from msgspec import convert, to_builtins

from stack.common.wait import NotYet, until
from stack.components.postgres import POSTGRES
from stack.engine.docker import connect
from stack.images.debian import ARCHITECTURES, Debian
from stack.images.tree import write_tree
from tests.e2e.conftest import Make
from tests.e2e.hardening import open_doors
from tests.e2e.stack_command import PORTS, ROOT, Stack

pytestmark = pytest.mark.e2e
NAME = "e2e-postgres"
SUITE, OTHER_MAJOR = "trixie", "17"
"""A Debian suite with another major version of PostgreSQL than the pinned one."""
ROLES = "select rolname, rolsuper, left(rolpassword, 13) from pg_authid where rolcanlogin order by 1"
SEARCH = "/memory/project_history/search"


@pytest.fixture(scope="module")
def stack(make_stack: Make, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    file = tmp_path_factory.mktemp("token") / "token"
    renew(file)
    made = make_stack(
        NAME, 29020, STACK_DATABASE="postgres", STACK_APP_TOKEN_FILE=str(file), STACK_GRAFANA="off"
    )
    made.ok("start", "--quick")
    yield made


def renew(file: Path) -> str:
    """Another token in the client's file."""
    file.write_text(secrets.token_hex(32) + "\n")
    return file.read_text().strip()


def token_file(stack: Stack) -> Path:
    return Path(stack.extra["STACK_APP_TOKEN_FILE"])


def token(stack: Stack) -> str:
    return token_file(stack).read_text().strip()


def password(stack: Stack) -> str:
    return stack.secrets()["postgres_password"]


def ask(stack: Stack, method: str, path: str, word: str = "", **kwargs: Any) -> requests.Response:
    headers = {"Authorization": f"Bearer {word or token(stack)}"}
    return requests.request(method, stack.url("app") + path, headers=headers, timeout=10, **kwargs)


def remember(stack: Stack, word: str) -> str:
    answer = ask(stack, "POST", "/memory/project_history", json={"payload": {"text": f"kept {word}"}})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["packet_id"])


def recall(stack: Stack, word: str) -> list[str]:
    answer = ask(stack, "GET", SEARCH, params={"query": word})
    assert answer.status_code == 200, answer.text
    return [packet["packet_id"] for packet in answer.json()["packets"]]


def test_the_proof_includes_the_database(stack: Stack) -> None:
    report = stack.ok("smoke", "--quick", "--json").json()
    (store,) = [f for f in report["findings"] if f["check"] == "app.store"]
    assert store["status"] == "ok"
    assert "PostgreSQL packets on postgres:5432" in store["evidence"]


def test_status_has_a_row_for_it(stack: Stack) -> None:
    rows = {row["component"]: row for row in stack("status", "--json").json()["components"]}
    row = rows["postgres"]
    assert row["state"].startswith("running") and row["digest_match"]
    assert row["address"] == ""


def test_every_container_is_closed(stack: Stack) -> None:
    doors = {name: open_doors(found, stack.name) for name, found in stack.inspect().items()}
    assert doors == {name: [] for name in (*PORTS[1:], "node_exporter", "postgres")}


def test_the_database_lets_in_the_application_alone(stack: Stack) -> None:
    container = docker.from_env().containers.get(f"{NAME}-postgres")
    psql = ["/usr/lib/postgresql/18/bin/psql", "-tA", "-h", "127.0.0.1", "-c", "select 1"]
    for user in ("postgres", "app"):
        code, said = container.exec_run([*psql, "-w", "-U", user, "-d", "packets"])
        assert code != 0, said
    admin = [*psql[:2], "-h", "/tmp", "-U", "postgres", "-d", "packets", "-c", ROLES]
    assert container.exec_run(admin)[1] == b"app|f|SCRAM-SHA-256\npostgres|t|\n"


def test_a_second_start_touches_nothing(stack: Stack) -> None:
    before = stack.starts()
    assert stack.ok("start", "--quick", "--json").json()["plan"] == []
    assert stack.starts() == before


def test_packets_come_back_from_a_backup_and_the_server_ends_cleanly(stack: Stack, tmp_path: Path) -> None:
    packet, file = remember(stack, "juniper"), str(tmp_path / "a.backup.tar")
    stack.ok("backup", "-o", file)
    later = remember(stack, "sumac")
    assert (recall(stack, "juniper"), recall(stack, "sumac")) == ([packet], [later])
    stack.ok("stop")
    assert stack.inspect()["postgres"]["State"]["ExitCode"] == 0
    stack.ok("restore", file, "--yes", "--no-start")
    stack.ok("start", "--quick")
    assert (recall(stack, "juniper"), recall(stack, "sumac")) == ([packet], [])


def test_packets_survive_a_killed_server(stack: Stack) -> None:
    packet = remember(stack, "hawthorn")
    docker.from_env().containers.get(f"{NAME}-postgres").kill()
    stack.ok("start", "--quick")
    assert recall(stack, "hawthorn") == [packet]


def test_a_lost_password_is_repaired_and_the_packets_are_still_there(stack: Stack) -> None:
    packet = remember(stack, "rowan")
    old = password(stack)
    stack.lose("postgres_password")
    stack.ok("start", "--quick")
    assert password(stack) != old
    assert recall(stack, "rowan") == [packet]


def other_major(image: str) -> str:
    """An image with the major version of Debian's stable release, laid out like ours."""
    engine, recipe = connect(), POSTGRES.recipe and POSTGRES.recipe()
    assert recipe
    told = repr(to_builtins(recipe)).replace("18", OTHER_MAJOR)
    recipe = convert(literal_eval(told), type(recipe))
    cache = ROOT / ".stack" / "cache" / SUITE
    debs = Debian(cache, ARCHITECTURES[engine.info().architecture], suite=SUITE).gather(
        {"it": recipe.packages}
    )
    with tempfile.TemporaryFile() as tar:
        write_tree([deb.path for deb in debs["it"]], recipe, tar)
        tar.seek(0)
        engine.import_image(tar, image, recipe.config)
    return image


def test_packets_move_to_another_major_version_and_back(stack: Stack) -> None:
    packet, ours = remember(stack, "aspen"), stack.inspect()["postgres"]["Config"]["Image"]
    other = other_major(f"e2e/postgres:{OTHER_MAJOR}")
    try:
        for image, major in ((other, OTHER_MAJOR), (ours, "18")):
            said = stack.ok("upgrade", "--to", f"postgres={image}", "--no-backup", "--json").json()
            assert said["upgraded"][0]["data"] == "written down and loaded"
            container = docker.from_env().containers.get(f"{NAME}-postgres")
            folder = "/var/lib/postgresql"
            shown = ["sh", "-c", f"cat {folder}/packets/PG_VERSION; ls -A {folder}"]
            assert container.exec_run(shown)[1] == f"{major}\npackets\n".encode()
            assert recall(stack, "aspen") == [packet]
            print(
                f"\nto PostgreSQL {major}: {said['seconds']} s, {said['upgraded'][0]['gap_seconds']} s without it"
            )
    finally:
        (stack.home / ".env").unlink(missing_ok=True)
    stack.ok("start", "--quick")
    connect().untag(other)


def test_everything_but_health_needs_the_token(stack: Stack) -> None:
    paths = ("/metrics", "/alerts", "/tools", "/health/detailed", "/openapi.json", SEARCH)
    bare = {path: requests.get(stack.url("app") + path, timeout=10).status_code for path in paths}
    assert set(bare.values()) == {401}, bare
    assert {ask(stack, "GET", path).status_code for path in paths} == {200}
    assert requests.get(stack.url("app") + "/health", timeout=10).status_code == 200


def test_prometheus_and_alertmanager_use_it(stack: Stack) -> None:
    def scraped() -> None:
        if stack.query('up{job="app"}') != [1.0]:
            raise NotYet("the application is not scraped")

    until(scraped, seconds=20)
    findings = stack.ok("smoke", "--quick", "--json").json()["findings"]
    assert ("path.alert", "ok") in {(f["check"], f["status"]) for f in findings}


def test_no_secret_is_in_environment_arguments_labels_or_logs(stack: Stack) -> None:
    known = (token(stack), password(stack))
    shown = json.dumps(stack.inspect()) + stack.ok("logs", "--tail", "500").out
    assert not [word for word in known if word in shown]


def test_a_new_token_is_taken_without_a_new_container(stack: Stack) -> None:
    before, old = stack.starts(), token(stack)
    new = renew(token_file(stack))
    stack.ok("reload")
    assert [ask(stack, "GET", "/tools", word).status_code for word in (old, new)] == [401, 200]
    after = stack.starts()
    assert {name for name in after if after[name] != before[name]} == {"app"}
    assert {name: found[0] for name, found in after.items()} == {n: f[0] for n, f in before.items()}
    assert stack.ok("plan", "--json").json()["plan"] == []


def test_a_missing_token_is_an_error_that_names_the_file(stack: Stack) -> None:
    ran = stack("start", STACK_APP_TOKEN_FILE="/nowhere/token")
    assert ran.code == 2
    assert "app.token_file: /nowhere/token: No such file or directory" in ran.err


def test_back_to_sqlite_the_server_goes_and_its_data_stays(stack: Stack) -> None:
    stack.ok("start", "--quick", STACK_DATABASE="sqlite")
    assert "postgres" not in stack.inspect()
    assert recall(stack, "rowan") == []
    stack.ok("start", "--quick")
    assert len(recall(stack, "rowan")) == 1
