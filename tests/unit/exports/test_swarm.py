"""The stack file for Docker Swarm: hardened alike, closed, placed, named by content, without the value of a secret."""

from __future__ import annotations

import time
from typing import Any

import pytest
import yaml
from msgspec.structs import replace

from stack.components import assemble
from stack.exports.swarm import LIMIT, Export, Wish, swarm
from stack.exports.swarm_notes import STACK_FILE
from stack.model.outer import OuterNetwork
from stack.model.spec import ConfigFile, StackSpec
from tests.unit.components.test_components import SECRET, build
from tests.unit.deploy.plan_samples import NAME, service

ALL = assemble(build(STACK_DATABASE="postgres"))
MADE = swarm(ALL, Wish())
GLOBAL = "node-exporter"


def read(made: Export) -> dict[str, Any]:
    return dict(yaml.load(made.files[STACK_FILE], Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))


FILE = read(MADE)
SERVICES: dict[str, Any] = FILE["services"]


def test_every_service_is_there_by_its_host_name() -> None:
    assert set(SERVICES) == {"prometheus", "alertmanager", "grafana", "app", "postgres", GLOBAL}


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_hardened_and_nothing_is_published(name: str) -> None:
    told = SERVICES[name]
    assert told["read_only"] is True and told["cap_drop"] == ["ALL"]
    assert told["user"].split(":")[0] not in ("", "0", "root")
    limits = told["deploy"]["resources"]["limits"]
    assert int(limits["memory"]) > 0 and float(limits["cpus"]) > 0 and 0 < limits["pids"] <= 1024
    assert told["healthcheck"]["test"][0] == "CMD"
    assert told["healthcheck"]["timeout"] == "10s" and told["healthcheck"]["retries"] == 6
    assert told["logging"]["options"] == {"max-size": "10m", "max-file": "3"}
    assert "ports" not in told
    assert not {"security_opt", "mem_limit", "restart", "depends_on", "privileged", "cap_add"} & set(told)


@pytest.mark.parametrize("name", SERVICES)
def test_an_update_ends_the_old_one_first_and_goes_back_where_the_new_one_fails(name: str) -> None:
    deploy = SERVICES[name]["deploy"]
    assert deploy["update_config"]["order"] == deploy["rollback_config"]["order"] == "stop-first"
    assert deploy["update_config"]["failure_action"] == "rollback"
    assert deploy["endpoint_mode"] == "dnsrr"
    assert deploy["mode"] == ("global" if name == GLOBAL else "replicated")


def test_what_keeps_data_stays_on_the_node_with_its_label() -> None:
    placed = {
        name: told["deploy"]["placement"]["constraints"]
        for name, told in SERVICES.items()
        if "placement" in told["deploy"]
    }
    with_data = {
        n for n, told in SERVICES.items() if any(v["type"] == "volume" for v in told.get("volumes", ()))
    }
    assert set(placed) == with_data == set(SERVICES) - {GLOBAL}
    assert placed["prometheus"] == ["node.labels.monitoring.prometheus == true"]
    assert set(FILE["volumes"]) == {f"{name}-data" for name in placed}


def test_what_looks_at_one_machine_stays_there_too() -> None:
    spec = assemble(build(STACK_GRAFANA="off"))
    node = replace(spec.service("node_exporter"), component="process_exporter-shop")
    told = read(swarm(replace(spec, services=(node,)), Wish()))["services"]["process-exporter-shop"]
    assert told["deploy"]["placement"]["constraints"] == [
        "node.labels.monitoring.process-exporter-shop == true"
    ]
    assert "hostname" not in told


def test_node_exporter_runs_everywhere_and_is_found_by_dns() -> None:
    assert SERVICES[GLOBAL]["hostname"] == "{{.Node.Hostname}}"
    scrape = MADE.files["configs/prometheus/current/scrape/node_exporter.yml"].decode()
    (job,) = yaml.safe_load(scrape)["scrape_configs"]
    assert job["dns_sd_configs"][0]["names"] == ["tasks.node-exporter"]
    assert job["static_configs"] == [{"targets": []}]


def test_every_config_is_named_by_its_content_and_all_names_fit() -> None:
    long = replace(ALL, name="a-very-long-name-of-a-stack-of-40-letters")
    for made in (MADE, swarm(long, Wish())):
        configs = read(made)["configs"]
        names = [told["name"] for told in configs.values()]
        assert len(set(names)) == len(names) and all(len(name) <= 64 for name in names)
        for told in configs.values():
            assert made.files[told["file"].removeprefix("./")]
        used = {ref["source"] for s in read(made)["services"].values() for ref in s.get("configs", ())}
        assert used == set(configs)


def test_a_changed_file_gives_another_config_to_its_service_alone() -> None:
    prometheus = ALL.service("prometheus")
    files = tuple(
        replace(f, content=f.content + b"\n") if f.path == "rules/app-slo.yml" else f
        for f in prometheus.files
    )
    services = tuple(
        replace(prometheus, files=files) if s.component == "prometheus" else s for s in ALL.services
    )
    other = read(swarm(replace(ALL, services=services), Wish()))["services"]
    assert {name for name in SERVICES if other[name] != SERVICES[name]} == {"prometheus"}
    changed = [
        a
        for a, b in zip(other["prometheus"]["configs"], SERVICES["prometheus"]["configs"], strict=True)
        if a != b
    ]
    assert [one["target"] for one in changed] == ["/etc/stack/current/rules/app-slo.yml"]


def test_a_changed_dashboard_is_grafanas_alone_and_without_grafana_the_quick_look_comes() -> None:
    assert not any(path.startswith("configs/prometheus/user/dashboards/") for path in MADE.files)
    assert "configs/prometheus/user/runbooks/Watchdog.html" in MADE.files
    assert any("quick look is left out" in note for note in MADE.notes)
    alone = swarm(assemble(build(STACK_GRAFANA="off")), Wish())
    assert {
        "configs/prometheus/user/index.html",
        "configs/prometheus/user/dashboards/slo.json",
    } <= alone.files.keys()
    assert not any("quick look" in note for note in alone.notes)


def test_secrets_are_named_and_their_values_are_nowhere() -> None:
    assert FILE["secrets"]["monitoring_grafana_admin_password-1"] == {"external": True}
    (ref,) = SERVICES["grafana"]["secrets"]
    assert ref == {
        "source": "monitoring_grafana_admin_password-1",
        "target": "/etc/stack/secrets/grafana_admin_password",
        "uid": "472",
        "gid": "0",
        "mode": 0o400,
    }
    assert not any(value.encode() in text for text in MADE.files.values() for value in (SECRET, "app:other@"))
    again = read(swarm(ALL, Wish(version="2")))["services"]["grafana"]["secrets"][0]["source"]
    assert again == "monitoring_grafana_admin_password-2"


def test_a_long_name_of_a_secret_is_cut_and_still_its_own() -> None:
    paths = [f"secrets/{'x' * 60}{end}" for end in "ab"]
    files = tuple(ConfigFile(path, path.encode(), 0o400, 1, secret=True) for path in paths)
    names = set(read(swarm(StackSpec(NAME, (replace(service("web"), assets=files),)), Wish()))["secrets"])
    assert len(names) == 2 and {len(name) for name in names} == {64}


def test_the_head_has_the_steps_with_the_labels_and_the_secrets() -> None:
    head = MADE.files[STACK_FILE].decode().partition("version:")[0]
    assert all(line.startswith("#") for line in head.splitlines())
    assert "docker node update --label-add monitoring.prometheus=true NODE" in head
    assert (
        "docker secret create --label monitoring-stack.stack=monitoring monitoring_grafana_admin_password-1 "
        ".stack/monitoring/exports/grafana_admin_password\n" in head
    )
    assert "docker stack deploy -c stack.yml monitoring" in head
    for note in MADE.notes:
        assert f"# - {note}" in head


def test_dollars_stay_dollars() -> None:
    odd = replace(service("web"), command=("$(x)", "${y}"), environment=(("A", "$__file{/x}"),))
    text = swarm(StackSpec(NAME, (odd,)), Wish()).files[STACK_FILE].decode()
    assert yaml.safe_load(text)["services"]["web"]["command"] == ["$$(x)", "$${y}"]
    assert "$$__file{/x}" in text


def test_what_is_published_is_on_the_node_where_it_runs() -> None:
    made = swarm(ALL, Wish(publish=(("grafana", 80), ("prometheus", 9090))))
    services = read(made)["services"]
    assert services["grafana"]["ports"] == [
        {"target": 3000, "published": 80, "protocol": "tcp", "mode": "host"}
    ]
    assert "ports" not in services["alertmanager"]
    open_ones = [note for note in made.notes if "knows no login" in note]
    assert open_ones == ["prometheus is open to whoever reaches port 9090 of its node: it knows no login"]


def test_traffic_is_encrypted_where_that_is_wanted_and_others_may_join() -> None:
    network = read(swarm(ALL, Wish(encrypted=True)))["networks"]["default"]
    assert network == {"driver": "overlay", "attachable": True, "driver_opts": {"encrypted": "true"}}
    assert "driver_opts" not in FILE["networks"]["default"]


def test_a_network_of_others_is_joined_and_told_of() -> None:
    web = replace(service("web"), networks=(OuterNetwork("shop", "own/a.yml:1"),))
    made = swarm(StackSpec(NAME, (web,)), Wish())
    told = read(made)
    assert told["networks"]["outer-shop"] == {"name": "shop", "external": True}
    assert set(told["services"]["web"]["networks"]) == {"default", "outer-shop"}
    assert any(
        note.startswith("network shop (own/a.yml:1) must be an overlay network") for note in made.notes
    )


def test_a_file_that_is_too_large_is_told_with_its_place() -> None:
    large = ConfigFile("rules/big.yml", b"x" * LIMIT, origin="own/prometheus/rules/big.yml")
    made = swarm(StackSpec(NAME, (replace(service("prometheus"), files=(large,)),)), Wish())
    assert "configs" not in read(made)
    (note,) = [note for note in made.notes if "big.yml" in note]
    assert note == (
        "own/prometheus/rules/big.yml is left out: it has 512,000 bytes, a config holds fewer than 512,000; divide it"
    )


def test_the_machine_by_a_name_is_told_as_unknown() -> None:
    scrape = ConfigFile("scrape/a.yml", b"targets: [host.docker.internal:1]")
    made = swarm(StackSpec(NAME, (replace(service("prometheus"), files=(scrape,)),)), Wish())
    assert "prometheus: host.docker.internal is not known in Swarm: write the node's address" in made.notes


def test_it_is_the_same_to_the_byte_each_time() -> None:
    again = swarm(assemble(build(STACK_DATABASE="postgres")), Wish())
    assert again == MADE


def test_a_thousand_targets_and_two_hundred_dashboards() -> None:
    text = '{"uid": "b%d", "title": "B%d", "panels": [%s]}'
    panel = ", ".join('{"title": "x", "targets": [{"expr": "up"}]}' for _ in range(200))
    boards = {f"own/grafana/dashboards/b{n}.json": (text % (n, n, panel)).encode() for n in range(200)}
    groups = "\n".join(f"- targets: [shop-{n}.example:9100]" for n in range(1000))
    own = {
        "own/prometheus/targets/shops.yml": groups.encode(),
        "own/prometheus/scrape/shops.yml": b"scrape_configs:\n  - job_name: shops\n    file_sd_configs:\n"
        b"      - files: [own/prometheus/targets/*.yml]\n",
    }
    made = build()
    spec = assemble(replace(made, tree={**made.tree, **boards, **own}))
    began = time.perf_counter()
    found = swarm(spec, Wish())
    took = time.perf_counter() - began
    print(f"1,000 targets and 200 dashboards: {took:.2f} s, {len(found.files)} files")
    assert "configs/prometheus/targets/shops.yml" in found.files
    assert sum(path.startswith("configs/grafana/dashboards/") for path in found.files) >= 200
