"""export swarm as a user has it: a folder that is written, kept current, never somebody else's, and no engine asked."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml

from stack.cli import swarm_orphans
from stack.common.errors import ConfigurationInvalid, EngineUnavailable, StackError, UsageError
from tests.scenarios.commands import Client

SECRET = "exports/grafana_admin_password"


def export(client: Client, out: Path, *words: str) -> dict[str, list[str]]:
    code, said = client.run("export", "swarm", "-o", str(out), *words)
    assert code == 0
    (document,) = said.documents
    return dict(document)


def test_the_folder_holds_what_the_description_says_and_then_stays(client: Client, out: Path) -> None:
    told = export(client, out)
    assert len(told["written"]) > 50 and str(out / "stack.yml") in told["written"]
    assert told["commands"][-1] == f"docker stack deploy -c {out / 'stack.yml'} monitoring"
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    assert export(client, out)["written"] == []
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before


def test_what_the_user_adds_comes_along_and_goes_again(client: Client, out: Path) -> None:
    rules = client.home / "own/prometheus/rules/mine.yml"
    rules.parent.mkdir(parents=True)
    rules.write_text("groups:\n- name: g\n  rules:\n  - {alert: Mine, expr: up == 0}\n")
    client.settings(
        '[remote_write.far]\nurl = "https://far.example/push"\nusername = "u"\npassword_file = "own/secrets/far"\n'
        '[receivers.ops]\ntype = "slack"\nurl_file = "own/secrets/slack"\nchannel = "#ops"\n'
    )
    (client.home / "own/secrets").mkdir()
    (client.home / "own/secrets/far").write_text("geheim-far\n")
    (client.home / "own/secrets/slack").write_text("https://hooks.example/geheim-slack\n")
    told = export(client, out)
    mine = out / "configs/prometheus/current/rules/~own+mine.yml"
    assert "alert: Mine" in mine.read_text()
    assert "https://far.example/push" in (out / "configs/prometheus/current/prometheus.yml").read_text()
    assert '"#ops"' in (out / "configs/alertmanager/current/alertmanager.yml").read_text()
    secrets = yaml.safe_load((out / "stack.yml").read_text())["secrets"]
    assert {"monitoring_far-1", "monitoring_slack-1"} <= set(secrets)
    assert not any(b"geheim" in path.read_bytes() for path in out.rglob("*") if path.is_file())
    kept = client.home / ".stack/monitoring/exports/far"
    assert kept.read_text() == "geheim-far" and kept.stat().st_mode & 0o077 == 0
    assert any(command.endswith(f" monitoring_far-1 {kept}") for command in told["commands"])
    rules.unlink()
    export(client, out)
    assert not mine.exists()


def test_the_password_is_made_once_and_stays(client: Client, out: Path) -> None:
    kept = client.home / ".stack/monitoring" / SECRET
    export(client, out, "--dry-run")
    assert not kept.exists() and not out.exists()
    export(client, out)
    password = kept.read_text()
    export(client, out)
    assert kept.read_text() == password and len(password) > 20
    assert not any(password.encode() in path.read_bytes() for path in out.rglob("*") if path.is_file())


def test_another_value_of_a_secret_is_told_once_since_its_name_would_stay(client: Client, out: Path) -> None:
    file = client.home / "password"
    client.environ["STACK_GRAFANA_PASSWORD_FILE"] = str(file)
    told = []
    for value in ("one", "one", "two", "two"):
        file.write_text(value)
        told.append(any("grafana_admin_password is another" in note for note in export(client, out)["notes"]))
    assert told == [False, False, True, False]


def test_what_is_about_one_machine_is_left_out_and_told(client: Client, out: Path) -> None:
    client.settings("[node_exporter]\nhost_network = true\n")
    told = export(client, out, "--without", "app")
    assert "node_exporter.host_network is left out: nobody would find it there by DNS" in told["notes"]
    text = (out / "stack.yml").read_text()
    assert "node_exporter.host_network is left out" in text and "app" not in yaml.safe_load(text)["services"]
    assert "tasks.node-exporter" in (out / "configs/prometheus/current/scrape/node_exporter.yml").read_text()


def test_a_folder_of_somebody_else_is_left_alone(client: Client, out: Path) -> None:
    out.mkdir()
    (out / "stack.yml").write_text("mine")
    with pytest.raises(UsageError, match=r"out/stack\.yml is not of an export: choose another folder"):
        export(client, out)
    assert (out / "stack.yml").read_text() == "mine"


def test_broken_files_are_named_and_nothing_is_written(client: Client, out: Path) -> None:
    client.edit("prometheus/rules/app-slo.yml", "groups:", "groups: [")
    with pytest.raises(ConfigurationInvalid, match=r"prometheus/rules/app-slo\.yml:"):
        export(client, out)
    assert not out.exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "-o DIR, or --prune"),
        (("-o", "x", "--prune"), "-o DIR, or --prune"),
        (("-o", "x", "--publish", "grafanna"), "grafanna is not part of the stack"),
        (("-o", "x", "--publish", "grafana=0"), "0 is no port"),
        (("-o", "x", "--publish", "grafana="), "nothing is no port"),
        (("-o", "x", "--publish", "grafana=8", "--publish", "grafana=9"), "grafana is published twice"),
        (("-o", "x", "--publish", "grafana=8", "--publish", "app=8"), "port 8 is taken already"),
        (("-o", "x", "--secrets-version", "a b"), "no end of a name"),
    ],
)
def test_what_cannot_be_meant_is_refused(client: Client, words: Sequence[str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        client.run("export", "swarm", *words)


def test_a_port_is_that_of_the_settings_unless_said(client: Client, out: Path) -> None:
    export(client, out, "--publish", "grafana", "--publish", "node_exporter", "--publish", "app=81")
    services = yaml.safe_load((out / "stack.yml").read_text())["services"]
    ports = {name: told["ports"][0]["published"] for name, told in services.items() if "ports" in told}
    assert ports == {"grafana": 3000, "node-exporter": 9100, "app": 81}


class Docker:
    """What ``docker`` prints of a Swarm whose one service uses one config and one secret."""

    def __init__(self) -> None:
        used = {"Configs": [{"ConfigName": "monitoring_a-1"}], "Secrets": [{"SecretName": "monitoring_p-2"}]}
        self.services = [{"Spec": {"TaskTemplate": {"ContainerSpec": used}}}]

    def __call__(self, words: Sequence[str]) -> str:
        if words[:2] == ("service", "ls"):
            return "id1\n" if self.services else ""
        if words[:2] == ("service", "inspect"):
            assert words[2:] == ("id1",)
            return json.dumps(self.services)
        assert words[-1].endswith("=monitoring")
        return {"config": "monitoring_a-1\nmonitoring_a-0\n", "secret": "monitoring_p-1\nmonitoring_p-2\n"}[
            words[0]
        ]


def test_what_no_service_uses_is_printed_as_commands(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = Docker()
    monkeypatch.setattr(swarm_orphans, "docker", fake)
    _, said = client.run("export", "swarm", "--prune")
    assert said.lines == ["docker config rm monitoring_a-0", "docker secret rm monitoring_p-1"]
    assert said.documents == [{"ok": True, "configs": ["monitoring_a-0"], "secrets": ["monitoring_p-1"]}]
    fake.services = []
    assert len(client.run("export", "swarm", "--prune")[1].lines) == 4, "a stack that is gone uses nothing"


def test_docker_itself_says_why_it_cannot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "docker"
    program.write_text("#!/bin/sh\necho This node is not a swarm manager. >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(EngineUnavailable, match="docker service ls: This node is not a swarm manager"):
        swarm_orphans.docker(("service", "ls"))
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    with pytest.raises(StackError, match="there is no docker command here"):
        swarm_orphans.docker(("service", "ls"))
