"""The manifests: every file at its path, no secret, hardened, closed, the same to the byte."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from msgspec.structs import replace

from stack.components import assemble
from stack.components.build import Build
from stack.components.prometheus import DIGEST_FILE
from stack.exports.files import placed, secrets
from stack.exports.kubernetes.cluster import Cluster, version_of
from stack.exports.kubernetes.config_maps import AT_MOST, LARGEST, key_of
from stack.exports.kubernetes.fitting import fitted
from tests.kubernetes_rules import faults
from tests.unit.exports import golden
from tests.unit.exports.export_samples import CLUSTER, HIDDEN, full, objects, on_kubernetes, shipped

FULL, PLAIN = full(), shipped()
EXPORT, SHIPPED = on_kubernetes(FULL), on_kubernetes(PLAIN)
OBJECTS = objects(EXPORT.files)
LEVELS = {"monitoring": "restricted", "monitoring-node": "privileged"}
Json = dict[str, Any]


def of_kind(kind: str, found: list[Json] = OBJECTS) -> dict[str, Json]:
    return {one["metadata"]["name"]: one for one in found if one["kind"] == kind}


def pods(found: list[Json] = OBJECTS) -> dict[str, Json]:
    sets = {**of_kind("StatefulSet", found), **of_kind("DaemonSet", found)}
    return {name: one["spec"]["template"]["spec"] for name, one in sets.items()}


def files_of(pod: Json, maps: dict[str, Json]) -> dict[str, bytes]:
    """Path in the container > content of each plain file, as the volumes put them there."""
    places = {m["name"]: m["mountPath"] for m in pod["containers"][0]["volumeMounts"]}
    found = {}
    for volume in pod["volumes"]:
        for source in volume.get("projected", {}).get("sources", ()):
            if "configMap" not in source:
                continue
            held = maps[source["configMap"]["name"]]
            for item in source["configMap"]["items"]:
                text = held.get("data", {}).get(item["key"])
                coded = held.get("binaryData", {}).get(item["key"], "")
                content = base64.b64decode(coded) if text is None else text.encode()
                found[f"{places[volume['name']]}/{item['path']}"] = content
    return found


def test_the_files_that_do_not_follow_from_contents() -> None:
    for path, content in golden.files().items():
        assert path.read_bytes() == content, f"{path}: python -m tests.unit.exports.golden"


def test_every_object_is_one_that_a_server_takes() -> None:
    for one in OBJECTS:
        assert faults(one, LEVELS) == [], one["metadata"]["name"]


def test_every_service_finds_its_files_where_it_looks_for_them() -> None:
    spec, found, maps = fitted(assemble(FULL), CLUSTER), pods(), of_kind("ConfigMap")
    for service in spec.services:
        wanted = {one.path: one.content for one in placed(service, LARGEST)}
        assert files_of(found[service.host], maps) == wanted, service.host
    assert any("sp%C3%A4ti" in path for path in files_of(found["prometheus"], maps))


def test_every_secret_is_mounted_by_reference() -> None:
    spec, found = assemble(FULL), pods()
    for service in spec.services:
        items = {
            f"/etc/stack/{volume['name']}/{item['path']}": source["secret"]["name"]
            for volume in found[service.host].get("volumes", ())
            for source in volume.get("projected", {}).get("sources", ())
            if "secret" in source
            for item in source["secret"]["items"]
        }
        assert items == dict.fromkeys((one.path for one in secrets(service)), f"{service.host}-secrets"), (
            service.host
        )
    assert not of_kind("Secret")


@pytest.mark.parametrize("value", HIDDEN)
def test_no_value_of_a_secret_stands_in_it(value: str) -> None:
    held = [f.content for s in assemble(FULL).services for f in (*s.files, *s.assets) if f.secret]
    assert any(value.encode() in content for content in held)
    for path, text in EXPORT.files.items():
        assert value.encode() not in text, path
        assert base64.b64encode(value.encode())[:-4] not in text, path


def test_every_secret_has_a_command_that_makes_it() -> None:
    made = [step for step in EXPORT.steps if "create secret" in step]
    wanted = {s.host for s in assemble(FULL).services if secrets(s)}
    assert {step.split()[4] for step in made} == {f"{host}-secrets" for host in wanted}
    assert "--from-file=own.hook=$KEPT/hook" in " ".join(made)


def test_maps_are_small_immutable_and_named_by_content() -> None:
    maps = of_kind("ConfigMap")
    assert all(one["immutable"] is True for one in maps.values())
    large = [one for one in maps.values() if sum(map(len, one.get("data", {}).values())) > AT_MOST]
    assert all(len(one["data"]) == 1 for one in large)
    labels = {one["metadata"]["labels"]["monitoring-stack/files"] for one in maps.values()}
    assert len(labels) == 1 and all(
        f"monitoring-stack/files!={labels.copy().pop()}" in s for s in EXPORT.orphans
    )


def test_the_same_description_is_the_same_to_the_byte() -> None:
    assert on_kubernetes(full()).files == EXPORT.files


def changed(found: Build, path: str, more: bytes) -> Build:
    return replace(found, tree={**found.tree, path: found.tree[path] + more})


@pytest.mark.parametrize(
    ("path", "host"),
    [
        ("prometheus/rules/app-gates.yml", "prometheus"),
        ("alertmanager/templates/stack.tmpl", "alertmanager"),
        ("grafana/provisioning/dashboards/stack.yml", "grafana"),
    ],
)
def test_a_changed_file_replaces_the_pods_of_its_service_alone(path: str, host: str) -> None:
    before, after = (
        pods(objects(SHIPPED.files)),
        pods(objects(on_kubernetes(changed(PLAIN, path, b"\n# more\n")).files)),
    )
    assert [name for name in before if before[name] != after[name]] == [host]


def test_whoever_probes_may_send_pings_whatever_the_runtime_lets_others() -> None:
    changed = {name: pod["securityContext"].get("sysctls") for name, pod in pods().items()}
    assert changed.pop("blackbox") == [{"name": "net.ipv4.ping_group_range", "value": "0 65535"}]
    assert set(changed.values()) == {None}


def test_a_service_is_as_hardened_as_its_container() -> None:
    for name, pod in pods().items():
        assert pod["automountServiceAccountToken"] is False and pod["enableServiceLinks"] is False, name
        assert pod["serviceAccountName"] == name
        container = pod["containers"][0]
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert {"memory", "cpu"} == set(container["resources"]["limits"])
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
        mounts = {m["mountPath"]: m for m in container["volumeMounts"]}
        assert "readOnly" not in mounts["/tmp"]
        assert all(
            m.get("readOnly") for path, m in mounts.items() if path.startswith(("/etc/stack", "/host"))
        )
    accounts = of_kind("ServiceAccount")
    assert accounts.keys() == pods().keys()
    assert not any(one["automountServiceAccountToken"] for one in accounts.values())


def test_what_mounts_its_node_has_a_namespace_of_its_own() -> None:
    node = {one["kind"] for one in OBJECTS if one["metadata"].get("namespace") == "monitoring-node"}
    assert node == {"DaemonSet", "NetworkPolicy", "Service", "ServiceAccount"}
    levels = {
        n: one["metadata"]["labels"]["pod-security.kubernetes.io/enforce"]
        for n, one in of_kind("Namespace").items()
    }
    assert levels == LEVELS


def test_prometheus_finds_node_exporter_by_dns_and_nothing_else_of_its_file_changes() -> None:
    found = files_of(pods()["prometheus"], of_kind("ConfigMap"))
    text = found["/etc/stack/current/scrape/node_exporter.yml"].decode()
    assert "node-exporter.monitoring-node.svc" in text and "node-exporter:9100" not in text
    assert found[f"/etc/stack/current/{DIGEST_FILE}"] == next(
        f.content for f in assemble(FULL).service("prometheus").files if f.path == DIGEST_FILE
    )


def test_data_has_a_claim_that_outlives_its_set() -> None:
    sets = of_kind("StatefulSet", objects(on_kubernetes(FULL, Cluster("eins", "fast", "50Gi")).files))
    sizes = {
        name: one["spec"]["volumeClaimTemplates"][0]["spec"]["resources"]["requests"]["storage"]
        for name, one in sets.items()
        if "volumeClaimTemplates" in one["spec"]
    }
    assert sizes == {
        "alertmanager": "1Gi",
        "app": "50Gi",
        "grafana": "1Gi",
        "postgres": "50Gi",
        "prometheus": "50Gi",
    }
    for name in sizes:
        spec = sets[name]["spec"]
        assert spec["volumeClaimTemplates"][0]["spec"]["storageClassName"] == "fast"
        assert set(spec["persistentVolumeClaimRetentionPolicy"].values()) == {"Retain"}
        assert spec["replicas"] == 1


def test_a_drained_node_waits_for_nobody() -> None:
    budgets = of_kind("PodDisruptionBudget")
    assert budgets.keys() == of_kind("StatefulSet").keys()
    assert all(one["spec"]["maxUnavailable"] == 1 for one in budgets.values())


def test_each_container_is_asked_as_its_health_says() -> None:
    found = {name: pod["containers"][0] for name, pod in pods().items()}
    assert found["prometheus"]["readinessProbe"]["httpGet"]["path"] == "/-/ready"
    assert found["prometheus"]["livenessProbe"]["httpGet"]["path"] == "/-/healthy"
    slow = found["prometheus"]["startupProbe"]
    assert slow["periodSeconds"] * slow["failureThreshold"] == 600
    assert found["postgres"]["livenessProbe"]["exec"]["command"][0].endswith("pg_isready")
    assert found["postgres-exporter-shop"]["readinessProbe"]["httpGet"]["path"] == "/"


def test_who_may_talk_to_whom() -> None:
    policies = of_kind("NetworkPolicy")
    assert policies["default-deny"]["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}

    def callers(name: str) -> set[str]:
        entries = [e for rule in policies[name]["spec"].get("ingress", ()) for e in rule["from"]]
        return {e["podSelector"]["matchLabels"]["app.kubernetes.io/name"] for e in entries}

    assert callers("postgres") == {"app"}
    assert callers("app") == {"alertmanager", "prometheus"}
    assert callers("alertmanager") == {"grafana", "prometheus"}
    assert callers("node-exporter") == {"prometheus"}
    assert callers("postgres-exporter-shop") == {"prometheus"}
    anywhere = {n for n, one in policies.items() if {} in one["spec"].get("egress", ())}
    assert anywhere == {"alertmanager", "blackbox", "postgres-exporter-shop", "prometheus"}
    closed = of_kind("NetworkPolicy", objects(SHIPPED.files))
    assert not [n for n, one in closed.items() if {} in one["spec"].get("egress", ())]


def test_images_that_no_registry_has_come_from_the_named_one() -> None:
    local = replace(
        PLAIN, images={**PLAIN.images, "app": replace(PLAIN.images["app"], ref="monitoring-stack/app:local")}
    )
    there = on_kubernetes(local, Cluster(registry="registry.example:5000/team"))
    container = pods(objects(there.files))["app"]["containers"][0]
    assert container["image"] == "registry.example:5000/team/monitoring-stack/app:local"
    assert container["imagePullPolicy"] == "Always"
    assert any(
        "docker push registry.example:5000/team/monitoring-stack/app:local" in one for one in there.lost
    )
    assert any("--registry" in one for one in on_kubernetes(local).lost)


@pytest.mark.parametrize(
    ("image", "version"),
    [
        ("prom/prometheus:v3.13.5", "v3.13.5"),
        ("r:5000/a@sha256:0", "unknown"),
        ("a:1@sha256:0", "1"),
        ("a", "unknown"),
    ],
)
def test_the_version_is_the_tag(image: str, version: str) -> None:
    assert version_of(image) == version


def test_a_literal_variable_is_kept_from_kubernetes() -> None:
    odd = replace(
        PLAIN,
        settings=replace(PLAIN.settings, values={**PLAIN.settings.values, "app.allowed_hosts": "$(HOME)"}),
    )
    values = [e["value"] for e in pods(objects(on_kubernetes(odd).files))["app"]["containers"][0]["env"]]
    assert "$$(HOME)" in values


def test_what_is_lost_is_said() -> None:
    told = "\n".join(EXPORT.lost)
    for words in (
        "podPidsLimit",
        "SIGINT",
        "shop_default",
        "on each node",
        "127.0.0.1",
    ):
        assert words in told, words
    assert all(sentence in EXPORT.files["README.md"].decode() for sentence in EXPORT.lost)


def test_a_file_that_no_map_takes_is_left_out_by_name() -> None:
    large = replace(
        PLAIN, tree={**PLAIN.tree, "own/prometheus/rules/big.yml": b"groups: []\n#" + b"x" * LARGEST}
    )
    found = on_kubernetes(large)
    assert any("own/prometheus/rules/big.yml is left out" in one for one in found.lost)


def test_no_two_paths_have_one_key() -> None:
    paths = ["a/b", "a__b", "a/b__c", "a__b/c", "a b", "a_b", "..a", "x" * 300, "ä"]
    assert len({key_of(path) for path in paths}) == len(paths)
    assert all(
        faults(
            {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "x"}, "data": {key_of(p): ""}}, {}
        )
        == []
        for p in paths
    )
