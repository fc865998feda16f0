"""From settings to a description: what is left out, whom the checks ask, when admin/admin may be tried."""

from __future__ import annotations

from pathlib import Path

import pytest

from stack.common.errors import UsageError
from stack.components import COMPONENTS, load
from stack.components.build import Image
from stack.deploy.describe import Prepared, chosen, prepare

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def prepared(tmp_path: Path) -> Prepared:
    settings = load(environ={"STACK_PORT_BASE": "20000"}, project=ROOT)
    images = {name: Image(f"{name}:1", f"id-{name}") for name in (*COMPONENTS, "app")}
    return prepare(settings, State(tmp_path / ".stack" / "s"), images)


def test_published_ports_are_asked_here_and_everything_from_inside_a_remote_network(
    prepared: Prepared,
) -> None:
    here = prepared.addresses(remote=False)
    assert here["prometheus"] == "http://127.0.0.1:20001"
    assert "node_exporter" not in here
    assert prepared.addresses(remote=True)["node_exporter"] == "http://node-exporter:9100"


def test_admin_admin_is_tried_once_in_five_minutes(prepared: Prepared) -> None:
    tries = [
        prepared.expectations(remote=False, now=now).probe_default_login for now in (1000.0, 1299.0, 1301.0)
    ]
    assert tries == [True, False, True]


def test_the_expectation_knows_our_password_and_load(prepared: Prepared) -> None:
    found = prepared.expectations(remote=False, now=0.0)
    assert found.grafana_password == prepared.state.secret("grafana_admin_password").reveal()
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
        chosen(with_, without)


def test_a_choice_is_a_set_of_components() -> None:
    assert chosen([], ["app", "grafana"]) == {"app", "grafana"}
