"""exporter add, list, remove: a server that answers is watched; of one that does not it is told why."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from stack.cli import exporter_proof
from stack.common.errors import ConfigurationInvalid, ImageError, SmokeFailed, UsageError
from stack.engine.interface import Ran
from stack.model.plan import Verb
from stack.model.spec import ConfigFile
from tests.scenarios.commands import NAME, Client

FILE = "own/exporters/redis/cache.toml"
SECRET = "own/secrets/exporters/redis-cache"


@dataclass
class Answers:
    """What Prometheus knows of each instance: its metrics; and what a plain connection ends with."""

    metrics: dict[str, float] = field(default_factory=lambda: {"up": 1, "redis_up": 1, "pg_up": 1})
    moment: float = 1e11
    knocking: Ran = field(default_factory=lambda: Ran(0, ""))

    def __call__(self, argv: tuple[str, ...], files: dict[str, ConfigFile]) -> Ran:
        """As the program of each container."""
        if argv[0] == "sh":
            return self.knocking
        if not argv[-1].startswith("http://127.0.0.1:9090/api/v1/query"):
            return Ran(0, "")
        if argv[-1].endswith("query=time()"):
            return Ran(0, json.dumps({"data": {"result": [self.moment, str(self.moment)]}}))
        found: list[Any] = [
            {"metric": {"__name__": name}, "values": [[self.moment, str(value)]]}
            for name, value in self.metrics.items()
        ]
        return Ran(0, json.dumps({"data": {"result": found}}))


def own(client: Client) -> list[Path]:
    """The files of the user's own."""
    return [path for path in (client.home / "own").rglob("*") if path.is_file()]


@pytest.fixture
def answers(client: Client) -> Answers:
    client.engine.program = Answers()
    return client.engine.program


@pytest.fixture
def running(client: Client, answers: Answers, monkeypatch: pytest.MonkeyPatch) -> Client:
    monkeypatch.setattr(exporter_proof, "SILENT", 0.0)
    monkeypatch.setattr(exporter_proof, "SECONDS", 0.5)
    assert client("start") == 0
    return client


@pytest.fixture
def password(tmp_path: Path) -> str:
    (tmp_path / "password").write_text("geheim\n")
    return str(tmp_path / "password")


def test_a_server_that_answers_is_watched(running: Client, password: str) -> None:
    before = running.ids()
    code, said = running.run("exporter", "add", "redis", "cache", "redis.example", "--secret-file", password)
    assert code == 0 and said.documents == [
        {"ok": True, "kind": "redis", "name": "cache", "proven": True, "files": [SECRET, FILE]}
    ]
    assert running.running() == {*before, "redis_exporter-cache"}
    assert {**running.ids(), **before} == running.ids(), "nobody else was touched"
    assert (running.home / SECRET).read_text() == "geheim\n"
    assert (running.home / SECRET).stat().st_mode & 0o777 == 0o600
    assert "scrape/redis_exporter.yml" in {
        f"scrape/{n}" for n in running.files_in_use("prometheus", "scrape")
    }
    assert running.plan() == [] and "redis_exporter-cache" in running.state.started
    assert running("status") == 0


def test_two_of_a_kind_are_two_containers_and_go_one_by_one(running: Client) -> None:
    for name in ("cache", "queue"):
        assert running("exporter", "add", "redis", name, f"{name}.example") == 0
    both = running.ids()
    assert {"redis_exporter-cache", "redis_exporter-queue"} <= both.keys()
    assert running("exporter", "remove", "redis", "cache") == 0
    assert running.ids() == {name: id for name, id in both.items() if name != "redis_exporter-cache"}
    assert running("exporter", "remove", "redis", "queue") == 0
    assert not own(running) and running.plan() == []
    assert "redis_exporter.yml" not in running.files_in_use("prometheus", "scrape")


def test_one_that_does_not_answer_is_told_why_and_nothing_was_changed(
    running: Client, answers: Answers
) -> None:
    before = running.ids()
    answers.metrics["redis_up"] = 0
    answers.knocking = Ran(1, "nc: bad address 'redis.example'")
    with pytest.raises(SmokeFailed) as caught:
        running("exporter", "add", "redis", "cache", "redis.example")
    assert caught.value.message == (
        "Redis cache at redis.example:6379: the name redis.example is unknown where the exporter runs"
    )
    assert caught.value.hint == (
        "give its address, or its container with --container NAME; nothing was changed"
    )
    assert running.ids() == before and not own(running) and running.plan() == []


def test_what_one_of_the_same_name_said_before_does_not_count(running: Client, answers: Answers) -> None:
    answers.moment = 0.0
    with pytest.raises(SmokeFailed, match="redis_exporter was not scraped within"):
        running("exporter", "add", "redis", "cache", "redis.example")


def test_one_that_is_never_scraped_is_told_too(running: Client, answers: Answers) -> None:
    answers.metrics.clear()
    with pytest.raises(SmokeFailed, match="redis_exporter was not scraped within"):
        running("exporter", "add", "redis", "cache", "redis.example")
    answers.metrics["up"] = 0
    with pytest.raises(SmokeFailed, match="redis_exporter does not answer Prometheus"):
        running("exporter", "add", "redis", "cache", "redis.example")


def test_a_dry_run_tells_the_plan_and_changes_nothing(running: Client) -> None:
    code, said = running.run("exporter", "add", "redis", "cache", "redis.example", "--dry-run")
    steps = {(step["verb"], step["target"]) for step in said.documents[0]["plan"]}
    assert code == 0 and (Verb.CREATE, f"{NAME}-redis-exporter-cache") in steps
    assert not own(running) and "redis_exporter-cache" not in running.ids()


def test_where_nothing_runs_the_next_start_applies_it(client: Client, answers: Answers) -> None:
    code, said = client.run("exporter", "add", "redis", "cache", "redis.example")
    assert code == 0 and said.documents[0]["proven"] is False
    assert client("start") == 0 and "redis_exporter-cache" in client.running()


def test_the_list_tells_who_answers_and_why_not(running: Client, answers: Answers) -> None:
    assert running.run("exporter", "list")[1].documents == [{"exporters": []}]
    running("exporter", "add", "redis", "cache", "redis.example")
    row = {"kind": "redis", "name": "cache", "address": "redis.example:6379", "on": ""}
    assert running.run("exporter", "list")[1].documents == [
        {"exporters": [{**row, "state": "up", "says": ""}]}
    ]
    answers.metrics["redis_up"], answers.knocking = 0, Ran(1, "nc: Connection refused")
    (found,) = running.run("exporter", "list")[1].documents[0]["exporters"]
    assert found["state"] == "down" and found["says"].startswith(
        "nobody listens on redis.example:6379: does it"
    )
    for metrics, state, said in (
        ({}, "unknown", "it is not scraped yet"),
        ({"up": 0.0}, "down", "its exporter does not answer: monitoring-stack logs redis_exporter-cache"),
    ):
        answers.metrics = dict(metrics)
        (found,) = running.run("exporter", "list")[1].documents[0]["exporters"]
        assert found["state"] == state and found["says"].startswith(said)
    running("stop")
    (found,) = running.run("exporter", "list")[1].documents[0]["exporters"]
    assert found["state"] == "stopped"


def test_a_faulty_file_is_in_the_list_and_stops_what_applies_files(running: Client) -> None:
    (running.home / "own/exporters/redis").mkdir(parents=True)
    (running.home / FILE).write_text("address = 5\n")
    (found,) = running.run("exporter", "list")[1].documents[0]["exporters"]
    assert found["state"] == "faulty" and found["says"].startswith(f"{FILE}: address: 5 is no text")
    with pytest.raises(ConfigurationInvalid, match="address: 5 is no text"):
        running("reload")
    assert running("status") == 0


def test_a_file_by_hand_is_applied_by_reload_and_missed_by_nobody_before(running: Client) -> None:
    running("exporter", "add", "redis", "cache", "redis.example")
    (running.home / "own/exporters/redis/queue.toml").write_text('address = "queue.example"\n')
    assert running("status") == 0, "what was started runs"
    assert (Verb.CREATE, f"{NAME}-redis-exporter-queue") in running.plan()
    assert running("reload") == 0 and "redis_exporter-queue" in running.running()


def test_a_password_in_own_secrets_is_named_and_kept(running: Client) -> None:
    (running.home / "own/secrets").mkdir(parents=True)
    (running.home / "own/secrets/pw").write_text("geheim\n")
    own = str(running.home / "own/secrets/pw")
    words = ("postgres", "main", "db.example", "--user", "m", "--secret-file", own)
    assert running("exporter", "add", *words, "--option", "database=shop") == 0
    text = (running.home / "own/exporters/postgres/main.toml").read_text()
    assert text == (
        "# PostgreSQL main, watched by postgres_exporter.\n"
        'address = "db.example"\nuser = "m"\nsecret_file = "own/secrets/pw"\n\n[options]\ndatabase = "shop"\n'
    )
    assert running("exporter", "remove", "postgres", "main") == 0
    assert (running.home / "own/secrets/pw").exists()


WRONG = {
    "no place": (("redis", "a"), "where is the Redis server", "--host 6379"),
    "two places": (("redis", "a", "b", "--host", "1"), "one place", "--container or --host"),
    "loopback": (
        ("redis", "a", "localhost"),
        "would be the exporter's own container",
        "host.docker.internal",
    ),
    "name": (("redis", "A", "b"), "cannot be called", "1-30"),
    "login": (("postgres", "a", "b"), "the exporter logs in to PostgreSQL", "--user USER"),
    "option": (("redis", "a", "b", "--option", "x"), "must be KEY=VALUE", "docs/exporters.md"),
    "secret": (("redis", "a", "b", "--secret-file", "/no"), "/no: No such file", "password"),
    "process": (("process", "a", "b"), "process has no address", "engine's machine"),
}


@pytest.mark.parametrize(("words", "said", "hint"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_meant_is_a_usage_error(
    running: Client, words: tuple[str, ...], said: str, hint: str
) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        running("exporter", "add", *words)
    assert hint in caught.value.hint


def test_an_unknown_option_is_a_fault_of_the_file(running: Client) -> None:
    with pytest.raises(ConfigurationInvalid, match="unknown option x"):
        running("exporter", "add", "redis", "a", "b", "--option", "x=1")
    assert not own(running)


def test_what_is_there_already_or_not_at_all_is_said(running: Client) -> None:
    running("exporter", "add", "redis", "cache", "redis.example")
    with pytest.raises(UsageError, match="is there already"):
        running("exporter", "add", "redis", "cache", "other.example")
    with pytest.raises(UsageError, match="no Redis server is called queue") as caught:
        running("exporter", "remove", "redis", "queue")
    assert caught.value.hint == "there are: cache"


def test_one_whose_image_cannot_be_had_changes_nothing(running: Client) -> None:
    before, running.environ["STACK_MEMCACHED_EXPORTER_IMAGE"] = running.ids(), "mine/nowhere:1"
    with pytest.raises(ImageError, match="no image for memcached_exporter") as caught:
        running("exporter", "add", "memcached", "sessions", "mc.example")
    assert "images load" in caught.value.hint
    assert running.ids() == before and not own(running)
