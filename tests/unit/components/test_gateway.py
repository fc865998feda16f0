"""The gateway's configuration: who stands behind it, who is let in, and what of users and settings cannot be used."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import bcrypt
import pytest

from stack.common.errors import SettingsError
from stack.components import BY_NAME, assemble, load
from stack.components.build import Build, Image
from stack.components.gateway import digest, faults, files, remark
from stack.components.gateway_door import door
from stack.components.gateway_settings import ACME_ROOT, CERTIFICATE, KEY, PASSWORD
from stack.components.gateway_users import (
    MACHINE,
    USERS,
    Account,
    hashed,
    machine_account,
    read,
    removed,
    written,
)
from stack.components.token import APP_TOKEN
from stack.config.secret import Secret
from stack.config.settings import Settings
from stack.config.tree import read_tree
from stack.model.spec import ServiceSpec

ROOT = Path(__file__).resolve().parents[3]
HASH = "$2b$04$" + "a" * 53
ON = {"STACK_GATEWAY": "on"}


def settings(tmp_path: Path, **environ: str) -> Settings:
    return load(environ={"STACK_HOME": str(tmp_path), **environ}, project=ROOT)


def build(tmp_path: Path, users: str = "", **environ: str) -> Build:
    tree = read_tree(ROOT) | ({USERS: users.encode()} if users else {})
    secrets = {name: Secret("secret") for name in ("grafana_admin_password", PASSWORD)}
    images = {name: Image(f"{name}:1", name) for name in BY_NAME}
    return Build(settings(tmp_path, **environ), images, tree, secrets)


def document(made: Build) -> dict[str, Any]:
    (main,) = (file for file in files(made) if file.path == "caddy.json")
    assert main.secret
    assert main.mode == 0o400
    found: dict[str, Any] = json.loads(main.content)
    return found


def routes(made: Build) -> list[dict[str, Any]]:
    """Those of the published server that lead to a product."""
    found = document(made)["apps"]["http"]["servers"]["gateway"]["routes"]
    return [route for route in found if route["handle"][0]["handler"] == "subroute"]


def into(route: dict[str, Any]) -> list[str]:
    """The kinds of handlers on the way to a product, and where it leads."""
    found = [handler for inner in route["handle"][0]["routes"] for handler in inner["handle"]]
    return [*(handler["handler"] for handler in found), found[-1]["upstreams"][0]["dial"]]


def test_each_product_has_a_path_and_all_but_grafana_a_login_before_it(tmp_path: Path) -> None:
    made = build(tmp_path, **ON, STACK_PUBLIC_URL="https://mon.example.org/ops")
    found = {route["match"][0]["path"][0]: into(route) for route in routes(made)}
    login = ["authentication", "headers", "rewrite", "reverse_proxy"]
    assert found == {
        "/ops/grafana/*": ["rewrite", "reverse_proxy", "grafana:3000"],
        "/ops/prometheus/*": [*login, "prometheus:9090"],
        "/ops/alertmanager/*": [*login, "alertmanager:9093"],
        "/ops/app/*": [*login, "app:8000"],
    }


def test_a_host_name_each_needs_no_path(tmp_path: Path) -> None:
    made = build(tmp_path, **ON, STACK_PUBLIC_URL="https://{component}.example.org")
    assert [route["match"] for route in routes(made)][:2] == [
        [{"host": ["grafana.example.org"]}],
        [{"host": ["prometheus.example.org"]}],
    ]
    tls = document(made)["apps"]["tls"]
    assert tls["certificates"]["automate"][:2] == ["grafana.example.org", "prometheus.example.org"]


def test_what_does_not_run_has_no_door(tmp_path: Path) -> None:
    made = build(tmp_path, **ON, STACK_COMPONENTS="app=off")
    assert [into(route)[-1] for route in routes(made)] == [
        "grafana:3000",
        "prometheus:9090",
        "alertmanager:9093",
    ]


def test_a_bearer_token_opens_the_application_itself_and_who_logs_in_is_given_it(tmp_path: Path) -> None:
    made = build(tmp_path, **ON)
    made = Build(made.settings, made.images, made.tree, {**made.secrets, APP_TOKEN: Secret("geheim")})
    login = routes(made)[-1]["handle"][0]["routes"][0]
    assert login["match"] == [{"not": [{"header": {"Authorization": ["Bearer *"]}}]}]
    told = login["handle"][1]["request"]["set"]["Authorization"]
    assert told == ["Bearer {file./etc/stack/secrets/app_token}"]
    assert "geheim" not in json.dumps(document(made))


def test_without_a_gateway_nothing_of_it_is_there_and_with_one_it_alone_is_published(tmp_path: Path) -> None:
    def published(spec: ServiceSpec) -> bool:
        return spec.published is not None

    off, on = (assemble(build(tmp_path, **told)) for told in ({}, ON))
    assert sorted(s.component for s in off.services if published(s)) == [
        "alertmanager",
        "app",
        "grafana",
        "prometheus",
    ]
    assert [s.component for s in on.services if published(s)] == ["gateway"]
    assert files(build(tmp_path)) == ()


def test_it_listens_beyond_loopback_without_the_insecure_flag(tmp_path: Path) -> None:
    open_address = {"STACK_BIND": "0.0.0.0"}
    assert settings(tmp_path, **open_address, **ON).front == "gateway"
    with pytest.raises(SettingsError, match="opens the stack to the network") as refused:
        settings(tmp_path, **open_address)
    assert "gateway" in str(refused.value.hint)


def test_only_ports_that_are_published_can_collide(tmp_path: Path) -> None:
    taken = {"STACK_PROMETHEUS_PORT": "8443"}
    assert settings(tmp_path, **taken).port("prometheus") == 8443
    assert settings(tmp_path, **taken, **ON).port("gateway") == 8443


def test_certificates_of_ones_own_by_acme_or_of_a_local_authority(tmp_path: Path) -> None:
    local = document(build(tmp_path, **ON))["apps"]
    assert local["pki"]["certificate_authorities"]["local"]["install_trust"] is False
    mail = {"STACK_GATEWAY_ACME_EMAIL": "ops@example.org", "STACK_PUBLIC_URL": "https://mon.example.org/"}
    (policy,) = document(build(tmp_path, **ON, **mail))["apps"]["tls"]["automation"]["policies"]
    assert policy["subjects"] == ["mon.example.org"]
    assert (policy["issuers"][0]["module"], policy["issuers"][0]["email"]) == ("acme", "ops@example.org")
    asked = build(
        tmp_path,
        **ON,
        **mail,
        STACK_GATEWAY_ACME_DIRECTORY="https://ca.test/d",
        STACK_GATEWAY_ACME_ROOT_FILE="r",
    )
    private = Build(asked.settings, asked.images, asked.tree, {**asked.secrets, ACME_ROOT: Secret("R")})
    issuer = document(private)["apps"]["tls"]["automation"]["policies"][0]["issuers"][0]
    assert issuer["ca"] == "https://ca.test/d"
    assert issuer["trusted_roots_pem_files"] == ["/etc/stack/current/secrets/gateway_acme_root"]
    assert [f.content for f in files(private) if f.path != "caddy.json"] == [b"R\n"]
    assert door(private).roots == "R"
    given = {"STACK_GATEWAY_CERTIFICATE_FILE": "cert.pem", "STACK_GATEWAY_KEY_FILE": "key.pem"}
    made = build(tmp_path, **ON, **given)
    made = Build(
        made.settings, made.images, made.tree, {**made.secrets, CERTIFICATE: Secret("C"), KEY: Secret("K")}
    )
    own = document(made)["apps"]
    assert "pki" not in own
    assert own["tls"]["certificates"]["load_files"][0]["key"] == "/etc/stack/current/secrets/gateway_key"
    assert {f.path: f.content for f in files(made) if f.path != "caddy.json"} == {
        "secrets/gateway_certificate": b"C\n",
        "secrets/gateway_key": b"K\n",
    }
    assert door(made).roots == "C"
    other = Build(made.settings, made.images, made.tree, {**made.secrets, KEY: Secret("L")})
    assert digest(made) != digest(other)


FAULTS = [
    ({"STACK_GATEWAY_CERTIFICATE_FILE": "cert.pem"}, "go together"),
    (
        {
            "STACK_GATEWAY_CERTIFICATE_FILE": "c",
            "STACK_GATEWAY_KEY_FILE": "k",
            "STACK_GATEWAY_ACME_EMAIL": "a@b.cd",
        },
        "two ways",
    ),
    ({"STACK_PUBLIC_URL": "http://mon.example.org"}, "speaks TLS"),
    ({"STACK_GATEWAY_ACME_DIRECTORY": "https://ca.test/directory"}, "acme_directory is nothing without"),
    ({"STACK_GATEWAY_ACME_ROOT_FILE": "root.pem"}, "acme_root_file is nothing without"),
]


@pytest.mark.parametrize(("environ", "why"), FAULTS)
def test_what_of_the_settings_cannot_be(tmp_path: Path, environ: dict[str, str], why: str) -> None:
    found = [fault.why for fault in faults(build(tmp_path, **ON, **environ))]
    assert len(found) == 1
    assert why in found[0]


@pytest.mark.parametrize(
    ("address", "port", "why"),
    [
        ("https://mon.test:8443", "8443", ""),
        ("https://mon.test", "443", ""),
        ("https://mon.test", "8443", "people are told port 443, it is published at 8443"),
        ("https://{component}.mon.test:8444", "8443", "people are told port 8444, it is published at 8443"),
    ],
)
def test_an_address_with_another_port_than_the_published_one_is_told(
    tmp_path: Path, address: str, port: str, why: str
) -> None:
    said = remark(build(tmp_path, f"ada:{HASH}\n", **ON, STACK_PUBLIC_URL=address, STACK_GATEWAY_PORT=port))
    assert (why in said) if why else said == ""
    assert "nobody may log in yet" in remark(
        build(tmp_path, **ON, STACK_PUBLIC_URL=address, STACK_GATEWAY_PORT=port)
    )


def test_another_login_is_asked_in_place_of_the_users(tmp_path: Path) -> None:
    place = {
        "STACK_GATEWAY_FORWARD_AUTH": "https://login.example.org/verify?x=1",
        "STACK_GATEWAY_FORWARD_AUTH_HEADERS": "Remote-User, Remote-Groups",
    }
    asked = routes(build(tmp_path, **ON, **place))[1]["handle"][0]["routes"][0]["handle"][0]
    assert asked["upstreams"] == [{"dial": "login.example.org:443"}]
    assert asked["rewrite"] == {"method": "GET", "uri": "/verify?x=1"}
    forget, *known = [route["handle"][0]["request"] for route in asked["handle_response"][0]["routes"]]
    assert forget == {"delete": ["Remote-User", "Remote-Groups"]}
    assert known == [
        {"set": {name: [f"{{http.reverse_proxy.header.{name}}}"]}}
        for name in ("Remote-User", "Remote-Groups")
    ]


def test_users_are_lines_of_htpasswd_and_bad_ones_are_named_without_their_hash() -> None:
    good, bad = read(
        f"# people\nada:{HASH}\n\nbob:{{SHA}}xyz\nada:{HASH}\n{MACHINE}:{HASH}\n../x:{HASH}\n".encode()
    )
    assert good == (Account("ada", HASH),)
    assert [(one.path, one.why) for one in bad] == [
        (f"{USERS}:4", "bob has no bcrypt hash"),
        (f"{USERS}:5", "ada is there twice"),
        (f"{USERS}:6", f"{MACHINE} is the login of the checks"),
        (f"{USERS}:7", "'../x' is no name of a user"),
    ]


def test_a_file_of_users_keeps_what_is_not_meant() -> None:
    before = f"# people\nada:{HASH}\nbob:{HASH}\n".encode()
    other = HASH.replace("a", "b")
    changed = written(before, Account("ada", other))
    assert changed.decode() == f"# people\nada:{other}\nbob:{HASH}\n"
    assert written(changed, Account("eve", HASH)).decode().endswith(f"bob:{HASH}\neve:{HASH}\n")
    assert removed(before, "bob").decode() == f"# people\nada:{HASH}\n"


def test_the_login_of_the_checks_has_one_hash_that_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    account = machine_account("secret")
    assert account == machine_account("secret")
    assert bcrypt.checkpw(b"secret", account.hash.encode())
    real = bcrypt.gensalt
    monkeypatch.setattr(bcrypt, "gensalt", lambda: real(4))
    assert bcrypt.checkpw(b"geheim", hashed("geheim").encode())
