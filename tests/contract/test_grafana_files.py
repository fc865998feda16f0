"""The bundle's own files in a Grafana, as the stack puts them there: versions, links that stay, a reload."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from msgspec.structs import replace

from stack.checks.expect import expected
from stack.checks.prober import LocalProber
from stack.checks.runner import hurried
from stack.clients.http import Answer, Http
from stack.common.errors import NotReady, StartFailed
from stack.components import BY_NAME, all_checks
from stack.components.grafana import DASHBOARDS, links
from stack.config.tree import read_tree
from stack.deploy import verify
from stack.deploy.verify import IN_TURNS, Verification
from stack.model.spec import ConfigFile, Health, Limits, LinkFolder, ServiceSpec, StackSpec
from stack.validation.syntax import check_syntax
from tests.contract.config_on_disk import ConfigOnDisk
from tests.fakes.engine.memory import MemoryEngine
from tests.grafana_standin import NEXT, VERSION
from tests.grafana_standin.server import serving
from tests.grafana_standin.settings import from_environment
from tests.grafana_standin.site import open_site

ROOT = Path(__file__).parents[2]
PASSWORD = "the-one-in-the-file"
SOURCES = "provisioning/datasources/stack.yml"
CONTAINER = ServiceSpec(
    "grafana", "i:1", "", 3000, "/", Limits(1 << 20, 1.0), Health(("CMD", "ask")), reload="api"
)


class Deployed:
    """A Grafana that speaks as ``version`` and reads its files as in the container."""

    def __init__(self, folder: Path, version: str) -> None:
        self.folder, self.base, self.version = folder, "", version
        self.volume = ConfigOnDisk(folder / "config")
        self.engine = MemoryEngine()
        self.engine.hold("i:1")
        self.engine.create_network("s")
        self.engine.start(self.engine.create("s", CONTAINER))
        tree = read_tree(ROOT)
        self.files = {
            p.removeprefix("grafana/"): text for p, text in tree.items() if p.startswith("grafana/")
        }

    def write(self) -> None:
        self.volume.apply(self.service())

    @contextmanager
    def started(self) -> Iterator[None]:
        self.write()
        env = {
            "GF_SERVER_HTTP_ADDR": "127.0.0.1",
            "GF_SERVER_HTTP_PORT": "0",
            "GF_SECURITY_ADMIN_PASSWORD": PASSWORD,
            "GF_PATHS_DATA": str(self.folder / "data"),
            "GF_PATHS_PROVISIONING": str(self.volume.folder / "current/provisioning"),
            "STANDIN_VERSION": self.version,
        }
        with serving(open_site(from_environment(env))) as self.base:
            self.settle()
            yield

    def service(self) -> ServiceSpec:
        files = tuple(ConfigFile(path, content) for path, content in self.files.items())
        return replace(CONTAINER, files=files, linked=LinkFolder(DASHBOARDS, links(files)))

    def settle(self) -> None:
        """What the stack does after a step."""
        spec = StackSpec("s", (self.service(),))
        check_syntax(BY_NAME, ("grafana", self.service().files))
        wanted = expected(spec, {"grafana": self.base}, grafana_password=PASSWORD)
        turns = LocalProber(hurried(all_checks(), IN_TURNS))
        verification = Verification(self.engine, spec, wanted, "", turns, turns, lambda event: None)
        verification.settle(self.service())

    def apply(self) -> None:
        """Files were changed: written, loaded, verified."""
        self.write()
        self.load()
        self.settle()

    def load(self) -> None:
        reply = self.ask("POST", "/api/admin/provisioning/datasources/reload")
        if reply != 200:
            raise StartFailed(f"answered {reply}")
        assert self.ask("POST", "/api/admin/provisioning/dashboards/reload") == 200

    def call(self, method: str, path: str, **more: Any) -> Answer:
        return Http(self.base, auth=("admin", PASSWORD)).call(method, path, expect=(), **more)

    def ask(self, method: str, path: str) -> int:
        return self.call(method, path).status

    def numbers(self) -> dict[str, tuple[int, int]]:
        """Number and version of each dashboard by uid."""
        hits = self.call("GET", "/api/search", params={"type": "dash-db"}).json()
        return {hit["uid"]: (hit["id"], self._version(hit["uid"])) for hit in hits}

    def _version(self, uid: str) -> int:
        return int(self.call("GET", f"/api/dashboards/uid/{uid}").json()["meta"]["version"])

    def board(self, name: str, **changes: Any) -> None:
        path = f"dashboards/{name}.json"
        self.files[path] = json.dumps(json.loads(self.files[path]) | changes).encode()

    def sources(self, change: Any) -> None:
        document = yaml.safe_load(self.files[SOURCES])
        change(document["datasources"])
        self.files[SOURCES] = yaml.safe_dump(document).encode()


@pytest.fixture(params=[VERSION, NEXT])
def grafana(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Deployed]:
    deployed = Deployed(tmp_path, request.param)
    with deployed.started():
        yield deployed


def test_an_edited_dashboard_and_a_source_with_another_address_are_loaded(grafana: Deployed) -> None:
    grafana.board("slo", title="Objectives", refresh="30s")
    grafana.sources(lambda found: found[0].update(url="http://elsewhere:9090", editable=True))
    grafana.apply()


def test_a_changed_uid_a_new_name_and_a_deleted_file_leave_nothing_behind(grafana: Deployed) -> None:
    grafana.board("slo", uid="objectives")
    grafana.files["dashboards/machine.json"] = grafana.files.pop("dashboards/host.json")
    del grafana.files["dashboards/stack-health.json"]
    grafana.apply()
    assert grafana.ask("GET", "/api/dashboards/uid/objectives") == 200
    assert grafana.ask("GET", "/api/dashboards/uid/slo") == 404
    assert grafana.ask("GET", "/api/dashboards/uid/stack-health") == 404


def test_a_dashboard_in_a_folder_below_is_one_of_ours(grafana: Deployed) -> None:
    grafana.files["dashboards/mine/mine.json"] = b'{"uid": "mine", "title": "Mine", "panels": []}'
    grafana.apply()


def test_a_removed_and_a_renamed_data_source_are_gone_at_once(grafana: Deployed) -> None:
    grafana.sources(lambda found: (found[0].update(name="Metrics"), found.pop()))
    grafana.apply()
    assert grafana.ask("GET", "/api/datasources/name/Metrics") == 200
    assert grafana.ask("GET", "/api/datasources/name/Prometheus") == 404
    assert grafana.ask("GET", "/api/datasources/uid/alertmanager") == 404


def test_a_changed_uid_of_a_data_source_is_refused_and_the_old_files_load_again(grafana: Deployed) -> None:
    before = dict(grafana.files)
    grafana.sources(lambda found: found[1].update(uid="other"))
    with pytest.raises(StartFailed, match="answered 500"):
        grafana.apply()
    grafana.files = before
    grafana.apply()


def test_a_reload_keeps_the_number_of_every_dashboard_and_counts_the_changed_one(grafana: Deployed) -> None:
    before = grafana.numbers()
    grafana.board("slo", description="Another one.")
    grafana.apply()
    number, version = before["slo"]
    assert grafana.numbers() == before | {"slo": (number, version + 1)}
    assert len(before) == len(list((ROOT / "grafana/dashboards").glob("*.json")))


def test_a_file_under_another_name_is_the_same_dashboard(grafana: Deployed) -> None:
    before = grafana.numbers()
    grafana.files["dashboards/machine.json"] = grafana.files.pop("dashboards/host.json")
    grafana.apply()
    assert grafana.numbers() == before


def test_what_people_attach_stays(grafana: Deployed) -> None:
    assert grafana.ask("POST", "/api/user/stars/dashboard/uid/slo") == 200
    allowed = {"items": [{"role": "Viewer", "permission": 1}]}
    grafana.call("POST", "/api/dashboards/uid/slo/permissions", json=allowed)
    link = grafana.call("POST", "/api/dashboards/uid/slo/public-dashboards").json()
    grafana.board("slo", title="Objectives")
    grafana.board("host", title="Machine")
    del grafana.files["dashboards/stack-health.json"]
    grafana.apply()
    assert grafana.call("GET", "/api/user/stars").json() == ["slo"]
    assert grafana.call("GET", "/api/dashboards/uid/slo/permissions").json() == allowed["items"]
    assert grafana.call("GET", "/api/dashboards/uid/slo/public-dashboards").json() == link


def test_a_removed_dashboard_comes_back_with_the_files_that_had_it(grafana: Deployed) -> None:
    first = grafana.volume.apply(grafana.service())
    kept = grafana.numbers()["slo"]
    del grafana.files["dashboards/host.json"]
    second = grafana.volume.apply(grafana.service())
    grafana.load()
    assert "host" not in grafana.numbers()
    grafana.volume.go_back(first, second)
    grafana.load()
    assert grafana.numbers()["slo"] == kept
    assert "host" in grafana.numbers()


def test_a_query_that_grafana_has_otherwise_is_noticed(
    grafana: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verify, "SECONDS", 0.1)
    board = json.loads(grafana.files["dashboards/slo.json"])
    asking = next(panel for panel in board["panels"] if panel.get("targets"))
    asking["targets"][0]["expr"] = "vector(1)"
    grafana.board("slo", panels=board["panels"])
    with pytest.raises(NotReady, match=f"slo differs from its file: panel {asking['title']}: query"):
        grafana.settle()
