"""Two clients on one engine: one works at a time, both manage the same stack, and neither undoes the other's work."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from stack.common.errors import Busy
from stack.engine.interface import Holder
from tests.scenarios.commands import NAME, Client, Said, machine


@pytest.fixture
def both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Client, Client]:
    """Two checkouts, one engine, Grafana among its images."""
    products = machine(monkeypatch, grafana=True)
    folders = (tmp_path / "one", tmp_path / "other")
    first, second = (Client(products.engine, folder, monkeypatch, products) for folder in folders)
    return first, second


def test_of_two_starts_at_once_one_works_and_the_other_is_told(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STACK_HOME", str(client.home))
    meeting = threading.Barrier(2, timeout=30)
    told: list[Busy] = []
    create = client.engine.create_network

    def while_it_works(name: str) -> None:
        meeting.wait()  # the other one begins
        meeting.wait()  # and has been told
        create(name)

    monkeypatch.setattr(client.engine, "create_network", while_it_works)

    def other() -> None:
        meeting.wait()
        try:
            with pytest.raises(Busy) as error:
                Client.command(Said(), "start")
            told.append(error.value)
        finally:
            meeting.wait()

    with ThreadPoolExecutor(2) as pool:
        working = pool.submit(Client.command, Said(), "start")
        pool.submit(other).result(timeout=60)
        assert working.result(timeout=60) == 0
    assert "another command works on stack monitoring: monitoring-stack start by " in told[0].message
    assert f"process {os.getpid()}" in told[0].message
    assert told[0].exit_code == 5
    monkeypatch.setattr(client.engine, "create_network", create)
    assert client("start") == 0
    assert client.plan() == []


@pytest.mark.parametrize(
    "words", [("stop",), ("destroy",), ("restart",), ("reload",), ("start", "--without", "app")]
)
def test_whoever_changes_something_waits_for_the_other_to_end(client: Client, words: tuple[str, ...]) -> None:
    client("start")
    before = (client.ids(), client.engine.read_state(NAME))
    somebody = Holder("far-away", "ann", "monitoring-stack reload", 7, "12:00")
    with client.engine.lock(NAME, somebody), pytest.raises(Busy, match="ann on far-away, process 7"):
        client(*words)
    assert (client.ids(), client.engine.read_state(NAME)) == before
    assert client.running() == set(before[0])
    assert client(*words) == 0


def test_who_only_looks_waits_for_nobody(client: Client) -> None:
    client("start")
    somebody = Holder("far-away", "ann", "monitoring-stack reload", 7, "12:00")
    with client.engine.lock(NAME, somebody):
        for words in (("status",), ("plan",), ("logs",), ("smoke",), ("start",)):
            assert client(*words) == 0, words


def test_a_second_checkout_finds_the_stack_as_its_own(both: tuple[Client, Client]) -> None:
    first, second = both
    assert first("start", "--with", "postgres") == 0
    before = first.ids(), first.state.secrets
    assert "grafana" in before[0]
    assert second.plan() == []
    assert second("start") == 0
    assert (second.ids(), second.state.secrets) == before
    assert first.plan() == [] and first("start") == 0
    assert (first.ids(), first.state.secrets) == before


def test_a_cache_may_be_deleted_at_any_time(client: Client) -> None:
    client("start", "--with", "postgres")
    before = client.ids(), client.state
    for path in sorted((client.home / ".stack").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    assert client.plan() == []
    assert client("start") == 0
    assert (client.ids(), client.state) == before


def test_what_the_first_client_chose_once_the_second_may_end(both: tuple[Client, Client]) -> None:
    first, second = both
    first("start", "--without", "node_exporter")
    assert second("start", "--with", "node_exporter") == 0
    assert "node_exporter" in first.running()
    assert first.plan() == []


def test_a_choice_made_meanwhile_is_kept(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another start ends between the look at the stack and the lock."""
    client("start")
    lock = client.engine.lock
    begun: list[Holder] = []

    def meanwhile(stack: str, holder: Holder) -> object:
        if not begun:
            begun.append(holder)
            client("start", "--with", "postgres")
        return lock(stack, holder)

    monkeypatch.setattr(client.engine, "lock", meanwhile)
    client.edit("prometheus/rules/app-gates.yml")
    assert client("start") == 0
    assert begun and "postgres" in client.running()
    assert client.plan() == []


def test_secrets_are_not_made_twice_by_two_first_starts(both: tuple[Client, Client]) -> None:
    first, second = both
    lock = first.engine.lock
    begun: list[Holder] = []

    def meanwhile(stack: str, holder: Holder) -> object:
        if not begun:
            begun.append(holder)
            assert second("start") == 0
        return lock(stack, holder)

    first.engine.lock = meanwhile  # type: ignore[method-assign, assignment]
    assert first("start") == 0
    assert first.plan() == [] and second.plan() == []
    path = "/etc/stack/secrets/grafana_admin_password"
    kept = first.engine.read_file(f"{NAME}-grafana", path)
    assert kept == first.state.secrets["grafana_admin_password"].encode()
