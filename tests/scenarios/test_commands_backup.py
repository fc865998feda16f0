"""backup and restore on a stack in memory: what is taken comes back, under any name; what does not fit is refused."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyrage
import pytest
from msgspec.structs import replace

from stack.archives.manifest import Kept
from stack.archives.reading import Archive, open_archive
from stack.common.errors import ArchiveRefused, Busy, SmokeFailed, StartFailed, UsageError
from stack.deploy.kept import Lost
from stack.engine.holder import this_process
from stack.model.spec import ConfigFile, data_volume
from tests.scenarios.commands import NAME, Client
from tests.unit.archives.archive_samples import written

BLOCK = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
DATA = {
    "prometheus": {f"{BLOCK}/meta.json": b"{}", f"{BLOCK}/chunks/000001": b"samples"},
    "alertmanager": {"silences": b"silence", "nflog": b"log"},
    "app": {"audit.jsonl": b"packet\n"},
}
KEPT = Kept(sample=1700000000.5, silences=("5aff",), packet=1700000000.0)


@pytest.fixture(autouse=True)
def products(client: Client, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the products show when they are asked, before and after."""
    answers: dict[str, Any] = {"lost": Lost(("prometheus: the newest sample",), ())}
    monkeypatch.setattr("stack.cli.backup.kept_in", lambda context, unasked: KEPT)
    monkeypatch.setattr("stack.cli.restore.compare", lambda context, kept: answers["lost"])
    monkeypatch.setattr("stack.cli.restore.PROOF_SECONDS", 0.0)
    return answers


def fill(client: Client, data: dict[str, dict[str, bytes]] = DATA, name: str = NAME) -> None:
    """The components have written this."""
    for component, files in data.items():
        volume = client.engine.volumes[data_volume(name, component)]
        volume.files = {path: ConfigFile(path, content, 0o640) for path, content in files.items()}


def contents(client: Client, name: str = NAME) -> dict[str, dict[str, bytes]]:
    """What their volumes hold."""
    return {component: client.engine.volumes[data_volume(name, component)].contents() for component in DATA}


def archive_of(client: Client, *words: str) -> Path:
    """The file that a backup wrote."""
    code, said = client.run("backup", *words)
    assert code == 0
    return Path(said.documents[-1]["file"])


@pytest.fixture
def running(client: Client) -> Client:
    """A stack with data."""
    client("start")
    fill(client)
    return client


def gone(client: Client, name: str = NAME) -> None:
    client("destroy", "--volumes", "--yes", "--name", name)


def test_all_of_a_stack_comes_back_under_another_name(running: Client, tmp_path: Path) -> None:
    (running.home / "own/prometheus/rules").mkdir(parents=True)
    (running.home / "own/prometheus/rules/mine.yml").write_text("groups: []\n")
    (running.home / "own/secrets").mkdir()
    (running.home / "own/secrets/word").write_text("hush")
    key = pyrage.x25519.Identity.generate()
    (tmp_path / "key").write_text(str(key))
    secrets = dict(running.state.secrets)
    file = archive_of(running, "--recipient", str(key.to_public()))
    assert file.parent == running.home / "backups" and open_archive(file).manifest.kept == KEPT
    assert b"hush" not in file.read_bytes()
    gone(running)
    for path in ("own/prometheus/rules/mine.yml", "own/secrets/word"):
        (running.home / path).unlink()
    code, said = running.run(
        "restore", str(file), "--name", "other", "--identity-file", str(tmp_path / "key")
    )
    assert code == 0 and said.documents[-1]["there"] == ["prometheus: the newest sample"]
    assert contents(running, "other") == DATA
    state = json.loads(running.engine.read_state("other") or b"")
    assert state["secrets"] == secrets and state["restoring"] is None
    assert (running.home / "own/secrets/word").read_text() == "hush"
    assert (running.home / "own/prometheus/rules/mine.yml").read_text() == "groups: []\n"
    assert all(c.running for c in running.engine.observe("other").containers)


def test_a_backup_disturbs_nothing_but_who_writes_only_at_its_end(running: Client) -> None:
    running.engine.calls.clear()
    archive_of(running)
    touched = [
        (verb, target) for verb, target in running.engine.calls if verb in ("stop", "restart", "start")
    ]
    assert touched[0] == ("restart", "monitoring-alertmanager")
    assert {target for _, target in touched} <= {"monitoring-alertmanager"} | {
        c.id for c in running.observed.containers if c.component == "alertmanager"
    }
    assert contents(running) == DATA and len(running.running()) == 4


def test_without_a_key_secrets_are_left_out_and_that_is_said(running: Client) -> None:
    file = archive_of(running)
    told = open_archive(file).manifest
    assert told.sealed == "left out" and told.member("secrets.age") is None
    running("stop")
    assert running("restore", str(file), "--yes") == 0
    assert contents(running) == DATA


def test_closed_secrets_need_their_key_or_the_word_to_go_without(running: Client) -> None:
    key = pyrage.x25519.Identity.generate()
    file = archive_of(running, "--recipient", str(key.to_public()))
    running("stop")
    with pytest.raises(ArchiveRefused, match="closed with a recipient: --identity-file FILE opens them"):
        running("restore", str(file), "--yes")
    assert running("restore", str(file), "--yes", "--without-secrets", "--no-start") == 0
    with pytest.raises(UsageError, match="a passphrase or a key, not both"):
        running("backup", "--recipient", "age1x", "--passphrase-file", "x")
    with pytest.raises(UsageError, match="--passphrase-file: nowhere cannot be read"):
        running("backup", "--passphrase-file", "nowhere")


def test_a_stack_that_runs_is_refused(running: Client) -> None:
    file = archive_of(running)
    with pytest.raises(
        StartFailed, match=r"stack monitoring runs \(.*\): its data cannot be replaced meanwhile"
    ):
        running("restore", str(file), "--yes")
    with pytest.raises(StartFailed, match="stack monitoring runs"):
        running("restore", str(file), "--dry-run")


def test_data_that_is_there_is_replaced_only_where_that_is_said(running: Client) -> None:
    file = archive_of(running)
    running("stop")
    fill(running, {"app": {"audit.jsonl": b"newer\n", "more": b"m"}})
    with pytest.raises(UsageError, match="restore replaces the data of alertmanager, app, prometheus: --yes"):
        running("restore", str(file))
    assert contents(running)["app"] == {"audit.jsonl": b"newer\n", "more": b"m"}
    assert running("restore", str(file), "--yes", "--no-start") == 0
    assert contents(running) == DATA and running.running() == set()


def test_a_dry_run_changes_nothing(running: Client) -> None:
    (running.home / "own").mkdir()
    (running.home / "own/x.txt").write_text("x")
    assert running("backup", "--dry-run") == 0 and not (running.home / "backups").exists()
    file = archive_of(running)
    gone(running)
    (running.home / "own/x.txt").unlink()
    code, said = running.run("restore", str(file), "--dry-run")
    assert code == 0 and said.documents[-1]["files"] == ["own/x.txt"]
    assert data_volume(NAME, "app") not in running.engine.volumes


def test_a_newer_product_is_refused(running: Client) -> None:
    file = archive_of(running)
    gone(running)
    told = open_archive(file).manifest
    assert told.versions["prometheus"].startswith("3.")
    newer = written(file.with_name("newer.tar"), versions={"prometheus": "4.0.0"})
    with pytest.raises(ArchiveRefused, match=r"data of prometheus 4.0.0, and the image here is 3\."):
        running("restore", str(newer))
    assert data_volume(NAME, "prometheus") not in running.engine.volumes


def test_files_that_differ_are_kept_or_replaced_as_is_said(running: Client) -> None:
    (running.home / "own").mkdir()
    mine = running.home / "own/note.md"
    mine.write_text("then")
    file = archive_of(running)
    running("stop")
    mine.write_text("now")
    with pytest.raises(UsageError, match=r"own/note.md is not as the backup has it: --files keep, or"):
        running("restore", str(file), "--yes", "--no-start")
    running("restore", str(file), "--yes", "--no-start", "--files", "keep")
    assert mine.read_text() == "now"
    running("restore", str(file), "--yes", "--no-start", "--files", "replace")
    assert mine.read_text() == "then"


def test_what_is_not_there_again_fails_with_its_name(running: Client, products: dict[str, Any]) -> None:
    file = archive_of(running)
    running("stop")
    products["lost"] = Lost((), ("alertmanager: 1 silence (5aff)",), ("grafana was not asked",))
    with pytest.raises(
        SmokeFailed, match=r"restored, but not there: alertmanager: 1 silence \(5aff\)"
    ) as error:
        running("restore", str(file), "--yes")
    assert error.value.details["ok"] is False


def damaged(file: Path) -> Path:
    """The last member of data is damaged, so that those before it are in place when that is noticed."""
    archive = open_archive(file)
    last = [one for one in archive.manifest.members if one.component][-1]
    content = bytearray(file.read_bytes())
    content[archive.places[last.name][0] + last.size - 1] ^= 0xFF
    file.write_bytes(content)
    return file


def test_a_damaged_archive_leaves_an_absent_stack_absent(running: Client) -> None:
    file = damaged(archive_of(running))
    gone(running)
    before = set(running.engine.volumes)
    with pytest.raises(ArchiveRefused, match=r"is damaged: .*\.tar\.zst"):
        running("restore", str(file))
    assert set(running.engine.volumes) == before and running.engine.read_state(NAME) is None


def test_a_damaged_archive_leaves_a_stopped_stack_as_it_was(running: Client) -> None:
    file = damaged(archive_of(running))
    running("stop")
    fill(running, {"app": {"mine": b"1"}, "prometheus": {"wal/0": b"2"}, "alertmanager": {"silences": b"3"}})
    before, state = contents(running), running.state
    with pytest.raises(ArchiveRefused, match="is damaged"):
        running("restore", str(file), "--yes")
    assert contents(running) == before and running.state == state
    with pytest.raises(ArchiveRefused):
        running("backup", "verify", str(file))


@pytest.mark.parametrize("verb", ["create_volume", "unstage", "stage", "adopt", "write_state"])
@pytest.mark.parametrize("late", [False, True])
def test_killed_anywhere_the_next_command_ends_it_one_way_or_the_other(
    running: Client, monkeypatch: pytest.MonkeyPatch, verb: str, late: bool
) -> None:
    """As by SIGKILL: the command does nothing more from the call on, neither undoing nor releasing anything."""
    file = archive_of(running)
    running("stop")
    old = {"app": {"mine": b"1"}, "prometheus": {"wal/0": b"2"}, "alertmanager": {"silences": b"3"}}
    fill(running, old)
    engine, dead = running.engine, [False]
    real = getattr(engine, verb)
    turns = iter([False, late, not late, *[True] * 99])

    def dying(*told: Any, **more: Any) -> Any:
        if next(turns):
            dead[0] = True
        return real(*told, **more) if not dead[0] else None

    def silent(name: str) -> Any:
        call = getattr(engine, name)

        def answer(*told: Any, **more: Any) -> Any:
            if dead[0]:
                raise KeyboardInterrupt
            return call(*told, **more)

        return answer

    with monkeypatch.context() as patch:
        for name in (
            "unstage",
            "stage",
            "adopt",
            "write_state",
            "remove_volume",
            "create_volume",
            "remove_state",
        ):
            patch.setattr(engine, name, dying if name == verb else silent(name))
        with suppress(KeyboardInterrupt):
            running("restore", str(file), "--yes", "--no-start")
    assert dead[0]
    running("stop")
    assert contents(running) in (old, DATA)
    assert running.state.restoring is None
    running("start")
    assert len(running.running()) == 4


def test_of_many_the_newest_stay_and_those_of_others_too(running: Client) -> None:
    folder = running.home / "backups"
    folder.mkdir()
    for day in range(1, 5):
        written(folder / f"monitoring-{day}.backup.tar", created=f"2026-01-0{day} 00:00:00 UTC")
    written(folder / "theirs.backup.tar", stack="theirs", created="2020-01-01 00:00:00 UTC")
    (folder / "notes.txt").write_text("mine")
    code, said = running.run("backup", "--keep", "2")
    kept = {one.name for one in folder.iterdir()}
    assert code == 0 and len(said.documents[-1]["removed"]) == 3
    new = Path(said.documents[-1]["file"]).name
    assert kept == {"monitoring-4.backup.tar", new, "theirs.backup.tar", "notes.txt"}
    (document,) = running.run("backup", "list")[1].documents
    assert [Path(one["file"]).name for one in document["backups"]] == [
        "theirs.backup.tar",
        "monitoring-4.backup.tar",
        new,
    ]
    with pytest.raises(UsageError, match="--keep 0: at least one must stay"):
        running("backup", "--keep", "0")


def test_what_cannot_be_meant_is_refused(running: Client) -> None:
    with pytest.raises(UsageError, match="backup verify needs a FILE"):
        running("backup", "verify")
    with pytest.raises(UsageError, match="which file to write is said with -o"):
        running("backup", "create", "x.tar")
    with pytest.raises(ArchiveRefused, match="nowhere is not there"):
        running("restore", "nowhere")
    with pytest.raises(StartFailed, match="stack nobody has no data to back up"):
        running("backup", "--name", "nobody")


def test_a_backup_that_fails_leaves_nothing(running: Client, tmp_path: Path) -> None:
    running.engine.fail("gather", StartFailed("read volume: the engine is gone"))
    with pytest.raises(StartFailed, match="the engine is gone"):
        running("backup", "-o", str(tmp_path / "folder") + "/")
    assert list((tmp_path / "folder").iterdir()) == []


def test_while_another_command_works_both_wait_their_turn(running: Client) -> None:
    file = archive_of(running)
    running("stop")
    with running.engine.lock(NAME, replace(this_process("start"), pid=os.getpid())):
        with pytest.raises(Busy):
            running("backup")
        with pytest.raises(Busy):
            running("restore", str(file), "--yes")


def test_secrets_that_hold_foreign_files_are_refused(running: Client) -> None:
    from stack.archives.entries import packed_files
    from stack.archives.writing import writing
    from tests.unit.archives.archive_samples import manifest

    path = running.home / "evil.tar"
    with writing(path) as writer:
        writer.add("settings.tar.zst", (packed_files([("prometheus/prometheus.yml", b"evil", 0o644)]),))
        writer.finish(manifest(writer.members))
    running("stop")
    with pytest.raises(ArchiveRefused, match=r"'prometheus/prometheus.yml' is no file of own/"):
        running("restore", str(path))
    assert isinstance(open_archive(path), Archive)
