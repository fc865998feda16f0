"""The bundle's own files in a Grafana, as the stack puts them there: a version behind a link that moves, a reload."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from stack.checks.expect import expected
from stack.checks.prober import LocalProber
from stack.checks.runner import hurried
from stack.common.errors import StartFailed
from stack.components import all_checks
from stack.config.tree import read_tree
from stack.deploy.verify import IN_TURNS, Verification
from stack.model.spec import ConfigFile, Health, Limits, ServiceSpec, StackSpec
from stack.validation.files import check_syntax
from tests.fakes.engine.memory import MemoryEngine
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
    """A Grafana that reads its files below ``current``, as in the container."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.base, self.version = folder, "", 0
        self.engine = MemoryEngine()
        self.engine.hold("i:1")
        self.engine.create_network("s")
        self.engine.start(self.engine.create("s", CONTAINER))
        tree = read_tree(ROOT)
        self.files = {
            p.removeprefix("grafana/"): text for p, text in tree.items() if p.startswith("grafana/")
        }

    def write(self) -> None:
        self.version += 1
        for path, content in self.files.items():
            place = self.folder / f"v{self.version}" / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(re.sub(rb"/etc/stack/", f"{self.folder}/".encode(), content))
        aside = self.folder / "aside"
        aside.symlink_to(f"v{self.version}")
        aside.replace(self.folder / "current")

    @contextmanager
    def started(self) -> Iterator[None]:
        self.write()
        env = {
            "GF_SERVER_HTTP_ADDR": "127.0.0.1",
            "GF_SERVER_HTTP_PORT": "0",
            "GF_SECURITY_ADMIN_PASSWORD": PASSWORD,
            "GF_PATHS_DATA": str(self.folder / "data"),
            "GF_PATHS_PROVISIONING": str(self.folder / "current/provisioning"),
        }
        with serving(open_site(from_environment(env))) as self.base:
            self.settle()
            yield

    def service(self) -> ServiceSpec:
        return replace(CONTAINER, files=tuple(ConfigFile(p, content) for p, content in self.files.items()))

    def settle(self) -> None:
        """What the stack does after a step."""
        spec = StackSpec("s", (self.service(),))
        check_syntax(("grafana", self.service().files))
        wanted = expected(spec, {"grafana": self.base}, grafana_password=PASSWORD)
        turns = LocalProber(hurried(all_checks(), IN_TURNS))
        verification = Verification(self.engine, spec, wanted, "", turns, turns, lambda event: None)
        verification.settle(self.service())

    def apply(self) -> None:
        """Files were changed: written, loaded, verified."""
        self.write()
        reply = self.ask("POST", "/api/admin/provisioning/datasources/reload")
        if reply != 200:
            raise StartFailed(f"answered {reply}")
        assert self.ask("POST", "/api/admin/provisioning/dashboards/reload") == 200
        self.settle()

    def ask(self, method: str, path: str) -> int:
        from stack.clients.http import Http

        return Http(self.base, auth=("admin", PASSWORD)).call(method, path, expect=()).status

    def board(self, name: str, **changes: Any) -> None:
        path = f"dashboards/{name}.json"
        self.files[path] = json.dumps(json.loads(self.files[path]) | changes).encode()

    def sources(self, change: Any) -> None:
        document = yaml.safe_load(self.files[SOURCES])
        change(document["datasources"])
        self.files[SOURCES] = yaml.safe_dump(document).encode()


@pytest.fixture
def grafana(tmp_path: Path) -> Iterator[Deployed]:
    deployed = Deployed(tmp_path)
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
