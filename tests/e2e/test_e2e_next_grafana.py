"""The whole stack with a Grafana that speaks as the newest version that is tried: started, proven, reloaded."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import cast

import docker
import pytest
import requests

from tests.e2e.conftest import Make
from tests.e2e.stack_command import Stack
from tests.grafana_standin import NEXT
from tests.grafana_standin.image import REPOSITORY, Builds, build_image

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def newer(make_stack: Make, image_of: Callable[[str], str]) -> Stack:
    client = docker.from_env()
    image = build_image(
        cast(Builds, client.api), base=image_of("python"), tag=f"{REPOSITORY}:{NEXT}", version=NEXT
    )
    stack = make_stack("e2e-next", 26800, STACK_GRAFANA="required", STACK_GRAFANA_IMAGE=image)
    stack.ok("start")
    return stack


def test_it_is_proven(newer: Stack) -> None:
    health = requests.get(f"{newer.url('grafana')}/api/health", timeout=10).json()
    assert health["version"] == NEXT
    names = {finding["check"] for finding in newer.ok("smoke", "--json").json()["findings"]}
    assert {"grafana.dashboards", "grafana.panels", "grafana.data_sources", "grafana.login"} <= names


def test_a_dashboard_under_another_uid_takes_the_place_of_the_old_one(newer: Stack) -> None:
    path = newer.home / "grafana/dashboards/slo.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "uid": "objectives"}))
    newer.ok("reload")
    auth = ("admin", newer.ok("credentials", "--json").json()["grafana"]["password"])
    hits = requests.get(f"{newer.url('grafana')}/api/search?type=dash-db", auth=auth, timeout=10).json()
    uids = {hit["uid"] for hit in hits}
    assert "objectives" in uids
    assert "slo" not in uids
