"""What runs stays: a one-off choice holds until changed, and only start and destroy remove a component."""

from __future__ import annotations

import pytest

from stack.common.errors import UsageError
from tests.scenarios.commands import NAME, Client

BASE = {"prometheus", "alertmanager", "node_exporter", "app"}
RULES = "prometheus/rules/app-gates.yml"
DATABASE = ("STACK_DATABASE_URL_FILE", "/etc/stack/secrets/database_url")


@pytest.fixture
def started(client: Client) -> Client:
    """A stack that was started with PostgreSQL, once."""
    assert client("start", "--with", "postgres") == 0
    assert client.running() == BASE | {"postgres"}
    return client


def on_the_database(client: Client) -> bool:
    """Whether the application is told of the database."""
    found = client.engine.find(f"{NAME}-app")
    assert found is not None
    return f"{DATABASE[0]}={DATABASE[1]}" in found.body["Env"]


def test_a_reload_of_an_edited_rule_keeps_a_component_that_was_asked_for_once(started: Client) -> None:
    before, volumes = started.ids(), started.observed.volumes
    started.edit(RULES)
    assert {target for _, target in started.plan()} == {f"{NAME}-prometheus", f"{NAME}-prometheus-config"}
    assert started("reload") == 0
    assert started.ids() == before
    assert started.observed.volumes == volumes
    assert on_the_database(started)
    assert (started.in_use("prometheus", "rules/app-gates.yml") or b"").endswith(b"# edited\n")
    assert started.plan() == []


@pytest.mark.parametrize("words", [("start",), ("restart",), ("reload",), ("smoke",), ("status",), ("stop",)])
def test_a_one_off_choice_holds_over_every_command(started: Client, words: tuple[str, ...]) -> None:
    before = started.ids()
    assert started(*words) == 0
    assert started.ids() == before
    assert started("start") == 0
    assert started.ids() == before
    assert started.running() == BASE | {"postgres"}
    assert on_the_database(started)
    assert started.plan() == []


def test_a_component_left_out_once_stays_out(client: Client) -> None:
    client("start", "--without", "node_exporter")
    for words in (("start",), ("reload",), ("restart",), ("stop",), ("start",)):
        assert client(*words) == 0
        assert not [target for _, target in client.plan() if "node-exporter" in target]
    assert client.running() == BASE - {"node_exporter"}
    assert client.plan() == []
    assert client("start", "--with", "node_exporter") == 0
    assert client.running() == BASE
    assert client.state.switches == {}, "the settings say so themselves"


def test_the_other_choice_ends_it_and_the_plan_says_so_before(started: Client) -> None:
    asked = started.plan("--without", "postgres")
    assert ("remove container", f"{NAME}-postgres") in asked
    assert started.plan() == [], "a plan changes no choice"
    assert started("start", "--without", "postgres") == 0
    assert started.running() == BASE
    assert not on_the_database(started)
    assert f"{NAME}-postgres-data" in started.observed.volumes
    assert started.plan() == []


def test_a_choice_ends_when_the_settings_say_something_else_than_then(started: Client) -> None:
    started.settings('[components]\npostgres = "off"\n')
    assert ("remove container", f"{NAME}-postgres") in started.plan()
    started("start")
    assert started.running() == BASE
    started("start", "--with", "postgres")
    started.settings('[components]\npostgres = "off"\napp = "on"\n')
    assert started.plan() == [], "what they say of postgres is the same"
    started.settings("")
    assert ("remove container", f"{NAME}-postgres") in started.plan()


@pytest.mark.parametrize("words", [("stop",), ("restart",), ("reload",), ("smoke",), ("status",)])
def test_no_other_command_removes_what_the_settings_have_left_out(
    client: Client, words: tuple[str, ...]
) -> None:
    client("start")
    before = client.ids()
    client.settings('[components]\nnode_exporter = "off"\n')
    client(*words)
    assert client.ids() == before
    assert client("start") == 0
    assert client.running() == BASE - {"node_exporter"}


def test_a_reload_adds_nothing_that_the_settings_have_come_to_want(client: Client) -> None:
    client("start")
    client.settings('[components]\npostgres = "on"\n')
    client("reload")
    assert client.running() == BASE
    assert client.observed.volumes == tuple(v for v in client.observed.volumes if "postgres" not in v)


def test_destroy_forgets_the_choice_and_keeps_the_secrets(started: Client) -> None:
    secret = started.state.secrets["postgres_password"]
    started("destroy")
    assert started.observed.containers == ()
    assert (started.state.switches, started.state.started) == ({}, ())
    started("start")
    assert started.running() == BASE
    started("start", "--with", "postgres")
    assert started.state.secrets["postgres_password"] == secret, "its data would not open with another"
    started("destroy", "--volumes", "--yes")
    assert not started.engine.containers and not started.engine.volumes


def test_nothing_is_reloaded_where_nothing_is(client: Client) -> None:
    with pytest.raises(UsageError, match="nothing to reload"):
        client("reload")
