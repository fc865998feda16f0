"""exporter add --on HOST: the exporter on a further engine, closed as node_exporter there, listed and removed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from stack.cli import exporter_proof
from stack.common.errors import ConfigurationInvalid, EngineUnavailable, PortTaken, SmokeFailed, UsageError
from tests.fakes.engine.memory import MemoryContainer, MemoryEngine
from tests.scenarios.commands import Client
from tests.scenarios.test_commands_exporter import Answers
from tests.scenarios.test_commands_host import OTHER, URL, Far

FILE = "own/exporters/postgres/shop.toml"
SECRET = "own/secrets/exporters/postgres-shop"
THERE = "monitoring-host-web1-postgres-exporter-shop"
NODE = "monitoring-host-web1-node-exporter"
JOB = "host-web1-postgres_exporter-shop"


@pytest.fixture
def far(client: Client, monkeypatch: pytest.MonkeyPatch) -> Far:
    made = Far(client.engine, {url: MemoryEngine() for url in (URL, OTHER)})
    monkeypatch.setattr("stack.engine.docker.connect", made.connect)
    monkeypatch.setattr("stack.cli.host.proven", made.proven)
    monkeypatch.setattr("stack.cli.host.gone", lambda *args: None)
    monkeypatch.setattr(exporter_proof, "SILENT", 0.0)
    monkeypatch.setattr(exporter_proof, "SECONDS", 0.5)
    client.engine.program = Answers()
    return made


@pytest.fixture
def added(client: Client, far: Far) -> Client:
    assert client("start") == 0
    assert client("host", "add", "web1", URL, "--address", "10.0.0.7") == 0
    return client


def words(tmp_path: Path, *more: str) -> tuple[str, ...]:
    """The command that puts one there."""
    (tmp_path / "password").write_text("geheim\n")
    login = ("--user", "monitor", "--secret-file", str(tmp_path / "password"))
    return ("exporter", "add", "postgres", "shop", "10.0.0.7", *login, "--on", "web1", *more)


def there(far: Far, name: str = THERE) -> MemoryContainer:
    """A container on the host."""
    found = far.web1.find(name)
    assert found is not None
    return found


def job(client: Client) -> dict[str, Any]:
    """Its scrape job as Prometheus has it."""
    jobs = yaml.safe_load(client.in_use("prometheus", "scrape/hosts.yml") or b"")["scrape_configs"]
    return next(one for one in jobs if one["job_name"] == JOB)


def test_it_runs_there_and_not_here_closed_as_node_exporter(added: Client, far: Far, tmp_path: Path) -> None:
    before, node = added.ids(), there(far, NODE).id
    code, said = added.run(*words(tmp_path))
    assert (code, said.documents[0]["proven"]) == (0, True)
    assert added.ids() == before and there(far, NODE).id == node, "nobody else was touched"
    assert (added.home / FILE).read_text().splitlines()[-1] == 'on = "web1"'
    body = there(far).body
    assert there(far).ports() == {("10.0.0.7", "9187")}
    assert body["Cmd"] == ["--web.config.file=/etc/web/web.yml"]
    assert "geheim" not in str(body), "the password is in a file alone"
    volumes = far.web1.volumes
    web = there(far).mounts()["/etc/web"]
    assert web == there(far, NODE).mounts()["/etc/web"] and b"$2b$" in volumes[web].files["web.yml"].content
    kept = volumes[f"{THERE}-config"].files
    password = next(file for path, file in kept.items() if path.endswith("secrets/password"))
    assert (password.content, password.mode & 0o777) == (b"geheim", 0o400)


def test_its_series_are_those_of_one_here(added: Client, far: Far, tmp_path: Path) -> None:
    assert added(*words(tmp_path, "--port", "9300")) == 0
    found = job(added)
    labels = {"job": "postgres_exporter", "instance": "shop", "host": "web1"}
    assert found["static_configs"] == [{"targets": ["10.0.0.7:9300"], "labels": labels}]
    assert (found["scheme"], found["tls_config"]["server_name"]) == ("https", "web1")
    assert found["basic_auth"]["password_file"].endswith("secrets/hosts/web1.password")
    assert "postgres_exporter.yml" not in added.files_in_use("prometheus", "scrape")
    assert any("postgres_exporter" in name for name in added.files_in_use("prometheus", "rules"))


def test_what_only_looks_and_a_second_start_find_nothing_to_do(
    added: Client, far: Far, tmp_path: Path
) -> None:
    added(*words(tmp_path))
    id_ = there(far).id
    for command in ("start", "reload"):
        assert added(command) == 0
    document = added.run("plan")[1].documents[0]
    assert (document["plan"], [one["plan"] for one in document["hosts"]]) == ([], [[]])
    assert there(far).id == id_
    components = added.run("status")[1].documents[0]["components"]
    assert all(row["digest_match"] for row in components)
    assert {row["component"] for row in components} >= {"host web1", "host web1 postgres_exporter-shop"}


def test_lists_show_it_on_its_host(added: Client, far: Far, tmp_path: Path) -> None:
    added(*words(tmp_path))
    (row,) = added.run("exporter", "list")[1].documents[0]["exporters"]
    assert (row["on"], row["state"]) == ("web1", "up")
    hosts = added.run("host", "list")[1].documents[0]["hosts"]
    told = [(one["exporter"], one["address"]) for one in hosts]
    assert told == [("node_exporter", "10.0.0.7:9100"), ("postgres_exporter-shop", "10.0.0.7:9187")]
    added.engine.program = Answers({"up": 0.0})
    (row,) = added.run("exporter", "list")[1].documents[0]["exporters"]
    assert (row["state"], "monitoring-stack host list" in row["says"]) == ("down", True)


def test_remove_takes_it_away_there_and_leaves_the_rest(added: Client, far: Far, tmp_path: Path) -> None:
    before = far.left()
    added(*words(tmp_path))
    assert added("exporter", "remove", "postgres", "shop") == 0
    assert far.left() == before and not (added.home / SECRET).exists()


def test_a_host_with_exporters_is_not_removed(added: Client, far: Far, tmp_path: Path) -> None:
    added(*words(tmp_path))
    with pytest.raises(UsageError, match="exporters run on web1") as caught:
        added("host", "remove", "web1")
    assert caught.value.hint == "first: exporter remove postgres shop"
    (added.home / "own/hosts/web1.toml").unlink()
    with pytest.raises(ConfigurationInvalid, match="no host is called web1"):
        added("reload")


def test_one_that_does_not_answer_is_taken_back_with_the_words_of_its_log(
    added: Client, far: Far, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = far.left()
    added.engine.program = Answers({"up": 1, "pg_up": 0})
    said = 'level=ERROR err="dial tcp 10.0.0.7:5432: connect: connection refused"'
    monkeypatch.setattr(far.web1, "logs", lambda name, tail: (said,) if name == THERE else ())
    with pytest.raises(SmokeFailed, match=r"shop at 10\.0\.0\.7:5432: nobody listens on 10\.0\.0\.7:5432"):
        added(*words(tmp_path))
    assert far.left() == before and not (added.home / FILE).exists()


def test_a_host_without_an_answer_refuses_it(added: Client, far: Far, tmp_path: Path) -> None:
    far.down.add(URL)
    with pytest.raises(EngineUnavailable, match="host web1: no Docker engine answers"):
        added(*words(tmp_path))
    assert not (added.home / FILE).exists()


def test_a_port_that_is_taken_is_said(added: Client, far: Far, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="port 9100 of web1 is that of node_exporter there") as told:
        added(*words(tmp_path, "--port", "9100"))
    assert told.value.hint == "--port 9101"
    far.web1.occupy(9187, "10.0.0.7")
    with pytest.raises(PortTaken, match=r"10\.0\.0\.7:9187 is taken") as caught:
        added(*words(tmp_path))
    assert "--port of host add and exporter add" in caught.value.hint
    assert not (added.home / FILE).exists()


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (("redis", "cache", "r.example", "--on", "web1"), "asks for no password, and would be open on web1"),
        (("nginx", "front", "w.example", "--on", "web1"), "asks for no password, and would be open on web1"),
        (("haproxy", "edge", "lb.example", "--on", "web9"), "no host is called web9"),
        (("haproxy", "edge", "lb.example", "--port", "9300"), "on_port is that of an exporter on a further"),
        (("haproxy", "edge", "lb.example", "--on", "web1", "--port", "70000"), "70000 is no port"),
        (("haproxy", "edge", "--container", "none", "--on", "web1"), "there is no container none"),
    ],
)
def test_what_cannot_be_meant_is_said(added: Client, asked: tuple[str, ...], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        added("exporter", "add", *asked)


def test_a_component_that_is_switched_off_runs_there_neither(added: Client, far: Far, tmp_path: Path) -> None:
    added(*words(tmp_path))
    (added.home / "stack.toml").write_text('[components]\npostgres_exporter = "off"\n')
    assert added("start") == 0
    assert far.web1.find(THERE) is None and added("status") == 0
