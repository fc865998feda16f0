"""redis_exporter: figures of a Redis server that runs elsewhere. Not published; Prometheus alone asks it."""

from __future__ import annotations

from datetime import date

from stack.components.build import MIB, Build, wget
from stack.components.manifest import Component
from stack.config.table import Setting
from stack.engine.interface import ImageConfig
from stack.images.pins import Line, Pin
from stack.images.recipes import COMMON, NOBODY_USER, Recipe
from stack.model.spec import Health, ServiceSpec

PORT = 9121


def service(build: Build) -> ServiceSpec:
    """The container."""
    return REDIS_EXPORTER.container(
        build,
        ready_path="/health",
        health=Health(wget(PORT, "/health")),
        entrypoint=("/redis_exporter",),
        command=(f"--redis.addr={build.settings['redis_exporter.address']}",),
    )


def recipe() -> Recipe:
    """How it is made of Debian's package."""
    return Recipe(
        (*COMMON, "prometheus-redis-exporter"),
        "prometheus-redis-exporter",
        ImageConfig(("/redis_exporter",), user=NOBODY_USER, ports=(PORT,)),
        moves=(("usr/bin/prometheus-redis-exporter", "redis_exporter"),),
    )


REDIS_EXPORTER = Component(
    name="redis_exporter",
    title="redis_exporter",
    purpose="figures of a Redis server",
    service=service,
    port=PORT,
    pin=Pin(
        "redis_exporter",
        "oliver006/redis_exporter:v1.80.0-alpine",
        ("/redis_exporter", "--version"),
        line=Line("1", "only the newest release is kept", date(2026, 11, 26), date(2027, 2, 28)),
    ),
    recipe=recipe,
    memory=64 * MIB,
    switch="off",
    settings=(
        Setting(
            "redis_exporter.address",
            "STACK_REDIS_ADDRESS",
            str,
            "redis://localhost:6379",
            "the Redis server that redis_exporter asks",
        ),
    ),
)
