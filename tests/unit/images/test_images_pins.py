"""The table of pins and the small functions over references."""

from __future__ import annotations

from datetime import date

import pytest

from stack.components import CATALOG
from stack.images.newer import line_of
from stack.images.pins import Pin, pinned, registry_of, tag_of


@pytest.mark.parametrize(
    ("ref", "registry"),
    [
        ("python:3.14", "docker.io"),
        ("prom/prometheus:v3.13.5", "docker.io"),
        ("ghcr.io/a/b:1", "ghcr.io"),
        ("localhost/a", "localhost"),
        ("box:5000/a/b@sha256:1", "box:5000"),
    ],
)
def test_registry_of_a_reference(ref: str, registry: str) -> None:
    assert registry_of(ref) == registry


@pytest.mark.parametrize(
    ("ref", "tag"), [("a:1", "1"), ("box:5000/a", "latest"), ("box:5000/a:2@sha256:f", "2"), ("a", "latest")]
)
def test_tag_of_a_reference(ref: str, tag: str) -> None:
    assert tag_of(ref) == tag


def test_a_locked_reference_keeps_its_tag() -> None:
    assert pinned("grafana/grafana:12.4.12@sha256:old", "sha256:new") == "grafana/grafana:12.4.12@sha256:new"


def test_pins_say_exact_versions() -> None:
    versions = {name: pin.version for name, pin in CATALOG.pins.items()}
    assert versions == {
        "prometheus": "3.13.5",
        "alertmanager": "0.35.0",
        "node_exporter": "1.12.1",
        "grafana": "12.4.12",
        "postgres": "18.6",
        "gateway": "2.11.9",
        "blackbox": "0.29.1",
        "postgres_exporter": "0.19.1",
        "redis_exporter": "1.86.0",
        "mysqld_exporter": "0.19.0",
        "nginx_exporter": "1.5.1",
        "memcached_exporter": "0.16.0",
        "haproxy_exporter": "0.15.0",
        "process_exporter": "0.8.7",
        "python": "3.14",
    }


@pytest.mark.parametrize("pin", CATALOG.pins.values(), ids=lambda pin: pin.component)
def test_every_pin_was_looked_up_not_too_long_ago(pin: Pin) -> None:
    """A reminder: look the newest release of the line up, pin it, and move both dates (docs/images.md)."""
    assert pin.line is not None
    assert line_of(tag_of(pin.official), pin) == pin.line.series
    assert pin.line.looked_up <= date.today() <= pin.line.renew_by, (
        f"{pin.component}: {pin.official} was looked up on {pin.line.looked_up}; is it still the newest of its line?"
    )


def test_every_recipe_belongs_to_a_pin_and_two_pins_have_none() -> None:
    assert set(CATALOG.pins) - set(CATALOG.recipes) == {"grafana", "memcached_exporter"}


def test_a_changed_recipe_has_another_digest() -> None:
    digests = [recipe.digest() for recipe in CATALOG.recipes.values()]
    assert len(set(digests)) == len(digests)
    assert digests == [recipe.digest() for recipe in CATALOG.recipes.values()]
