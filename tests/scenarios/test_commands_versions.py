"""Old versions of a component's files leave its volume; the one in use and the one before it stay."""

from __future__ import annotations

import re

import pytest

from stack.common.errors import StackError
from stack.deploy.actions import KEPT, SURPLUS
from stack.model.spec import APPLIED, CURRENT
from tests.scenarios.commands import NAME, Client, Products

VOLUME = f"{NAME}-prometheus-config"


def versions(client: Client) -> set[str]:
    """Those in the volume."""
    return {
        n for n in client.engine.volumes[VOLUME].tree("") if re.fullmatch("[0-9a-f]{16}(-[0-9a-f]{8})?", n)
    }


def in_use(client: Client) -> tuple[str, str]:
    """The version in use and the one that was verified last."""
    links = client.engine.volumes[VOLUME].links
    return links[CURRENT], links[APPLIED]


@pytest.mark.parametrize("command", ["reload", "start"])
def test_after_many_changes_a_few_versions_remain(client: Client, command: str) -> None:
    client("start")
    seen = [in_use(client)[0]]
    for number in range(KEPT + 2 * SURPLUS + 1):
        client.edit("prometheus/rules/app-gates.yml", after=f"\n# {number}\n")
        assert client(command) == 0
        current, applied = in_use(client)
        seen.append(current)
        assert current == applied
        assert len(versions(client)) < KEPT + SURPLUS
        assert set(seen[-2:]) <= versions(client)
    assert len(set(seen)) == len(seen)
    files = client.files_in_use("prometheus", "rules")
    assert "app-gates.yml" in files


def test_versions_that_were_refused_are_not_kept_for_ever(client: Client, products: Products) -> None:
    client("start")
    for number in range(KEPT + SURPLUS):
        good = in_use(client)[0]
        client.edit("prometheus/rules/app-gates.yml", after=f"\n# refused {number}\n")
        products.refuse = {"prometheus"}
        with pytest.raises(StackError, match="previous files again"):
            client("reload")
        assert in_use(client) == (good, good)
        products.refuse = set()
        client.edit("prometheus/rules/app-gates.yml", after=f"\n# taken {number}\n")
        client("reload")
        assert set(in_use(client)) <= versions(client)
        assert len(versions(client)) <= KEPT + SURPLUS


def test_going_back_and_forth_between_two_versions_removes_neither(client: Client) -> None:
    client("start")
    path = client.home / "prometheus/rules/app-gates.yml"
    texts = [path.read_text(), path.read_text() + "\n# other\n"]
    for number in range(KEPT + SURPLUS):
        path.write_text(texts[number % 2])
        client("reload")
        assert in_use(client)[0] in versions(client)
    assert len(versions(client)) == 2
