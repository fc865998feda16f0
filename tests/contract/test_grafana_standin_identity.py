"""By what the stand-in knows a provisioned dashboard, and what people attach to it: as in the server's source."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.contract.grafana_under_test import PASSWORD, environment, provisioning
from tests.grafana_standin import NEXT, VERSION
from tests.grafana_standin.server import serving
from tests.grafana_standin.settings import from_environment
from tests.grafana_standin.site import open_site

Start = Callable[[str], "Server"]


class Server:
    """A running stand-in over a folder of versions, a link ``current``, and a folder of links that never moves."""

    def __init__(self, root: Path, version: str) -> None:
        self.root, self.base = root, ""
        self.links = root / "boards"
        self.links.mkdir()
        files = provisioning("http://p", "http://a", str(self.links))
        for name, text in files.items():
            self._write(name, text.replace('"disableDeletion": true', '"disableDeletion": false'))
        self.settings = from_environment(
            environment(0)
            | {
                "GF_PATHS_DATA": str(root / "data"),
                "GF_PATHS_PROVISIONING": str(root / "provisioning"),
                "STANDIN_VERSION": version,
            }
        )

    def _write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def provide(self, version: str, **boards: dict[str, Any] | str) -> None:
        """Puts a version in place, with one link a file."""
        for name, model in boards.items():
            text = model if isinstance(model, str) else json.dumps({"title": name, **model})
            self._write(f"{version}/dashboards/{name}.json", text)
            link = self.links / f"{name}.json"
            link.unlink(missing_ok=True)
            link.symlink_to(f"../current/dashboards/{name}.json")
        current = self.root / "current"
        current.unlink(missing_ok=True)
        current.symlink_to(version)

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        answer = requests.request(
            method, self.base + path, json=body, auth=("admin", PASSWORD), timeout=20, allow_redirects=False
        )
        return answer.json() if answer.status_code == 200 else answer.status_code

    def reload(self) -> None:
        assert self.ask("POST", "/api/admin/provisioning/dashboards/reload")["message"]

    def board(self, uid: str) -> tuple[int, int] | int:
        """Number and version; the status where there is none."""
        found = self.ask("GET", f"/api/dashboards/uid/{uid}")
        return found if isinstance(found, int) else (found["dashboard"]["id"], found["meta"]["version"])


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    with ExitStack() as stack:

        def begin(version: str) -> Server:
            server = Server(tmp_path, version)
            server.provide("one", a={"uid": "a"}, b={"uid": "b"})
            server.base = stack.enter_context(serving(open_site(server.settings)))
            return server

        yield begin


BOTH = pytest.mark.parametrize("version", [VERSION, NEXT])


@BOTH
def test_behind_a_link_that_stays_a_dashboard_keeps_number_and_all_that_is_attached(
    start: Start, version: str
) -> None:
    server = start(version)
    a, b = server.board("a"), server.board("b")
    server.ask("POST", "/api/user/stars/dashboard/uid/a")
    server.ask("POST", "/api/dashboards/uid/a/permissions", {"items": [{"role": "Viewer", "permission": 1}]})
    link = server.ask("POST", "/api/dashboards/uid/a/public-dashboards")
    server.provide("two", a={"uid": "a", "tags": ["changed"]}, b={"uid": "b"})
    server.reload()
    assert isinstance(a, tuple)
    assert server.board("a") == (a[0], a[1] + 1)
    assert server.board("b") == b
    assert server.ask("GET", "/api/user/stars") == ["a"]
    assert server.ask("GET", "/api/dashboards/uid/a/permissions") == [{"role": "Viewer", "permission": 1}]
    assert server.ask("GET", "/api/dashboards/uid/a/public-dashboards") == link
    assert {hit["uid"]: hit["isStarred"] for hit in server.ask("GET", "/api/search?type=dash-db")} == {
        "a": True,
        "b": False,
    }


@BOTH
def test_a_file_under_another_path_is_another_dashboard(start: Start, version: str) -> None:
    server = start(version)
    server.ask("POST", "/api/user/stars/dashboard/uid/a")
    before = server.board("a")
    (server.links / "a.json").rename(server.links / "moved.json")
    server.reload()
    after = server.board("a")
    assert isinstance(before, tuple)
    assert isinstance(after, tuple)
    assert after[0] != before[0]
    assert after[1] == 1
    assert server.ask("GET", "/api/user/stars") == []


@BOTH
def test_a_link_that_leads_nowhere_keeps_its_dashboard_and_a_removed_one_takes_it_along(
    start: Start, version: str
) -> None:
    server = start(version)
    held = server.board("b")
    server.provide("two", a={"uid": "a"})
    server.reload()
    assert server.board("b") == held
    (server.links / "b.json").unlink()
    server.reload()
    assert server.board("b") == 404


def test_up_to_12_a_changed_uid_in_one_place_leaves_the_old_dashboard_there(start: Start) -> None:
    server = start(VERSION)
    server.provide("two", a={"uid": "other"}, b={"uid": "b"})
    server.reload()
    assert isinstance(server.board("other"), tuple)
    assert isinstance(server.board("a"), tuple)
    assert server.ask("DELETE", "/api/dashboards/uid/a") == 400


def test_from_13_on_a_changed_uid_in_one_place_is_not_saved(
    start: Start, capsys: pytest.CaptureFixture[str]
) -> None:
    server = start(NEXT)
    server.provide("two", a={"uid": "other"}, b={"uid": "b"})
    server.reload()
    assert server.board("other") == 404
    assert isinstance(server.board("a"), tuple)
    assert "failed to save dashboard" in capsys.readouterr().out


def test_from_13_on_schema_v2_is_refused_from_files_and_shows_in_answers(
    start: Start, capsys: pytest.CaptureFixture[str]
) -> None:
    server = start(NEXT)
    server.provide(
        "two", a={"uid": "a", "panels": [{"type": "graph", "id": 1}]}, c={"uid": "c", "elements": {}}
    )
    server.reload()
    assert server.board("c") == 404
    assert "appears to be in v2 format" in capsys.readouterr().out
    model = server.ask("GET", "/api/dashboards/uid/a")["dashboard"]
    assert (model["schemaVersion"], model["panels"][0]["type"]) == (42, "timeseries")


@pytest.mark.parametrize(("version", "there"), [(VERSION, True), (NEXT, False)])
def test_routes_by_number_are_off_from_13_on(start: Start, version: str, there: bool) -> None:
    server = start(version)
    assert (server.ask("GET", "/api/datasources/id/Prometheus") != 404) is there
    assert server.ask("GET", "/api/datasources/name/Prometheus")["uid"] == "prometheus"
    assert server.ask("GET", "/api/health")["version"] == version
