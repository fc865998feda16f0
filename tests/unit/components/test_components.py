"""What runs follows the settings and what is present; nothing is shipped for a component that is absent."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from stack.components import BY_NAME, assemble, load
from stack.components.build import Build, Image
from stack.components.grafana import PASSWORD as GRAFANA_PASSWORD
from stack.components.postgres import PASSWORD as POSTGRES_PASSWORD
from stack.components.prometheus import DIGEST_FILE
from stack.config.secret import Secret
from stack.config.tree import read_tree
from stack.model.spec import CONFIG_ROOT, ServiceSpec

ROOT = Path(__file__).resolve().parents[3]
SECRET = "correct-horse-battery"


def images_of_all() -> dict[str, Image]:
    return {name: Image(f"{name}:1", f"sha256:{name}") for name in BY_NAME}


def build(**environ: str) -> Build:
    settings = load(environ=environ, project=ROOT)
    return Build(
        settings,
        images_of_all(),
        read_tree(ROOT),
        {GRAFANA_PASSWORD: Secret(SECRET), POSTGRES_PASSWORD: Secret("other")},
    )


def paths(service: ServiceSpec) -> set[str]:
    return {f.path for f in service.files}


ALL = assemble(build(STACK_DATABASE="postgres"))


@pytest.mark.parametrize("service", ALL.services, ids=lambda s: s.component)
def test_every_service_is_closed(service: ServiceSpec) -> None:
    assert not service.user.startswith(("0", "root"))
    assert service.published is None or service.published.address == "127.0.0.1"
    assert all(m.read_only for m in service.mounts if m.kind == "bind" or m.target == CONFIG_ROOT)
    assert service.health.test[0] == "CMD"
    assert service.limits.memory > 0 and service.limits.cpus > 0 and service.limits.pids > 0


def test_node_exporter_is_not_published() -> None:
    assert ALL.service("node_exporter").published is None


def test_the_password_is_in_one_private_file_and_nowhere_else() -> None:
    carriers = [f for s in ALL.services for f in (*s.files, *s.assets) if SECRET.encode() in f.content]
    assert [(f.mode, f.uid, f.secret) for f in carriers] == [(0o400, 472, True)]
    for service in ALL.services:
        assert SECRET not in repr((service.command, service.environment, service.health, service.mounts))


def test_nothing_is_shipped_for_an_absent_component() -> None:
    without = replace(build(), absent=(("grafana", "no image"),))
    stack = assemble(without)
    assert "grafana" not in stack.components
    assert stack.absent == (("grafana", "no image"),)
    files = paths(stack.service("prometheus"))
    assert {"scrape/app.yml", "rules/app-gates.yml", "prometheus.yml", DIGEST_FILE} <= files
    assert not [p for p in files if "grafana" in p]
    assert [p for p in paths(ALL.service("prometheus")) if "grafana" in p]


def test_a_users_own_rule_file_is_always_taken() -> None:
    own = replace(build(), tree={**build().tree, "prometheus/rules/mine.yml": b"groups: []\n"})
    assert "rules/mine.yml" in paths(assemble(own).service("prometheus"))


def test_the_digest_rule_follows_every_file() -> None:
    tree = build().tree
    edited = replace(build(), tree={**tree, "prometheus/rules/mine.yml": b"groups: []\n"})
    one, other = (
        next(f for f in assemble(b).service("prometheus").files if f.path == DIGEST_FILE)
        for b in (build(), edited)
    )
    assert one.content != other.content
    again = assemble(replace(build(), tree={**tree, f"prometheus/{DIGEST_FILE}": b"stale"}))
    assert next(f for f in again.service("prometheus").files if f.path == DIGEST_FILE) == one


def test_settings_reach_the_containers() -> None:
    stack = assemble(
        build(STACK_RETENTION_TIME="3d", STACK_LOAD="off", STACK_PORT_BASE="20000", STACK_NAME="two")
    )
    assert "--storage.tsdb.retention.time=3d" in stack.service("prometheus").command
    assert ("STACK_APP_LOAD", "off") in stack.service("app").environment
    assert "--web.external-url=http://127.0.0.1:20001" in stack.service("prometheus").command
    assert ("STACK_NAME", "two") in stack.service("prometheus").environment
    assert {m.source for m in stack.service("app").mounts if m.kind == "volume"} == {"two-app-data"}


def test_limits_are_those_of_the_settings_and_of_the_component_where_they_say_nothing() -> None:
    limited = assemble(
        build(STACK_PROMETHEUS_MEMORY="1g", STACK_APP_CPUS="0.5", STACK_NODE_EXPORTER_MEMORY="64m")
    )
    found = {s.component: s.limits for s in limited.services}
    usual = {s.component: s.limits for s in ALL.services}
    assert found["prometheus"] == replace(usual["prometheus"], memory=1024**3)
    assert found["app"] == replace(usual["app"], cpus=0.5)
    assert found["node_exporter"] == replace(usual["node_exporter"], memory=64 * 1024**2)
    assert found["alertmanager"] == usual["alertmanager"]


def test_a_changed_limit_is_another_container() -> None:
    before, after = (assemble(build(**told)).service("app") for told in ({}, {"STACK_APP_MEMORY": "1g"}))
    assert before.digest() != after.digest()


def test_a_bind_address_of_ipv6_makes_a_valid_url() -> None:
    assert build(STACK_BIND="::1").url("app") == "http://[::1]:8000"


def test_the_quick_look_page_has_its_script_and_dashboards() -> None:
    assets = {f.path for f in ALL.service("prometheus").assets}
    assert {"user/chart.js", "user/index.html", "user/dashboards/gate-security.json"} <= assets
