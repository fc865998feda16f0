"""apache_exporter: figures of an Apache web server that runs elsewhere. Not published; Prometheus alone asks it."""

from __future__ import annotations

from datetime import date

from stack.components.build import MIB, Build, wget
from stack.components.manifest import Component
from stack.config.table import Setting
from stack.engine.interface import ImageConfig
from stack.images.pins import Line, Pin
from stack.images.recipes import COMMON, NOBODY_USER, Recipe
from stack.model.spec import Health, ServiceSpec

PORT = 9117


def service(build: Build) -> ServiceSpec:
    """The container."""
    return APACHE_EXPORTER.container(
        build,
        ready_path="/metrics",
        health=Health(wget(PORT, "/")),
        entrypoint=("/bin/apache_exporter",),
        command=(f"--scrape_uri={build.settings['apache_exporter.address']}",),
    )


def recipe() -> Recipe:
    """How it is made of Debian's package."""
    return Recipe(
        (*COMMON, "prometheus-apache-exporter"),
        "prometheus-apache-exporter",
        ImageConfig(("/bin/apache_exporter",), user=NOBODY_USER, ports=(PORT,)),
        moves=(("usr/bin/prometheus-apache-exporter", "usr/bin/apache_exporter"),),
    )


APACHE_EXPORTER = Component(
    name="apache_exporter",
    title="apache_exporter",
    purpose="figures of an Apache web server",
    service=service,
    port=PORT,
    pin=Pin(
        "apache_exporter",
        "lusotycoon/apache-exporter:v1.0.11",
        ("/bin/apache_exporter", "--version"),
        line=Line("1", "only the newest release is kept", date(2026, 11, 26), date(2027, 2, 28)),
    ),
    recipe=recipe,
    memory=64 * MIB,
    switch="off",
    settings=(
        Setting(
            "apache_exporter.address",
            "STACK_APACHE_ADDRESS",
            str,
            "http://localhost/server-status?auto",
            "the Apache web server that apache_exporter asks",
        ),
    ),
)
