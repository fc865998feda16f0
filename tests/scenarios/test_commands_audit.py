"""audit: what runs against the benchmark, from the first line to the exit code."""

from __future__ import annotations

import pytest

from stack.common.errors import SmokeFailed, StartFailed
from stack.model.spec import container_name
from tests.scenarios.commands import NAME, Client, Said


def test_there_is_nothing_to_judge_before_a_start(client: Client) -> None:
    with pytest.raises(StartFailed, match="does not run"):
        client("audit")


def faults(client: Client) -> list[tuple[str, str]]:
    """Id and container of each warning without a reason; the exit code follows from them."""
    said = Said()
    with client.monkeypatch.context() as patch:
        patch.setenv("STACK_HOME", str(client.home))
        try:
            assert client.command(said, "audit") == 0
        except SmokeFailed as error:
            assert error.exit_code == 6 and said.documents[0]["ok"] is False
    findings = said.documents[0]["findings"]
    return [(f["id"], f["container"]) for f in findings if f["result"] == "warn" and not f["reason"]]


def test_what_somebody_opens_is_a_fault_of_that_container(client: Client) -> None:
    client("start")
    before = faults(client)
    found = client.engine.find(container_name(NAME, "app"))
    assert found is not None
    found.body["HostConfig"]["Privileged"] = True
    assert set(faults(client)) - set(before) == {("5.5", container_name(NAME, "app"))}
