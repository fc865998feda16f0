"""export kubernetes and operator as a user has them, and smoke --kubernetes against what a kubectl tells."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import trustme
import yaml

from stack.cli import smoke_elsewhere, smoke_kubernetes
from stack.common.errors import SettingsError, SmokeFailed, UsageError
from stack.exports.kubernetes.pods import condition
from tests.fakes.kubectl import FakeKubectl
from tests.scenarios.commands import Client

FOUR = ("prometheus", "alertmanager", "app", "grafana")


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeKubectl:
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    fake = FakeKubectl(folder)
    fake.has("monitoring", *FOUR)
    fake.has("monitoring-node", "node-exporter")
    fake.secret("monitoring", "grafana-secrets", grafana_admin_password="of-the-cluster")
    return fake


def export(client: Client, kind: str, out: Path, *words: str) -> dict[str, Any]:
    code, said = client.run("export", kind, "-o", str(out), *words)
    assert code == 0
    (document,) = said.documents
    return dict(document)


@pytest.mark.parametrize("kind", ["kubernetes", "operator"])
def test_the_folder_holds_what_the_description_says_and_then_stays(
    client: Client, out: Path, kind: str
) -> None:
    told = export(client, kind, out)
    assert str(out / "README.md") in told["written"] and told["notes"]
    assert told["commands"][-1 if kind == "operator" else -6] == f"kubectl apply --server-side -k {out}"
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    assert export(client, kind, out)["written"] == []
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before


def test_the_commands_name_the_private_files_of_secrets(client: Client, out: Path) -> None:
    told = export(client, "kubernetes", out)
    kept = client.home / ".stack/monitoring/exports/grafana_admin_password"
    (made,) = [one for one in told["commands"] if "create secret" in one]
    assert f"--from-file=grafana_admin_password={kept} " in made
    assert kept.stat().st_mode & 0o077 == 0
    assert not any(kept.read_bytes() in path.read_bytes() for path in out.rglob("*") if path.is_file())


def test_options_reach_the_manifests(client: Client, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STACK_APP_IMAGE")
    export(
        client, "kubernetes", out, "--namespace", "eins", "--storage-class", "fast", "--storage", "20Gi",
        "--registry", "r.example/t", "--public-url", "https://m.example", "--without", "grafana",
    )  # fmt: skip
    sets = [
        one
        for one in yaml.safe_load_all((out / "prometheus.yaml").read_text())
        if one["kind"] == "StatefulSet"
    ]
    (one,) = sets
    assert one["metadata"]["namespace"] == "eins"
    claim = one["spec"]["volumeClaimTemplates"][0]["spec"]
    assert (claim["storageClassName"], claim["resources"]["requests"]["storage"]) == ("fast", "20Gi")
    assert any(
        "https://m.example" in word for word in one["spec"]["template"]["spec"]["containers"][0]["args"]
    )
    assert "r.example/t/monitoring-stack/app:local" in (out / "app.yaml").read_text()
    assert not (out / "grafana.yaml").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--namespace", "A_b"), "--namespace 'A_b' cannot be that"),
        (("--storage", "10GB"), "--storage '10GB' cannot be that: like 10Gi"),
        (("--registry", "https://r"), "--registry 'https://r' cannot be that"),
        (("--without", "prometheus"), "prometheus cannot be left out"),
        (("--without", "nothing"), "unknown component nothing"),
    ],
)
def test_an_option_that_cannot_be_is_told_before_anything_is_written(
    client: Client, out: Path, words: tuple[str, ...], said: str
) -> None:
    with pytest.raises(UsageError) as error:
        export(client, "kubernetes", out, *words)
    assert said in f"{error.value}: {error.value.hint}"
    assert not out.exists()


def test_what_is_about_this_machine_alone_is_left_out_and_told(client: Client, out: Path) -> None:
    client.settings(
        'bind = "0.0.0.0"\n[gateway]\nmode = "on"\n[node_exporter]\nhost_network = true\ntextfile = "own/textfile"\n'
    )
    (client.home / "own/textfile").mkdir(parents=True)
    told = "\n".join(export(client, "kubernetes", out)["notes"])
    for words in (
        "the gateway is left out",
        "node_exporter.host_network is left out",
        "node_exporter.textfile",
    ):
        assert words in told
    assert not (out / "gateway.yaml").exists()
    node = (out / "node-exporter.yaml").read_text()
    assert "hostNetwork" not in node and "textfile" not in node
    assert "node-exporter.monitoring-node.svc" in (out / "prometheus-files.yaml").read_text()
    assert "--web.external-url=http://127.0.0.1:9090" in (out / "prometheus.yaml").read_text()


def test_an_address_that_is_none_is_told_as_the_setting_is(client: Client, out: Path) -> None:
    with pytest.raises(SettingsError, match="public_url"):
        export(client, "kubernetes", out, "--public-url", "nowhere")


def test_a_folder_is_asked_for(client: Client, out: Path) -> None:
    with pytest.raises(UsageError, match="written into a folder"):
        client.run("export", "operator")


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not here")
@pytest.mark.parametrize("kind", ["kubernetes", "operator"])
def test_kustomize_takes_all_of_it(client: Client, out: Path, kind: str) -> None:
    export(client, kind, out)
    ran = subprocess.run(("kubectl", "kustomize", str(out)), capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert list(yaml.safe_load_all(ran.stdout))


@pytest.fixture
def proven(client: Client, cluster: FakeKubectl, monkeypatch: pytest.MonkeyPatch) -> list[Mapping[str, Any]]:
    """What the probers were made with."""
    assert client("start", "--quick") == 0
    made: list[Mapping[str, Any]] = []

    def prober(checks: Any, run_in: Any, read_log: Any, **told: Any) -> object:
        made.append({"checks": {c.name for c in checks}, "run_in": run_in, "read_log": read_log})
        return client.products

    monkeypatch.setattr(smoke_elsewhere, "LocalProber", prober)
    return made


def test_what_runs_there_is_proven_through_forwarded_ports(
    client: Client, cluster: FakeKubectl, proven: list[Mapping[str, Any]]
) -> None:
    cluster.has("monitoring", "prometheus", "alertmanager", "app")
    code, _ = client.run("smoke", "--kubernetes", "monitoring")
    assert code == 0
    expected = client.products.asked[-1]
    assert dict(expected.addresses)["prometheus"] == "http://127.0.0.1:49090"
    node = next(job for job in expected.jobs if job.name == "node")
    assert node.discovered and not node.addresses
    assert proven[0]["run_in"]("alertmanager", ("ls",)).output == "ran ls\n"
    assert "-n monitoring exec statefulset/alertmanager -- ls" in cluster.asked


def test_what_does_not_run_there_is_not_asked_whatever_the_settings_say(
    client: Client, cluster: FakeKubectl, proven: list[Mapping[str, Any]]
) -> None:
    cluster.has("monitoring", "prometheus", "alertmanager")
    assert client.run("smoke", "--kubernetes", "monitoring")[0] == 0
    expected = client.products.asked[-1]
    assert {component for component, _ in expected.addresses} == {"prometheus", "alertmanager"}
    assert "path.alert" in proven[0]["checks"]  # with a receiver inside Alertmanager's container


def test_grafana_is_asked_with_the_password_of_the_cluster(
    client: Client, cluster: FakeKubectl, proven: list[Mapping[str, Any]]
) -> None:
    with pytest.raises(SmokeFailed, match=r"grafana\.ready"):  # which the fake engine has not
        client.run("smoke", "--kubernetes", "monitoring")
    expected = client.products.asked[-1]
    assert dict(expected.addresses)["grafana"] == "http://127.0.0.1:43000"
    assert expected.grafana_password == "of-the-cluster"


def test_a_password_that_cannot_be_read_is_told_before_a_login_is_locked(
    client: Client, cluster: FakeKubectl, proven: list[Mapping[str, Any]]
) -> None:
    cluster.secret("monitoring", "grafana-secrets", other="x")
    with pytest.raises(SettingsError, match="Grafana in the Secret grafana-secrets of namespace monitoring"):
        client.run("smoke", "--kubernetes", "monitoring")
    assert not any("port-forward" in one for one in cluster.asked)


def test_a_pod_that_is_not_ready_is_the_cause_and_its_port_is_not_asked_for(
    client: Client, cluster: FakeKubectl, proven: list[Mapping[str, Any]]
) -> None:
    cluster.has("monitoring", *FOUR)
    cluster.waits("monitoring", "grafana", 'secret "grafana-secrets" not found')
    cluster.secret("monitoring", "grafana-secrets", other="x")
    with pytest.raises(SmokeFailed) as error:
        client.run("smoke", "--kubernetes", "monitoring")
    assert str(error.value).startswith('grafana.pod: grafana-0 waits: secret "grafana-secrets" not found')
    assert "prints the command that makes it" in error.value.hint
    forwarded = [one for one in cluster.asked if "port-forward" in one]
    assert len(forwarded) == 3 and not any("grafana" in one for one in forwarded)
    assert "grafana" in dict(client.products.asked[-1].addresses), "what follows from it is told"


def test_pods_that_come_up_are_waited_for(
    client: Client, cluster: FakeKubectl, proven: list[Mapping[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smoke_kubernetes, "EVERY", 0.01)
    cluster.has("monitoring", "prometheus", "alertmanager", "app")
    cluster.waits("monitoring", "app", "pulling")
    seen: list[str] = []

    def look(*told: Any) -> Any:
        found = condition(*told)
        seen.append(found[0].evidence)
        if len(seen) == 2:
            cluster.has("monitoring", "prometheus", "alertmanager", "app")
        return found

    monkeypatch.setattr(smoke_kubernetes, "condition", look)
    assert client.run("smoke", "--kubernetes", "monitoring")[0] == 0
    assert seen == ["app-0 is being started: pulling"] * 2 + ["4 pods of 4 sets are ready"]


def test_a_namespace_without_any_and_one_with_several_are_told(client: Client, cluster: FakeKubectl) -> None:
    cluster.has("empty")
    cluster.has("empty-node")
    with pytest.raises(SmokeFailed, match="namespace empty has nothing of an export"):
        client.run("smoke", "--kubernetes", "empty")
    cluster.has("empty", "app")
    with pytest.raises(SmokeFailed, match="namespace empty has no Prometheus"):
        client.run("smoke", "--kubernetes", "empty")
    cluster.has("monitoring-node", "node-exporter", stack="other")
    with pytest.raises(UsageError, match="several stacks") as error:
        client.run("smoke", "--kubernetes", "monitoring")
    assert error.value.hint == "--name, one of monitoring, other"


def test_it_goes_with_nothing_that_asks_elsewhere(client: Client, cluster: FakeKubectl) -> None:
    with pytest.raises(UsageError, match="neither --deep nor --url"):
        client.run("smoke", "--kubernetes", "monitoring", "--deep")


@pytest.mark.parametrize("kind", ["swarm", "kubernetes", "operator"])
def test_what_stays_on_further_hosts_is_told(client: Client, out: Path, kind: str) -> None:
    text = f'engine = "ssh://me@web1"\naddress = "10.0.0.7"\npassword_hash = "$2b$10${"a" * 53}"\n'
    issued = trustme.CA().issue_cert("web1")
    files = {
        "own/hosts/web1.toml": text,
        "own/secrets/hosts/web1.password": "x\n",
        "own/secrets/hosts/web1.crt": issued.cert_chain_pems[0].bytes().decode(),
        "own/secrets/hosts/web1.key": issued.private_key_pem.bytes().decode(),
    }
    for path, content in files.items():
        (client.home / path).parent.mkdir(parents=True, exist_ok=True)
        (client.home / path).write_text(content)
    told = "\n".join(export(client, kind, out)["notes"])
    assert "exporters on web1 stay there" in told
    assert "must reach their ports" in told
