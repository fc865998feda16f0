"""From settings to a description: what is left out, whom the checks ask, when admin/admin may be tried."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from stack.common.errors import UsageError
from stack.components import BY_NAME, load
from stack.components.build import Image
from stack.config.cache import Cache
from stack.deploy.describe import Description, asked_for, describe, secrets_of
from stack.deploy.state import StateStore
from tests.fakes.engine.memory import MemoryEngine

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def described(tmp_path: Path) -> Description:
    settings = load(environ={"STACK_PORT_BASE": "20000"}, project=ROOT)
    settings = replace(settings, home=tmp_path)
    images = {name: Image(f"{name}:1", f"id-{name}") for name in BY_NAME}
    state = StateStore(MemoryEngine(), settings.name, Cache(settings.state))
    return describe(settings, images, state.with_secrets(secrets_of(settings)))


def test_published_ports_are_asked_here_and_everything_from_inside_a_remote_network(
    described: Description,
) -> None:
    here = described.addresses(remote=False)
    assert here["prometheus"] == "http://127.0.0.1:20001"
    assert "node_exporter" not in here
    assert described.addresses(remote=True)["node_exporter"] == "http://node-exporter:9100"


def test_admin_admin_is_tried_once_in_five_minutes(described: Description) -> None:
    tries = [
        described.expectations(remote=False, now=now).probe_default_login for now in (1000.0, 1299.0, 1301.0)
    ]
    assert tries == [True, False, True]


def test_the_expectation_knows_our_password_and_load(described: Description) -> None:
    found = described.expectations(remote=False, now=0.0)
    password = described.build.secrets["grafana_admin_password"].reveal()
    assert password and found.grafana_password == password
    assert found.makes_load


@pytest.mark.parametrize(
    ("with_", "without", "message"),
    [
        (["nobody"], [], "unknown component nobody"),
        ([], ["prometheus"], "cannot be left out"),
        (["app"], ["app"], "both wanted and left out"),
    ],
)
def test_choices_that_cannot_be_meant(with_: list[str], without: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        asked_for(with_, without)


def test_a_choice_is_a_switch_by_component() -> None:
    assert asked_for(["postgres"], ["app", "grafana"]) == {"postgres": "on", "app": "off", "grafana": "off"}
