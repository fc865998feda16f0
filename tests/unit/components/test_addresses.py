"""The address of each product for people: by public_url with a path, a name or a port each, or by what is in front."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from stack.common.errors import SettingsError
from stack.components import assemble
from stack.components.addresses import Address, address, outward
from stack.components.build import Build
from stack.components.grafana_env import REFUSED
from stack.config.settings import Settings
from stack.config.table import Table, Unit
from tests.unit.components.test_components import build


def told(made: Build, component: str) -> list[str]:
    """What a product is told of its address: flags, and variables."""
    service = assemble(made).service(component)
    flags = [w for w in service.command if w.startswith(("--web.external-url", "--web.route-prefix"))]
    names = ("GF_SERVER_ROOT_URL", "GF_SECURITY_COOKIE_SECURE", "STACK_APP_ALLOWED_HOSTS")
    return flags + [f"{name}={value}" for name, value in service.environment if name in names]


def fronted(**environ: str) -> Settings:
    """Settings of a stack that has something in front of all products, published on port 8443."""
    settings = build(**{k: v for k, v in environ.items() if k != "STACK_PUBLIC_URL"}).settings
    unit = Unit("front", publish=8443, fronts=True)
    values = {**settings.values, "components.front": "on", "front.port": 8443}
    values |= {"public_url": environ.get("STACK_PUBLIC_URL", "")}
    return replace(settings, table=Table((*settings.table.units, unit)), values=values)


@pytest.mark.parametrize(
    ("public", "prometheus"),
    [
        ("", "http://127.0.0.1:9090"),
        ("http://ops.example.com", "http://ops.example.com:9090"),
        ("https://ops.example.com/", "https://ops.example.com:9090"),
        ("https://ops.example.com/mon", "https://ops.example.com/mon/prometheus"),
        ("https://ops.example.com:8443/a/b/", "https://ops.example.com:8443/a/b/prometheus"),
        ("https://ops.example.com/{component}", "https://ops.example.com/prometheus"),
        ("https://ops.example.com/my-{component}/x", "https://ops.example.com/my-prometheus/x"),
        ("https://{component}.example.com", "https://prometheus.example.com"),
        ("https://{component}.example.com:8443/mon", "https://prometheus.example.com:8443/mon"),
    ],
)
def test_each_form_gives_each_product_an_address(public: str, prometheus: str) -> None:
    assert build(STACK_PUBLIC_URL=public).public_url("prometheus") == prometheus


@pytest.mark.parametrize(
    ("public", "prometheus"),
    [
        ("", "https://127.0.0.1:8443/prometheus"),
        ("https://ops.example.com", "https://ops.example.com/prometheus"),
        ("https://ops.example.com:8443", "https://ops.example.com:8443/prometheus"),
        ("https://ops.example.com/mon", "https://ops.example.com/mon/prometheus"),
        ("https://{component}.example.com", "https://prometheus.example.com"),
    ],
)
def test_what_stands_in_front_has_one_port_for_all(public: str, prometheus: str) -> None:
    settings = fronted(STACK_PUBLIC_URL=public)
    assert settings.front == "front"
    assert address(settings, "prometheus").url == prometheus
    assert outward(settings, ("prometheus", "front", "node_exporter")) == {"prometheus": prometheus}


def test_the_port_of_https_is_left_out() -> None:
    settings = fronted(STACK_BIND="::1")
    settings = replace(settings, values={**settings.values, "front.port": 443})
    assert address(settings, "app") == Address("https", "[::1]", None, "/app")


def test_below_a_path_products_serve_at_their_root_all_the_same() -> None:
    made = build(STACK_PUBLIC_URL="https://ops.example.com/mon")
    assert told(made, "prometheus") == [
        "--web.external-url=https://ops.example.com/mon/prometheus",
        "--web.route-prefix=/",
    ]
    assert told(made, "alertmanager")[1:] == ["--web.route-prefix=/"]
    assert told(made, "grafana") == [
        "GF_SECURITY_COOKIE_SECURE=true",
        "GF_SERVER_ROOT_URL=https://ops.example.com/mon/grafana/",
    ]
    assert told(made, "app") == ["STACK_APP_ALLOWED_HOSTS=ops.example.com"]
    assert made.url("prometheus") == "http://127.0.0.1:9090", "which is where the checks ask"
    assert "GF_SERVER_SERVE_FROM_SUB_PATH" in REFUSED


def test_without_it_nothing_is_told_that_was_not_before() -> None:
    made = build()
    assert told(made, "prometheus") == ["--web.external-url=http://127.0.0.1:9090"]
    assert told(made, "grafana") == ["GF_SERVER_ROOT_URL=http://127.0.0.1:3000/"]
    assert told(made, "app") == []
    assert outward(made.settings, made.present) == {}


def test_cookies_of_plain_http_are_not_for_tls_alone() -> None:
    made = build(STACK_PUBLIC_URL="http://ops.example.com")
    assert told(made, "grafana") == ["GF_SERVER_ROOT_URL=http://ops.example.com:3000/"]


def test_the_names_of_the_application_keep_those_of_the_setting() -> None:
    made = build(STACK_PUBLIC_URL="https://{component}.example.com", STACK_APP_ALLOWED_HOSTS="*.lab,a.b")
    assert told(made, "app") == ["STACK_APP_ALLOWED_HOSTS=*.lab,a.b,app.example.com"]
    made = build(STACK_PUBLIC_URL="https://a.b/x", STACK_APP_ALLOWED_HOSTS="*.lab,a.b")
    assert told(made, "app") == ["STACK_APP_ALLOWED_HOSTS=*.lab,a.b"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("https://ops.example.com//x", "must be like"),
        ("https://ops.example.com/../x", "must be like"),
        ("https://ops.example.com/x?y", "must be like"),
        ("https://ops.example.com/x#y", "must be like"),
        ("https://ops.example.com/ü", "must be like"),
        ("https://ops.example.com:70000/x", "must be 1-65535"),
        ("https://{component}.example.com/{component}", "must have {component} once"),
        ("https://ops.example.com:8443", "8443 cannot be that of all"),
    ],
)
def test_what_cannot_work_is_refused_in_a_line(text: str, said: str) -> None:
    with pytest.raises(SettingsError) as error:
        build(STACK_PUBLIC_URL=text)
    assert error.value.message.startswith("public_url: ") and said in error.value.message
    assert error.value.hint and "\n" not in error.value.message
