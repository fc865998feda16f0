"""What a second start and smoke still know: faults since the last proof, and what the stack was started with."""

from __future__ import annotations

import pytest

from stack.common.errors import SmokeFailed
from stack.components import after_change, all_checks
from stack.model.spec import container_name
from tests.scenarios.commands import NAME, Client, Products

HERE = ("prometheus", "alertmanager", "app")
RECURRING = sorted(
    {
        c.name
        for c in all_checks()
        if c.recurring and not (c.by_engine or c.database or c.sending) and {c.component, *c.needs} <= {*HERE}
    }
)


def proven(client: Client) -> str:
    """The last milestone of a start."""
    (document,) = client.run("start")[1].documents
    return str(document["milestones"][-1]["summary"])


def test_a_second_start_asks_again_and_says_the_age_of_the_rest(client: Client) -> None:
    assert "as proven" not in proven(client)
    before = len(client.products.asked)
    said = proven(client)
    assert "asked now; the rest as proven" in said and " ago (2" in said
    assert len(client.products.asked) == before + 1, "one round of questions"


@pytest.mark.parametrize("check", [*RECURRING, "prometheus.rules", "alertmanager.config"])
def test_what_fails_since_the_proof_is_found_by_a_second_start(
    client: Client, products: Products, check: str
) -> None:
    client("start")
    products.failing = {check}
    with pytest.raises(Exception, match=check.partition(".")[0]):
        client("start")
    products.failing = set()
    assert "as proven" in proven(client)


def test_something_recurs_for_every_kind_of_fault_that_comes_by_itself() -> None:
    assert {"prometheus.targets", "prometheus.rules", "path.watchdog"} <= {
        *RECURRING,
        *after_change("prometheus"),
    }


def test_smoke_expects_what_the_stack_was_started_with(client: Client) -> None:
    client("start")
    client.engine.remove(container_name(NAME, "prometheus"))
    with pytest.raises(SmokeFailed, match=r"prometheus.container: container .* is gone.*\d+ follow") as error:
        client("smoke")
    assert error.value.hint == "monitoring-stack start makes it anew"
    client("start")
    assert client("smoke") == 0


def test_smoke_of_a_stack_at_rest_says_so_at_once(client: Client, products: Products) -> None:
    client("start")
    client("stop")
    before = len(products.asked)
    with pytest.raises(SmokeFailed, match="stack monitoring is stopped"):
        client("smoke")
    assert len(products.asked) == before


def test_what_was_left_out_on_purpose_is_not_missed(client: Client) -> None:
    client("start", "--without", "app")
    assert client("smoke") == 0
    assert client("status") == 0


def test_status_names_a_lost_container_and_its_remedy(client: Client) -> None:
    client("start")
    client.engine.remove(container_name(NAME, "alertmanager"))
    code, said = client.run("status")
    (document,) = said.documents
    (fault,) = document["faults"]
    assert code == 5 and fault["component"] == "alertmanager" and "start" in fault["remedy"]
