"""Where a stack is published is what the settings say now; until it is started again it is asked where it is."""

from __future__ import annotations

import pytest

from stack.common.errors import PortTaken, SettingsError
from tests.scenarios.commands import Client, Products


def asked_at(products: Products) -> dict[str, str]:
    """Where the components were asked last."""
    return dict(products.asked[-1].addresses)


@pytest.fixture
def opened(client: Client) -> Client:
    """A stack that was opened to the network once."""
    client.settings('bind = "0.0.0.0"\ninsecure_bind = true\n')
    assert client("start") == 0
    assert client.places()["prometheus"] == "0.0.0.0:9090"
    return client


def test_an_open_address_is_forgotten_with_the_setting(opened: Client) -> None:
    opened.settings("")
    assert opened("start") == 0
    assert set(opened.places().values()) == {"127.0.0.1:9090", "127.0.0.1:9093", "127.0.0.1:8000"}


@pytest.mark.parametrize(
    "before", [("stop",), ("reload",), ("smoke",), ("status",), ("destroy",), ("restart",)]
)
def test_no_command_in_between_remembers_it(opened: Client, before: tuple[str, ...]) -> None:
    opened.settings("")
    opened(*before)
    assert opened("start") == 0
    assert {place.rpartition(":")[0] for place in opened.places().values()} == {"127.0.0.1"}
    assert opened.plan() == []


def test_a_restart_closes_it_too(opened: Client) -> None:
    opened.settings("")
    assert opened("restart") == 0
    assert {place.rpartition(":")[0] for place in opened.places().values()} == {"127.0.0.1"}


def test_a_reload_opens_nothing_anew(opened: Client) -> None:
    opened.settings('[app]\nload = "off"\n')
    assert opened("reload") == 0
    assert {place.rpartition(":")[0] for place in opened.places().values()} == {"127.0.0.1"}
    assert opened.plan() == []


def test_a_reload_leaves_what_may_be_open_where_it_is(opened: Client) -> None:
    before = opened.ids()
    opened.settings("insecure_bind = true\n")
    assert opened("reload") == 0
    assert opened.ids() == before


def test_opened_by_an_option_it_is_closed_by_the_next_start(client: Client) -> None:
    client.environ = {"STACK_INSECURE_BIND": "true"}
    client("start", "--bind", "0.0.0.0")
    assert client.places()["app"] == "0.0.0.0:8000"
    client.environ = {}
    client("start")
    assert client.places()["app"] == "127.0.0.1:8000"


def test_the_state_on_the_engine_says_nothing_of_addresses(opened: Client) -> None:
    document = opened.engine.read_state("monitoring")
    assert document is not None
    assert b"0.0.0.0" not in document and b"9090" not in document


@pytest.mark.parametrize("words", [("smoke",), ("status",), ("reload",)])
def test_a_stack_whose_ports_were_changed_is_asked_where_it_is(
    client: Client, products: Products, words: tuple[str, ...]
) -> None:
    client("start", "--port-base", "20000")
    before = client.ids()
    assert client(*words) == 0
    assert asked_at(products)["prometheus"] == "http://127.0.0.1:20001"
    assert client.ids() == before


def test_it_is_stopped_and_its_logs_are_shown_whatever_the_settings_say(client: Client) -> None:
    client("start", "--port-base", "20000")
    client.engine.find("monitoring-app").log.append("said before")  # type: ignore[union-attr]
    client.settings("port_base = 21000\n")
    assert client.run("logs", "app")[1].lines == ["said before"]
    assert client("stop") == 0
    assert client.running() == set()


def test_the_next_start_publishes_it_where_the_settings_say(client: Client, products: Products) -> None:
    client("start", "--port-base", "20000")
    client("start")
    assert client.places()["prometheus"] == "127.0.0.1:9090"
    assert asked_at(products)["prometheus"] == "http://127.0.0.1:9090"


def test_a_port_that_is_newly_set_does_not_clash_with_one_from_before(client: Client) -> None:
    client("start", "--port-base", "20000")
    client.environ = {"STACK_APP_PORT": "20001"}  # Prometheus is there until this start
    assert client("start") == 0
    assert client.places() == {
        "prometheus": "127.0.0.1:9090",
        "alertmanager": "127.0.0.1:9093",
        "app": "127.0.0.1:20001",
    }


def test_two_components_swap_their_ports(client: Client) -> None:
    client("start")
    client.environ = {"STACK_PROMETHEUS_PORT": "9093", "STACK_ALERTMANAGER_PORT": "9090"}
    assert client("start") == 0
    assert client.places()["prometheus"] == "127.0.0.1:9093"
    assert client.places()["alertmanager"] == "127.0.0.1:9090"
    assert client.plan() == []


def test_a_port_of_somebody_else_is_named_and_a_free_one_helps(client: Client) -> None:
    client.engine.occupy(9090)
    with pytest.raises(PortTaken, match="9090"):
        client("start")
    client.environ = {"STACK_PROMETHEUS_PORT": "9190"}
    assert client("start") == 0
    assert client.places()["prometheus"] == "127.0.0.1:9190"


def test_an_open_address_still_needs_its_own_word_each_time(opened: Client) -> None:
    opened.settings('bind = "0.0.0.0"\n')
    for words in (("start",), ("reload",), ("plan",)):
        with pytest.raises(SettingsError, match="opens the stack to the network"):
            opened(*words)
