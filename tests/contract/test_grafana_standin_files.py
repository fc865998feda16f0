"""What the stand-in makes of files, passwords and mistakes: as measured on the real server."""

from __future__ import annotations

import io
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.contract.grafana_under_test import PASSWORD, environment, provisioning
from tests.grafana_standin.__main__ import main
from tests.grafana_standin.accounts import Accounts
from tests.grafana_standin.database import Database
from tests.grafana_standin.provisioning_dashboards import crashes
from tests.grafana_standin.settings import StartupError, from_environment
from tests.grafana_standin.site import Site, open_site


class Folder:
    """The files of one Grafana."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.env = environment(0) | {
            "GF_PATHS_DATA": str(root / "data"),
            "GF_PATHS_PROVISIONING": str(root / "provisioning"),
        }
        for name, text in provisioning("http://p", "http://a", str(root / "boards")).items():
            self.write(name, text)

    def write(self, name: str, content: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")

    def board(self, name: str, **model: Any) -> None:
        self.write(f"boards/{name}", json.dumps(model))

    @contextmanager
    def started(self, **env: str) -> Iterator[Site]:
        site = open_site(from_environment({**self.env, **env}))
        try:
            yield site
        finally:
            site.database.close()


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def uids(site: Site) -> list[str]:
    return [
        str(r["uid"])
        for r in site.database.rows("SELECT uid FROM dashboard WHERE is_folder = 0 ORDER BY uid")
    ]


def source(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": "prometheus", "url": "http://p", **more}


def sources(*entries: dict[str, Any], **more: Any) -> str:
    return json.dumps({"apiVersion": 1, "datasources": list(entries), **more})


SOURCES = "provisioning/datasources/contract.yml"
ENDS = {
    "malformed YAML": "datasources:\n- name: A\n bad",
    "two defaults": sources(source("A", isDefault=True), source("B", isDefault=True)),
    "one uid twice": sources(source("A", uid="x"), source("B", uid="x")),
    "a key twice": "apiVersion: 1\napiVersion: 1\n",
    "a uid with a dot": sources(source("A", uid="a.b")),
}


@pytest.mark.parametrize("text", ENDS.values(), ids=ENDS)
def test_broken_data_sources_end_the_start_but_not_a_running_server(folder: Folder, text: str) -> None:
    with folder.started() as site:
        folder.write(SOURCES, text)
        assert not site.reload_sources()
        assert len(site.database.rows("SELECT uid FROM data_source")) == 2
    with pytest.raises(StartupError), folder.started():
        raise AssertionError("it started")


def test_a_source_stays_until_it_is_deleted_or_pruned_after_an_update(folder: Folder) -> None:
    with folder.started() as site:
        folder.write(SOURCES, sources(source("A", uid="a"), source("B", uid="b"), prune=True))
        assert site.reload_sources()
        names = "SELECT name FROM data_source ORDER BY name"
        assert [r["name"] for r in site.database.rows(names)] == ["A", "Alertmanager", "B", "Prometheus"]
        folder.write(SOURCES, sources(source("A", uid="a"), prune=True))
        site.reload_sources()
        assert "B" in [r["name"] for r in site.database.rows(names)]
        folder.write(SOURCES, sources(deleteDatasources=[{"name": "B", "orgId": 1}]))
        site.reload_sources()
        assert "B" not in [r["name"] for r in site.database.rows(names)]


def test_a_new_name_with_the_old_uid_is_refused_until_the_old_one_can_be_pruned(folder: Folder) -> None:
    with folder.started() as site:
        folder.write(SOURCES, sources(source("Alertmanager", uid="alertmanager"), prune=True))
        assert site.reload_sources()
        renamed = sources(source("Renamed", uid="prometheus"), prune=True)
        folder.write(SOURCES, renamed)
        assert not site.reload_sources()
        folder.write(SOURCES, sources(source("Prometheus", uid="prometheus"), prune=True))
        assert site.reload_sources()
        folder.write(SOURCES, renamed)
        assert site.reload_sources()
        rows = site.database.rows("SELECT uid, name FROM data_source ORDER BY uid")
        assert [(r["uid"], r["name"]) for r in rows] == [("prometheus", "Renamed")]


def test_variables_in_files_are_replaced(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHERE", "http://here")
    folder.write(SOURCES, sources(source("A", url="${WHERE}:1/$UNSET_NAME/$$x")))
    with folder.started() as site:
        row = site.database.row("SELECT url, uid FROM data_source WHERE name = 'A'")
    assert row is not None
    assert row["url"] == "http://here:1//$x"
    assert len(row["uid"]) == 17


SKIPPED: dict[str, dict[str, Any] | str] = {
    "wrapped": {"dashboard": {"title": "T", "uid": "wrapped"}},
    "without title": {"uid": "untitled"},
    "uid too long": {"title": "T", "uid": "x" * 41},
    "uid with a slash": {"title": "T", "uid": "a/b"},
    "cut off": '{"title": "T", ',
    "title of spaces": {"title": " ", "uid": "spaces"},
    "a number that JSON lacks": '{"title": "T", "uid": "nan", "x": NaN}',
}


@pytest.mark.parametrize("content", SKIPPED.values(), ids=SKIPPED)
def test_a_broken_dashboard_is_skipped_and_the_good_one_served(
    folder: Folder, content: dict[str, Any] | str
) -> None:
    folder.board("good.json", uid="good", title="Good")
    folder.write("boards/bad.json", content if isinstance(content, str) else json.dumps(content))
    with folder.started() as site:
        assert uids(site) == ["good"]


def test_reload_applies_changes_and_counts_versions_on(folder: Folder) -> None:
    folder.board("a.json", uid="a", title="One", version=9)
    with folder.started() as site:
        assert site.reload_dashboards()
        folder.board("a.json", uid="a", title="Two", version=9)
        site.reload_dashboards()
        row = site.database.row("SELECT title, version FROM dashboard WHERE uid = 'a'")
    assert row is not None
    assert (row["title"], row["version"]) == ("Two", 2)


def test_a_changed_uid_leaves_an_orphan_for_good(folder: Folder) -> None:
    folder.board("a.json", uid="old", title="A")
    with folder.started() as site:
        folder.board("a.json", uid="new", title="A")
        site.reload_dashboards()
        assert uids(site) == ["new", "old"]


def test_behind_a_link_that_has_moved_all_is_new_and_no_orphan_stays(folder: Folder) -> None:
    for version, uid in (("one", "old"), ("two", "new")):
        folder.write(f"{version}/a.json", json.dumps({"uid": uid, "title": "A"}))
        folder.write(f"{version}/b.json", json.dumps({"uid": "b", "title": "B"}))
    link = folder.root / "boards"
    link.symlink_to("one")
    with folder.started() as site:
        document = json.loads((folder.root / "provisioning/dashboards/contract.yml").read_text())
        document["providers"][0]["disableDeletion"] = False
        folder.write("provisioning/dashboards/contract.yml", json.dumps(document))
        link.unlink()
        link.symlink_to("two")
        assert site.reload_dashboards()
        assert uids(site) == ["b", "new"]


def test_a_title_is_trimmed_and_a_hasty_refresh_slowed(folder: Folder) -> None:
    folder.board("a.json", uid="a", title=" A ", refresh="1s")
    folder.board("b.json", uid="b", title="B", refresh="10s")
    with folder.started() as site:
        rows = site.database.rows("SELECT model FROM dashboard WHERE is_folder = 0 ORDER BY uid")
        models = [json.loads(row["model"]) for row in rows]
    assert [(m["title"], m["refresh"]) for m in models] == [("A", "5s"), ("B", "10s")]


def test_a_deleted_file_takes_its_dashboard_along_unless_forbidden(folder: Folder) -> None:
    provider = folder.root / "provisioning/dashboards/contract.yml"
    for keep, left in ((True, ["a"]), (False, [])):
        document = json.loads(provider.read_text())
        document["providers"][0]["disableDeletion"] = keep
        provider.write_text(json.dumps(document))
        folder.board("a.json", uid="a", title="A")
        with folder.started() as site:
            site.reload_dashboards()
            (folder.root / "boards/a.json").unlink()
            site.reload_dashboards()
            assert uids(site) == left
            assert site.database.rows("SELECT uid FROM provisioned") == []


def test_two_files_of_one_uid_block_the_watcher(folder: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    folder.board("a.json", uid="a", title="A")
    folder.board("b.json", uid="a", title="B")
    with folder.started() as site:
        assert uids(site) == ["a"]
    said = capsys.readouterr().out
    assert "the same UID is used more than once" in said
    assert "no database write permissions because of duplicates" in said


def test_a_reload_ends_a_server_that_watches_a_fresh_change(folder: Folder) -> None:
    provider = folder.root / "provisioning/dashboards/contract.yml"
    folder.board("a.json", uid="a", title="A")
    for interval, ends in ((10, True), (11, False)):
        document = json.loads(provider.read_text())
        document["providers"][0]["updateIntervalSeconds"] = interval
        provider.write_text(json.dumps(document))
        with folder.started() as site:
            (folder.root / "boards/a.json").touch()
            assert crashes(site.providers[0]) is ends
            long_ago = time.time() - 60
            os.utime(folder.root / "boards/a.json", (long_ago, long_ago))
            assert not crashes(site.providers[0])


def test_the_password_counts_for_a_new_database_only(folder: Folder) -> None:
    with folder.started() as site:
        assert site.accounts.check("admin", PASSWORD) == "ok"
    with folder.started(GF_SECURITY_ADMIN_PASSWORD="changed") as site:
        assert site.accounts.check("admin", "changed") == "wrong"
        assert site.accounts.check("admin", PASSWORD) == "ok"


@pytest.mark.parametrize("password", [None, ""])
def test_without_a_password_it_is_admin(folder: Folder, password: str | None) -> None:
    folder.env.pop("GF_SECURITY_ADMIN_PASSWORD")
    with folder.started(**({} if password is None else {"GF_SECURITY_ADMIN_PASSWORD": password})) as site:
        assert site.accounts.check("admin", "admin") == "ok"


def test_a_password_file_is_read_and_a_missing_one_ends_the_start(folder: Folder) -> None:
    folder.write("secret", "from-a-file\n")
    with folder.started(GF_SECURITY_ADMIN_PASSWORD=f"$__file{{{folder.root}/secret}}") as site:
        assert site.accounts.check("admin", "from-a-file") == "ok"
    with pytest.raises(StartupError, match=r"expanding security.admin_password with expander 'file': stat"):
        from_environment({"GF_SECURITY_ADMIN_PASSWORD": "$__file{/no/such/file}"})


def test_a_lock_lifts_after_five_minutes_and_a_reset_does_not_lift_it(folder: Folder) -> None:
    now = [1000.0]
    with folder.started() as site:
        accounts = Accounts(site.database, lambda: now[0])
        assert [accounts.check("admin", "no") for _ in range(5)] == ["wrong"] * 5
        assert accounts.reset("another")
        assert accounts.check("admin", "another") == "wrong"
        now[0] += 301
        assert accounts.check("admin", "another") == "ok"


def test_a_right_password_in_between_does_not_clear_the_count(folder: Folder) -> None:
    with folder.started() as site:
        for _ in range(5):
            site.accounts.check("admin", "no")
            last = site.accounts.check("admin", PASSWORD)
        assert last == "wrong"


def test_the_password_is_reset_beside_a_running_server(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GF_PATHS_DATA", folder.env["GF_PATHS_DATA"])
    call = ["cli", "admin", "reset-admin-password"]
    with folder.started() as site:
        monkeypatch.setattr("sys.stdin", io.StringIO("from-stdin\r\n"))
        assert main([*call, "--password-from-stdin"]) == 0
        assert site.accounts.check("admin", "from-stdin") == "ok"
        assert main([*call, "abc"]) == 1
        assert site.accounts.check("admin", "from-stdin") == "ok"
    assert "Admin password changed successfully" in capsys.readouterr().out


def test_a_data_folder_that_cannot_be_written_ends_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StartupError, match="failed to connect to database"):
        Database(tmp_path / "file" / "data")
