"""Where an image comes from, as a table of facts and decisions."""

from __future__ import annotations

from typing import Any

import pytest

from stack.components import CATALOG
from stack.images.decide import Facts, Source, decide

PROMETHEUS = CATALOG.pins["prometheus"]
OFFICIAL, LOCAL = "prom/prometheus:v3.13.5", "monitoring-stack/prometheus:local"
LOCKED = f"{OFFICIAL}@sha256:abc"
MINE = "reg.example:5000/prom:1"

CASES: list[tuple[dict[str, Any], Source, str, str]] = [
    ({"wanted_present": True}, Source.PRESENT, OFFICIAL, "already there"),
    ({"wanted_present": True, "local": "current"}, Source.PRESENT, OFFICIAL, "already there"),
    ({"local": "current"}, Source.PRESENT, LOCAL, "built here before"),
    ({"local": "stale"}, Source.PULL, OFFICIAL, "not there yet"),
    ({}, Source.PULL, OFFICIAL, "not there yet"),
    ({"digest": "sha256:abc"}, Source.PULL, LOCKED, "not there yet"),
    ({"silent_before": "20m"}, Source.PULL, OFFICIAL, "docker.io did not answer 20m ago; start asks again"),
    ({"registry_silent": True}, Source.BUILD, LOCAL, "docker.io does not answer"),
    ({"registry_silent": True, "local": "stale"}, Source.BUILD, LOCAL, "does not answer"),
    (
        {"registry_silent": True, "local": "stale", "cannot_build": "no apt"},
        Source.PRESENT,
        LOCAL,
        "older recipe",
    ),
    ({"registry_silent": True, "cannot_build": "no apt"}, Source.UNAVAILABLE, OFFICIAL, "no apt"),
    ({"override": MINE}, Source.PULL, MINE, "not there yet"),
    ({"override": MINE, "local": "current"}, Source.PULL, MINE, "not there yet"),
    ({"override": MINE, "wanted_present": True}, Source.PRESENT, MINE, "already there"),
    (
        {"override": MINE, "registry_silent": True},
        Source.UNAVAILABLE,
        MINE,
        "reg.example:5000 does not answer",
    ),
]


@pytest.mark.parametrize(
    ("facts", "source", "ref", "why"), CASES, ids=lambda v: str(v) if isinstance(v, dict) else ""
)
def test_facts_lead_to_one_source(facts: dict[str, Any], source: Source, ref: str, why: str) -> None:
    decision = decide(PROMETHEUS, Facts(**facts))
    assert (decision.source, decision.ref) == (source, ref)
    assert why in decision.why
