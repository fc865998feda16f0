"""node_exporter in the machine's network, and with files that others write: by settings, never by default."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from stack.checks.context import CheckContext
from stack.checks.expect import expected
from stack.checks.model import Broken, Evidence, Expected
from stack.checks.node_exporter import textfile
from stack.common.errors import SettingsError
from stack.common.wait import NotYet
from stack.components import BY_NAME, all_checks, assemble, load
from stack.components.build import Build, Image
from stack.components.grafana import PASSWORD as GRAFANA_PASSWORD
from stack.config.secret import Secret
from stack.config.tree import read_tree
from stack.deploy.differences import differences
from stack.deploy.left_out import left_out
from stack.engine import convert
from stack.engine.observation import observed_container, setup
from stack.exports.compose import service as composed
from stack.model.observed import Applied, ObservedContainer
from stack.model.outer import MACHINE
from stack.model.spec import ServiceSpec, StackSpec, internal_addresses
from tests.loopback import serve
from tests.unit.checks.fake_stack import data

ROOT = Path(__file__).resolve().parents[3]
ON = {"STACK_NODE_EXPORTER_HOST_NETWORK": "true"}
CHECK = next(check for check in all_checks() if check.name == "node_exporter.textfile")


def build(environ: dict[str, str], tree: dict[str, bytes] | None = None) -> Build:
    images = {name: Image(f"{name}:1", f"sha256:{name}") for name in BY_NAME}
    secrets = {GRAFANA_PASSWORD: Secret("secret")}
    return Build(load(environ=environ, project=ROOT), images, {**read_tree(ROOT), **(tree or {})}, secrets)


def spec(tree: dict[str, bytes] | None = None, /, **environ: str) -> StackSpec:
    return assemble(build(environ, tree))


def node(**environ: str) -> ServiceSpec:
    return spec(**environ).service("node_exporter")


def inspect_of(service: ServiceSpec) -> dict[str, Any]:
    """What an engine says of a container made of it."""
    body = convert.service_body("monitoring", service)
    mode = body["HostConfig"]["NetworkMode"]
    mounts = [
        {"Type": m["Type"], "Source": m["Source"], "Destination": m["Target"], "RW": not m.get("ReadOnly")}
        for m in body["HostConfig"]["Mounts"]
    ]
    return {
        "Id": "a", "Name": "/n", "Image": "i", "State": {"Status": "running"}, "Mounts": mounts,
        "Config": {key: body[key] for key in ("Image", "Labels", "User", "Entrypoint", "Cmd", "Env")},
        "HostConfig": body["HostConfig"], "NetworkSettings": {"Networks": {mode: {"NetworkID": "1"}}},
    }  # fmt: skip


def seen(service: ServiceSpec) -> ObservedContainer:
    return observed_container(inspect_of(service), Applied(), ("1",), {}, {})


def test_by_default_it_has_a_network_of_its_own_and_the_same_identity_as_ever() -> None:
    service = node()
    assert not service.host_network and not service.extra_hosts
    assert "host_network" not in str(convert.service_body("monitoring", service))
    body = convert.service_body("monitoring", service)
    assert body["HostConfig"]["NetworkMode"] == "monitoring" and body["Hostname"] == "node-exporter"


def test_in_the_machine_s_network_it_listens_on_two_addresses_and_joins_no_other() -> None:
    service = node(**ON)
    listens = [word.partition("=")[2] for word in service.command if word.startswith("--web.listen-address")]
    assert listens == ["127.0.0.1:9100", f"{MACHINE}:9100"]
    body = convert.service_body("monitoring", service)
    assert (
        body["HostConfig"]["NetworkMode"] == "host"
        and "NetworkingConfig" not in body
        and "Hostname" not in body
    )
    assert body["HostConfig"]["ExtraHosts"] == [f"{MACHINE}:host-gateway"]
    assert service.digest() != node().digest() and service.aliases == ()
    told = composed(service, build(ON), None)
    assert told["network_mode"] == "host" and "networks" not in told


def test_what_asks_it_asks_the_machine() -> None:
    assert dict(internal_addresses(spec(**ON)))["node_exporter"] == f"http://{MACHINE}:9100"
    assert dict(internal_addresses(spec()))["node_exporter"] == "http://node-exporter:9100"


def scraped(tree: dict[str, bytes] | None = None, /, **environ: str) -> str:
    files = {f.origin: f.content.decode() for f in spec(tree, **environ).service("prometheus").files}
    return files["prometheus/scrape/node_exporter.yml"]


def test_prometheus_asks_the_machine_and_series_keep_their_instance() -> None:
    assert scraped() == (ROOT / "prometheus/scrape/node_exporter.yml").read_text("utf-8")
    (job,) = [job for job in expected(spec(**ON), {}).jobs if job.component == "node_exporter"]
    assert f"{MACHINE}:9100" in scraped(**ON) and 'instance: "node-exporter:9100"' in scraped(**ON)
    assert job.addresses == (f"{MACHINE}:9100",)


def test_a_job_of_one_s_own_labels_keeps_them() -> None:
    group = b"  - targets: [node-exporter:9100]\n    labels: {a: b}\n"
    written = b"scrape_configs:\n- job_name: node\n  static_configs:\n" + group
    text = scraped({"prometheus/scrape/node_exporter.yml": written}, **ON)
    assert text == written.decode().replace("node-exporter:9100", f"{MACHINE}:9100")


def test_a_container_there_is_connected_and_one_that_should_not_be_differs() -> None:
    there, apart = node(**ON), node()
    assert seen(there).connected and differences(there, seen(there)) == ()
    assert setup(inspect_of(there)).host_network and not setup(inspect_of(apart)).host_network
    assert "it is in the network of the engine's machine" in [
        d.words for d in differences(apart, seen(there))
    ]
    assert "it is not in the network of the engine's machine" in [
        d.words for d in differences(there, seen(apart))
    ]


def test_files_of_others_are_mounted_read_only() -> None:
    service = node(STACK_NODE_EXPORTER_TEXTFILE="own/textfile")
    (mount,) = [one for one in service.mounts if one.target == "/textfile"]
    assert (mount.kind, mount.source, mount.read_only) == ("bind", str(ROOT / "own/textfile"), True)
    assert "--collector.textfile.directory=/textfile" in service.command
    (mount,) = [m for m in node(STACK_NODE_EXPORTER_TEXTFILE="/srv/m").mounts if m.target == "/textfile"]
    assert mount.source == "/srv/m"


@pytest.mark.parametrize("text", ["textfile", "own/", "../x", "/", "/a:/b", "own/x y"])
def test_a_folder_elsewhere_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match=r"node_exporter\.textfile: must be a folder below own/"):
        load(environ={"STACK_NODE_EXPORTER_TEXTFILE": text}, project=ROOT)


@pytest.mark.parametrize(
    ("folder", "path", "why", "weight"),
    [
        ("own/textfile", "own/textfile/a.prom", "node_exporter reads it where it lies", "quiet"),
        ("own/textfile", "own/textfile/a.txt", "its name does not end with .prom", "unused"),
        ("", "own/textfile/a.prom", "no setting names its folder", "unused"),
        ("/srv/m", "own/textfile/a.prom", "no setting names its folder", "unused"),
    ],
)
def test_a_file_there_is_known_as_what_it_is(folder: str, path: str, why: str, weight: str) -> None:
    made = build({"STACK_NODE_EXPORTER_TEXTFILE": folder} if folder else {}, {path: b""})
    used = [file for one in assemble(made).services for file in (*one.files, *one.assets)]
    (found,) = [one for one in left_out(made, used) if one.path == path]
    assert (found.why, found.weight) == (why, weight)


def test_the_check_is_asked_where_files_are_read() -> None:
    def asked(**environ: str) -> bool:
        return CHECK.concerns(expected(spec(**environ), {"prometheus": "http://x"}))

    assert asked(STACK_NODE_EXPORTER_TEXTFILE="own/textfile") and not asked()


def answer(*failed: float, **ages: float) -> str | Evidence:
    def ask(asked: Any) -> tuple[int, Any]:
        error = "scrape_error" in asked.params["query"]
        old = [({"file": f"/textfile/{name}.prom"}, age) for name, age in ages.items()]
        found = [({}, value) for value in failed] if error else old
        return data(
            {"resultType": "vector", "result": [{"metric": m, "value": [1, str(v)]} for m, v in found]}
        )

    with serve({"POST /api/v1/query": ask}) as url:
        return textfile(CheckContext(Expected("s", (("prometheus", url),))))


def test_files_that_arrive_are_told_with_their_age() -> None:
    assert answer(0, backup=20, jobs=90) == "2 textfiles arrive, the newest written 20 s ago"


def test_what_nobody_writes_any_more_is_a_warning() -> None:
    found = answer(0, backup=20, jobs=3 * 86400.0)
    assert isinstance(found, Evidence) and found.warnings == ("nobody has written for long: jobs.prom 3 d",)


def test_an_empty_folder_is_a_warning_and_a_broken_file_a_failure() -> None:
    found = answer(0)
    assert isinstance(found, Evidence) and "no .prom file" in found.warnings[0]
    with pytest.raises(Broken, match="cannot read a file of its textfile folder"):
        answer(1, backup=20)
    with pytest.raises(NotYet, match="has not scraped"):
        answer()
