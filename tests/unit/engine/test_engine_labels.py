"""Labels: what is written can be read back, and what lacks them is somebody else's."""

from __future__ import annotations

from stack.engine import labels
from stack.model.observed import HELPER
from stack.model.spec import NAMESPACE


def test_all_keys_are_below_the_namespace() -> None:
    told = labels.of_service("demo", "app", "d1", ("prometheus",))
    assert {key.rpartition(".")[0] for key in told} == {NAMESPACE}


def test_a_service_reads_back() -> None:
    told = labels.of_service("demo", "app", "d1", ("prometheus", "grafana"))
    assert labels.stack_of(told) == "demo"
    assert (told[labels.COMPONENT], told[labels.DIGEST]) == ("app", "d1")
    assert labels.needs_of(told) == ("prometheus", "grafana")
    assert told[labels.ROLE] == labels.SERVICE


def test_nothing_needed_reads_back_as_nothing() -> None:
    assert labels.needs_of(labels.of_service("demo", "app", "d1", ())) == ()


def test_a_helper_is_one() -> None:
    told = labels.of_helper("demo", "x/y:1")
    assert told[labels.ROLE] == HELPER and labels.stack_of(told) == "demo"


def test_everything_of_ours_says_whose_it_is_what_it_is_and_of_what_it_was_made() -> None:
    service = labels.of_service("demo", "node_exporter", "d1", ())
    volume = labels.of_volume("demo", "demo-node-exporter-data")
    for told in (service, volume, labels.of_network("demo"), labels.of_helper("demo", "x/y:1")):
        assert told.keys() == service.keys()
        assert told[labels.STACK] == "demo" and told[labels.DIGEST]
    assert volume[labels.COMPONENT] == "node_exporter"
    assert volume[labels.ROLE] != HELPER


def test_what_lacks_the_label_is_not_ours() -> None:
    assert labels.stack_of(None) == labels.stack_of({}) == labels.stack_of({"other": "x"}) == ""


def test_the_selector_is_one_stack_or_all() -> None:
    assert labels.selector("demo") == {"label": [f"{labels.STACK}=demo"]}
    assert labels.selector() == {"label": [labels.STACK]}


def test_a_foreign_object_is_named_with_a_way_out() -> None:
    message, hint = labels.foreign("volume", "demo-data")
    assert message.startswith("volume demo-data exists and is not ours")
    assert "--name" in hint and "docker volume inspect demo-data" in hint
