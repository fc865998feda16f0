"""A command changes files of the user's own: they hold on a running stack, or nothing was changed."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from stack.cli.own_change import OwnFile, make_change
from stack.cli.session import Session
from stack.common.errors import ConfigurationInvalid, NotReady, SmokeFailed, StackError
from stack.deploy.describe import Description
from tests.scenarios.commands import Client, Said

PATH = "own/prometheus/scrape/shop.yml"
JOB = b"scrape_configs:\n  - job_name: shop\n    static_configs: [{targets: ['shop:8000']}]\n"
LOADED = "scrape/~own+shop.yml"


def holds(description: Description) -> None:
    del description


def fails(description: Description) -> None:
    del description
    raise SmokeFailed("shop shop:8000 is down: refused", hint="start it")


def change(
    client: Client,
    files: Sequence[OwnFile],
    prove: Callable[[Description], None] = holds,
    *,
    dry_run: bool = False,
) -> tuple[bool, Said]:
    said = Said()
    options = argparse.Namespace(
        command="target", dry_run=dry_run, name="", port_base="", bind="", began=None
    )
    with client.monkeypatch.context() as patch:
        patch.setenv("STACK_HOME", str(client.home))
        return make_change(Session.open(options, said), files, prove), said


@pytest.fixture
def running(client: Client) -> Client:
    assert client("start") == 0
    return client


def test_files_are_written_applied_and_proven(running: Client) -> None:
    proven: list[Description] = []
    ids = running.ids()
    assert change(running, [OwnFile(PATH, JOB)], proven.append)[0]
    assert running.in_use("prometheus", LOADED) == JOB and (running.home / PATH).read_bytes() == JOB
    assert [any(f.path == LOADED for f in d.spec.service("prometheus").files) for d in proven] == [True]
    assert running.plan() == [] and running.ids() == ids


def test_a_dry_run_tells_the_plan_and_changes_nothing(running: Client) -> None:
    done, said = change(running, [OwnFile(PATH, JOB)], fails, dry_run=True)
    assert not done and not (running.home / "own").exists() and running.plan() == []
    assert {step["verb"] for step in said.documents[0]["plan"]} >= {"write files", "reload"}


@pytest.mark.parametrize("before", [None, b"# mine\nscrape_configs: []\n"])
def test_what_does_not_hold_is_undone(running: Client, before: bytes | None) -> None:
    path = running.home / PATH
    if before is not None:
        path.parent.mkdir(parents=True)
        path.write_bytes(before)
        path.chmod(0o640)
        assert running("reload") == 0
    with pytest.raises(SmokeFailed) as caught:
        change(running, [OwnFile(PATH, JOB)], fails)
    assert caught.value.hint == "start it; nothing was changed"
    assert running.in_use("prometheus", LOADED) == before and running.plan() == []
    if before is None:
        assert not (running.home / "own").exists() or not list((running.home / "own").rglob("*.yml"))
    else:
        assert path.read_bytes() == before and path.stat().st_mode & 0o777 == 0o640


def test_an_interruption_undoes_it_too(running: Client) -> None:
    def interrupted(description: Description) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        change(running, [OwnFile(PATH, JOB)], interrupted)
    assert running.in_use("prometheus", LOADED) is None and not (running.home / PATH).exists()


def test_invalid_files_are_refused_before_anything_is_written(running: Client) -> None:
    for content in (b"scrape_configs: [", JOB.replace(b"shop\n", b"app\n", 1)):
        with pytest.raises(ConfigurationInvalid):
            change(running, [OwnFile(PATH, content)])
        assert not (running.home / "own").exists() and running.plan() == []


def test_a_product_that_refuses_them_runs_its_previous_files(running: Client) -> None:
    running.products.refuse = {"prometheus"}

    with pytest.raises(NotReady) as caught:
        change(running, [OwnFile(PATH, JOB)])
    assert "previous files" in caught.value.hint
    assert not (running.home / PATH).exists()


def test_an_undoing_that_fails_says_so(running: Client) -> None:
    def breaks(description: Description) -> None:
        running.products.refuse = {"prometheus"}
        fails(description)

    with pytest.raises(StackError) as caught:
        change(running, [OwnFile(PATH, JOB)], breaks)
    assert "the files are as before, the stack is not" in caught.value.hint
    assert not (running.home / PATH).exists()


@pytest.mark.parametrize("first", [(), ("start", "stop")])
def test_where_nothing_runs_they_are_checked_and_written(client: Client, first: tuple[str, ...]) -> None:
    for command in first:
        assert client(command) == 0
    with pytest.raises(ConfigurationInvalid):
        change(client, [OwnFile(PATH, b"scrape_configs: [")])
    assert not (client.home / PATH).exists()
    done, _ = change(client, [OwnFile(PATH, JOB, 0o600)], fails)
    assert not done and (client.home / PATH).stat().st_mode & 0o777 == 0o600
    assert not any(c.state == "running" for c in client.engine.containers.values())
    assert client("start") == 0 and client.in_use("prometheus", LOADED) == JOB


def test_a_removed_file_takes_its_empty_folders_along_and_a_link_stays_one(running: Client) -> None:
    elsewhere = running.home / "elsewhere.yml"
    elsewhere.write_bytes(JOB)
    path = running.home / PATH
    path.parent.mkdir(parents=True)
    path.symlink_to(elsewhere)
    other = OwnFile("own/prometheus/scrape/team/other.yml", JOB.replace(b"shop", b"other"))
    new = JOB + b"# more\n"
    assert change(running, [OwnFile(PATH, new), other])[0]
    assert path.is_symlink() and Path(elsewhere).read_bytes() == new
    assert change(running, [OwnFile(other.path, None)])[0]
    assert not (running.home / "own/prometheus/scrape/team").exists() and path.exists()
    assert change(running, [OwnFile(PATH, None)])[0]
    assert not path.is_symlink() and elsewhere.read_bytes() == new
    assert running.plan() == []
