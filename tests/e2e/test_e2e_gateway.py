"""A stack behind its gateway: one port, a local authority, a login, paths, users at once, links that open."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import docker
import pytest
import trustme

from stack.clients.doorway import Doorway, Met
from tests.bridge import gateway
from tests.e2e.conftest import Make
from tests.e2e.stack_command import Stack

pytestmark = pytest.mark.e2e

BASE = 28350
PORT = BASE + 4
PUBLIC = f"https://localhost:{PORT}/ops"
USER, PASSWORD = "ada", "correct horse battery"
OTHERS = (3000, 8000, 8443, 9090, 9093, 9100)
SCAN = """\
for port in $@; do
  nc -w 1 {gateway} $port </dev/null >/dev/null 2>&1 && echo $port
done
true
"""


@pytest.fixture(scope="module")
def stack(make_stack: Make, grafana_image: str) -> Stack:
    made = make_stack(
        "e2e-gateway",
        BASE,
        STACK_GRAFANA="required",
        STACK_GRAFANA_IMAGE=grafana_image,
        STACK_COMPONENTS="node_exporter=off",
        STACK_BIND="0.0.0.0",
        STACK_PUBLIC_URL=PUBLIC,
        STACK_GATEWAY="on",
    )
    ran = made.ok("start", "--quick")
    assert f"Prometheus    {PUBLIC}/prometheus" in ran.out
    assert "nobody may log in yet" in ran.err
    (made.home / "password").write_text(f"{PASSWORD}\n")
    made.ok("user", "add", USER, "--password-file", str(made.home / "password"))
    return made


@pytest.fixture(scope="module")
def door(stack: Stack) -> Doorway:
    """The way in for somebody who trusts the exported root."""
    told = stack.ok("gateway", "trust", "-o", str(stack.home / "root.crt"), "--json").json()
    root = (stack.home / "root.crt").read_text()
    assert told["certificate"] == root
    return Doorway(f"127.0.0.1:{PORT}", root, timeout=30.0)  # a name that nobody has is hashed at length


def login(user: str = USER, password: str = PASSWORD) -> Mapping[str, str]:
    return {"Authorization": f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"}


def test_every_check_passes_through_the_door_and_behind_it(stack: Stack) -> None:
    found = {one["check"]: one for one in stack.ok("smoke", "--json").json()["findings"]}
    assert {one["status"] for one in found.values()} == {"ok"}
    asked = {name for name in found if name.startswith("gateway.")}
    assert asked == {
        f"gateway.{name}"
        for name in ("ready", "config", "certificate", "redirect", "login", "grafana", "alone")
    }
    assert "hours, issued by" in found["gateway.certificate"]["evidence"]
    assert {"prometheus.targets", "grafana.panels", "path.alert"} <= found.keys()
    assert stack.ok("start", "--json").json()["plan"] == []


def test_a_path_for_each_behind_a_login_but_grafana_with_its_own(door: Doorway) -> None:
    def status(path: str, **headers: str) -> int:
        return door.ask(f"{PUBLIC}{path}", headers=headers).status

    products = ("/prometheus/-/ready", "/alertmanager/-/ready", "/app/health")
    assert [status(path) for path in products] == [401] * 3
    assert [status(path, **login()) for path in products] == [200] * 3
    assert status(products[0], **login(password="wrong")) == 401
    assert status("/grafana/api/health") == 200
    assert status("/grafana/api/user") == 401
    moved = door.ask(f"{PUBLIC}/prometheus")
    assert (moved.status, moved.headers["location"]) == (308, "/ops/prometheus/")
    assert door.ask(f"{PUBLIC}/").headers["location"] == "/ops/grafana/"
    assert status("/nothing") == 404
    assert status("/prometheus/../nothing", **login()) == 404


def test_plain_http_is_redirected_and_no_answer_names_its_server(door: Doorway) -> None:
    plain = door.ask(f"{PUBLIC}/prometheus/", plain=True)
    assert (plain.status, plain.headers["location"]) == (308, f"{PUBLIC}/prometheus/")
    told = [
        door.ask(f"{PUBLIC}/prometheus/", headers=login()),
        door.ask(f"{PUBLIC}/app/health", headers=login()),
    ]
    assert all("server" not in one.headers and "via" not in one.headers for one in (*told, plain))


def _sent(door: Doorway) -> list[dict[str, Any]]:
    """Alerts that the application was sent."""
    answer = door.ask(f"{PUBLIC}/app/alerts", headers=login())
    found: list[dict[str, Any]] = json.loads(answer.text)["alerts"]
    return found


def test_links_in_a_delivered_notification_open(door: Doorway) -> None:
    text = json.dumps(_sent(door))
    links = {link for link in re.findall(r'https?://[^"\\\s]+', text) if "localhost" in link}
    assert links
    assert all(link.startswith(f"{PUBLIC}/") for link in links)
    opened = {link: _opened(door, link) for link in links}
    assert set(opened.values()) == {200}, opened


def _opened(door: Doorway, link: str) -> int:
    """What stands behind a link, over one redirect of the product's own."""
    met: Met = door.ask(link, headers=login())
    if met.status in (301, 302, 307, 308):
        place = met.headers["location"]
        met = door.ask(
            place if place.startswith("https:") else f"https://localhost:{PORT}{place}", headers=login()
        )
    return met.status


def test_users_come_change_and_go_while_it_runs(stack: Stack, door: Doorway) -> None:
    def enters(password: str) -> bool:
        return door.ask(f"{PUBLIC}/prometheus/-/ready", headers=login("bob", password)).status == 200

    before, file = stack.starts(), stack.home / "bobs"
    file.write_text("the first one\n")
    stack.ok("user", "add", "bob", "--password-file", str(file))
    assert enters("the first one")
    file.write_text("another one\n")
    stack.ok("user", "passwd", "bob", "--password-file", str(file))
    assert (enters("the first one"), enters("another one")) == (False, True)
    stack.ok("user", "remove", "bob")
    assert not enters("another one")
    assert stack.ok("user", "list", "--json").json()["users"] == [USER]
    assert stack.starts() == before


def test_another_container_sees_one_port(stack: Stack) -> None:
    ports = [str(port) for port in (*range(BASE, BASE + 10), *OTHERS)]
    image = stack.inspect()["gateway"]["Image"]
    said = docker.from_env().containers.run(
        image,
        ["-c", SCAN.format(gateway=gateway()), "scan", *ports],
        entrypoint=["/bin/sh"],
        remove=True,
    )
    open_ports = set(said.decode().split()) - _of_others(stack)
    assert open_ports == {str(PORT)}


def _of_others(stack: Stack) -> set[str]:
    """Ports that containers of somebody else have here."""
    found = docker.from_env().containers.list(ignore_removed=True)
    others = [one for one in found if one.labels.get("monitoring-stack.stack") != stack.name]
    return {place["HostPort"] for one in others for places in one.ports.values() for place in places or ()}


def test_a_certificate_of_ones_own_is_taken_without_a_new_container(
    stack: Stack, door: Doorway, tmp_path: Path
) -> None:
    issuer = trustme.CA()
    issued = issuer.issue_cert("localhost")
    (tmp_path / "cert.pem").write_bytes(b"".join(pem.bytes() for pem in issued.cert_chain_pems))
    issued.private_key_pem.write_to_path(tmp_path / "key.pem")
    before = stack.starts()
    files = {
        "STACK_GATEWAY_CERTIFICATE_FILE": str(tmp_path / "cert.pem"),
        "STACK_GATEWAY_KEY_FILE": str(tmp_path / "key.pem"),
    }
    stack.ok("reload", **files)
    theirs = Doorway(door.place, issuer.cert_pem.bytes().decode(), timeout=30.0)
    assert theirs.ask(f"{PUBLIC}/grafana/api/health").status == 200
    assert stack.starts() == before
    other = trustme.CA().issue_cert("localhost")
    other.private_key_pem.write_to_path(tmp_path / "key.pem")
    refused = stack("reload", **files)
    assert refused.code == 2
    assert "private key does not match" in refused.err
    assert theirs.ask(f"{PUBLIC}/grafana/api/health").status == 200
