"""Links that leave the stack: the public address of each product, and the dashboards in messages."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from stack.common.errors import SettingsError
from stack.components import assemble
from stack.components.build import Build
from stack.components.links import LINKS, SHIPPED
from tests.unit.components.test_components import build


def flags(made: Build) -> list[str]:
    """Every address that the products are told to be theirs."""
    stack = assemble(made)
    words = [w for s in stack.services for w in s.command if w.startswith("--web.external-url=")]
    return sorted(words) + [v for n, v in stack.service("grafana").environment if n == "GF_SERVER_ROOT_URL"]


def links(made: Build) -> str:
    files = assemble(made).service("alertmanager").files
    return next(f.content.decode() for f in files if f.path == "templates/links.tmpl")


def test_without_it_links_lead_to_where_a_product_is_published() -> None:
    assert flags(build(STACK_PORT_BASE="4000")) == [
        "--web.external-url=http://127.0.0.1:4001",
        "--web.external-url=http://127.0.0.1:4002",
        "http://127.0.0.1:4000/",
    ]
    assert "http://127.0.0.1:4000{{ . }}" in links(build(STACK_PORT_BASE="4000"))


def test_a_host_keeps_the_port_of_each() -> None:
    made = build(STACK_PUBLIC_URL="https://ops.example.com/")
    assert flags(made)[0] == "--web.external-url=https://ops.example.com:9090"
    assert flags(made)[2] == "https://ops.example.com:3000/"
    assert made.url("prometheus") == "http://127.0.0.1:9090", "which is where the checks ask"


def test_each_may_have_a_name_of_its_own() -> None:
    made = build(STACK_PUBLIC_URL="https://{component}.example.com:8443")
    assert flags(made) == [
        "--web.external-url=https://alertmanager.example.com:8443",
        "--web.external-url=https://prometheus.example.com:8443",
        "https://grafana.example.com:8443/",
    ]
    assert "https://grafana.example.com:8443{{ . }}" in links(made)


def test_below_a_path_dashboards_are_too() -> None:
    assert "https://ops.example.com/mon/grafana{{ . }}" in links(
        build(STACK_PUBLIC_URL="https://ops.example.com/mon")
    )


def test_without_grafana_dashboards_are_those_of_prometheus() -> None:
    made = replace(build(STACK_PUBLIC_URL="http://[fd00::1]"), absent=(("grafana", "no image"),))
    assert "http://[fd00::1]:9090/user/#{{ . | reReplaceAll" in links(made)
    assert "3000" not in links(made)


def test_the_shipped_template_is_what_a_stack_of_defaults_has() -> None:
    made = build()
    assert made.tree[LINKS].decode().count(SHIPPED) == 1
    assert links(made).encode() == made.tree[LINKS]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ops.example.com", "must be like http://host, https://host/path or https://{component}.example.com"),
        ("https://", "must be like"),
        ("https://user:word@ops.example.com", "must be like"),
        ("https://ops.example.com:8443", "each product has a port of its own, 8443 cannot be that of all"),
    ],
)
def test_what_is_no_address_is_refused(text: str, said: str) -> None:
    with pytest.raises(SettingsError) as error:
        build(STACK_PUBLIC_URL=text)
    assert said in error.value.message
