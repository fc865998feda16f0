"""docker-compose.yml: the same stack, hardened alike, with the settings' variables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
FILE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, Any] = FILE["services"]


def test_all_five_components_are_there() -> None:
    assert set(SERVICES) == {"prometheus", "alertmanager", "grafana", "node_exporter", "app"}


def test_no_service_takes_the_proxies_of_the_docker_command() -> None:
    for name, service in SERVICES.items():
        told = service["environment"]
        assert (told["http_proxy"], told["no_proxy"], told["NO_PROXY"]) == ("", "*", "*"), name


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_hardened(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    beyond = ["label=disable"] if name == "node_exporter" else []
    assert service["security_opt"] == ["no-new-privileges:true", *beyond]
    assert service["user"].split(":")[0] not in ("", "0", "root")
    assert 0 < service["pids_limit"] <= 1024
    assert service["mem_limit"] == service["memswap_limit"] > 0
    assert service["cpus"] > 0
    assert service["healthcheck"]["test"][0] == "CMD"
    assert service["logging"]["options"] == {"max-size": "10m", "max-file": "3"}
    assert not {"privileged", "cap_add", "network_mode", "pid", "ipc", "devices"} & set(service)


@pytest.mark.parametrize("name", SERVICES)
def test_ports_are_loopback_unless_a_variable_says_otherwise(name: str) -> None:
    ports = SERVICES[name].get("ports", [])
    assert all(port.startswith("${STACK_BIND:-127.0.0.1}:${STACK_") for port in ports)
    assert bool(ports) == (name != "node_exporter")


@pytest.mark.parametrize("name", SERVICES)
def test_binds_are_read_only_and_no_socket_is_among_them(name: str) -> None:
    for volume in SERVICES[name].get("volumes", []):
        assert "docker.sock" not in volume
        if volume.startswith(("/", ".")):
            assert volume.endswith(":ro,z" if volume.startswith("./") else ":ro"), volume


def test_the_machine_itself_has_a_name_for_who_may_scrape_or_notify_it() -> None:
    named = {name for name, service in SERVICES.items() if "extra_hosts" in service}
    assert named == {"prometheus", "alertmanager"}
    assert SERVICES["prometheus"]["extra_hosts"] == ["host.docker.internal:host-gateway"]


def test_no_secret_stands_in_the_file() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    assert SERVICES["grafana"]["environment"]["GF_SECURITY_ADMIN_PASSWORD"].startswith("$$__file{")
    values = {**{k: v for s in SERVICES.values() for k, v in s.get("environment", {}).items()}}
    secret = {k: v for k, v in values.items() if any(word in k for word in ("PASSWORD", "TOKEN", "SECRET"))}
    assert all(value.startswith("$$__file{") for value in secret.values())
    assert "BEGIN " not in text
    assert FILE["secrets"]["grafana_admin_password"]["file"].startswith("./.stack/")


def test_settings_enter_by_their_variables() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    for variable in (
        "STACK_NAME",
        "STACK_LOAD",
        "STACK_RETENTION_TIME",
        "STACK_RETENTION_SIZE",
        "STACK_APP_IMAGE",
    ):
        assert f"${{{variable}:-" in text
